"""People at work in a real browser: a monitor by keyboard only, an agent's appeal, two monitors on one call."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.pipeline.web.conftest import Site
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.store.accounts import open_session
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import judged
from zhijian.pipeline.web.app import create_app
from zhijian.pipeline.web.workbench import COOKIE

CHROMIUM = os.environ.get("TEST_CHROMIUM")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=os.environ.get("TEST_CHROMIUM_SKIP", "TEST_CHROMIUM is not set; ./run test finds one")
)
QUIET = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Site], str]]:
    """Serves a site on loopback; returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def serve(site: Site) -> str:
        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(site.bench), log_level="error"))
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        running.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield serve
    for server, thread in running:
        server.should_exit = True
        thread.join()


@pytest.fixture
def open_as(browser: Browser) -> Iterator[Callable[[Site, str, str], Page]]:
    """Opens the workbench for somebody who has logged in; whatever the page complains of fails the test."""
    contexts, complaints = [], []

    def open_as(site: Site, address: str, name: str) -> Page:
        with writing(site.engine) as conn:
            token = open_session(conn, site.account(name).id, site.bench.now())
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_cookies([{"name": COOKIE, "value": token, "url": address}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda said: said.type == "error" and "409" not in said.text and complaints.append(said.text)
        )
        page.goto(address)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert [said for said in complaints if "409" not in said] == []


def now_ms(page: Page) -> float:
    return page.evaluate("document.getElementById('sound').currentTime * 1000")


def paused(page: Page) -> bool:
    return page.evaluate("document.getElementById('sound').paused")


def wait_until(holds: Callable[[], bool], seconds: float = 20) -> None:
    """The pages' own policy forbids what Playwright would evaluate in them to wait."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def hear_evidence(page: Page, start_ms: int, end_ms: int) -> None:
    """Enter plays just the evidence: it begins and ends there, within the third of a second that is heard around it."""
    page.keyboard.press("Enter")
    wait_until(lambda: not paused(page))
    assert start_ms - 400 <= now_ms(page) < end_ms + 400
    wait_until(lambda: paused(page))
    assert end_ms - 100 <= now_ms(page) <= end_ms + 700


def pass_doubts(page: Page, items: list[dict[str, Any]]) -> None:
    """Goes to each item that is unsure, and passes it."""
    for item in items:
        if item["outcome"] == "unsure":
            page.locator(f"[data-item='{item['id']}']").wait_for()
            while page.locator(".item.current").get_attribute("data-item") != item["id"]:
                page.keyboard.press("ArrowDown")
            page.keyboard.press("p")


class TestMonitor:
    def test_works_through_the_queue_by_keyboard_only(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        waiting = heard_site.as_("monitor").get("/api/queue").json()["calls"]
        assert {"veto", "doubt"} <= {call["kind"] for call in waiting}
        for call in waiting:
            page.keyboard.press("n" if page.url.endswith("/queue") else "Shift")
            page.wait_for_url(f"**/calls/{call['call']}")
            expect(page.locator("#items li").first).to_be_visible()
            view = heard_site.as_("monitor").get(f"/api/calls/{call['call']}").json()
            if call["kind"] == "veto":
                page.keyboard.press("b")
            pass_doubts(page, view["items"])
            page.keyboard.press("s")
            page.wait_for_url(lambda url, here=call["call"]: not url.endswith(f"/calls/{here}"))
        page.wait_for_url("**/queue")
        expect(page.locator(".empty")).to_be_visible()
        done = {one["call_id"]: one for one in heard_site.as_("monitor").get("/api/calls").json()["calls"]}
        assert all(done[call["call_id"]]["published"] for call in waiting)
        assert verify(heard_site.engine).sound

    def test_hears_just_the_seconds_of_a_finding(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        number = int(page.url.rsplit("/", 1)[1])
        items = heard_site.as_("monitor").get(f"/api/calls/{number}").json()["items"]
        banned = next(item for item in items if item["veto"])
        expect(page.locator(".item.current strong")).to_have_text(banned["name"])
        expect(page.locator(".word.evidence").first).to_be_visible()
        for evidence in banned["evidence"]:
            hear_evidence(page, evidence["start_ms"], evidence["end_ms"])
        word = page.locator(".word").nth(3)
        word.click()
        wait_until(lambda: not paused(page))
        assert abs(now_ms(page) - float(word.get_attribute("data-start"))) < 1000
        page.keyboard.press(" ")
        assert paused(page)
        before = now_ms(page)
        page.keyboard.press("ArrowRight")
        assert now_ms(page) - before == pytest.approx(3000, abs=50)
        page.keyboard.press("]")
        assert page.evaluate("document.getElementById('sound').playbackRate") == 1.25

    def test_a_loop_goes_round(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        expect(page.locator(".item.current")).to_be_visible()
        page.keyboard.press("l")
        page.keyboard.press("Enter")
        wait_until(lambda: not paused(page))
        turns, last = 0, now_ms(page)
        while turns < 2:
            now = now_ms(page)
            turns, last = turns + (now < last), now
        assert not paused(page)

    def test_a_deduction_is_taken_back_with_its_reason(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        number = int(page.url.rsplit("/", 1)[1])
        expect(page.locator(".item.current")).to_be_visible()
        item = page.locator(".item.current").get_attribute("data-item")
        page.keyboard.press("p")
        expect(page.locator("#ask")).to_be_visible()
        page.keyboard.type("客户引用的话")
        page.keyboard.press("Control+Enter")
        expect(page.locator(f"[data-item='{item}'] .chip")).to_have_text("合格")
        expect(page.locator("#pending")).to_contain_text("合格")
        page.keyboard.press("u" if page.locator(".item.current").get_attribute("data-item") == item else "ArrowUp")
        page.keyboard.press("s")
        expect(page.locator("#message")).to_be_visible()
        assert heard_site.as_("monitor").get(f"/api/calls/{number}").json()["events"] == []

    def test_a_correction_loses_no_ruling(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        expect(page.locator(".word.evidence").first).to_be_visible()
        page.keyboard.press("b")
        page.keyboard.press("e")
        expect(page.locator("#message")).to_contain_text("请先提交或撤回")
        expect(page.locator("#ask")).to_be_hidden()

    def test_the_original_of_another_scorecard_is_not_decided_on(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        expect(page.locator(".item.current")).to_be_visible()
        seen = heard_site.judgement(page.locator(".facts").inner_text().split(" ")[0])
        judged(heard_site.engine, seen.call, seen.scorecard)
        page.keyboard.press("m")
        expect(page.locator("#message")).to_contain_text("请刷新")
        expect(page.locator("#unmask")).to_contain_text("显示原文")

    def test_a_corrected_line_is_judged_at_once(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        expect(page.locator(".word.evidence").first).to_be_visible()
        page.keyboard.press("e")
        expect(page.locator("#ask-text")).to_be_visible()
        page.locator("#ask-text").fill("您好,请您稍等一下")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**?before=*")
        expect(page.locator("#changed")).to_contain_text("得分:")
        expect(page.locator("#transcript")).to_contain_text("您好,请您稍等一下")

    def test_customer_data_are_shown_when_asked_for(self, heard_site, serve, open_as):
        page = open_as(heard_site, serve(heard_site), "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        expect(page.locator("#transcript")).to_contain_text("****")
        page.keyboard.press("m")
        expect(page.locator("#transcript")).not_to_contain_text("****")


class TestTwoMonitors:
    def test_they_never_hold_one_call(self, heard_site, serve, open_as):
        address = serve(heard_site)
        first, second = (open_as(heard_site, address, name) for name in ("monitor", "second"))
        for page in (first, second):
            page.keyboard.press("n")
            page.wait_for_url("**/calls/*")
        assert first.url != second.url
        second.goto(first.url)
        expect(second.locator(".notice")).to_contain_text("正由 monitor 复核")
        expect(second.locator("#submit")).to_have_count(0)

    def test_the_second_to_decide_is_told(self, heard_site, serve, open_as):
        address = serve(heard_site)
        page = open_as(heard_site, address, "monitor")
        page.keyboard.press("n")
        page.wait_for_url("**/calls/*")
        number = int(page.url.rsplit("/", 1)[1])
        view = heard_site.as_("monitor").get(f"/api/calls/{number}").json()
        decision = {"scorecard": view["scorecard"], "rulings": [], "veto_confirmed": False, "reason": "引用"}
        assert heard_site.as_("monitor").post(f"/api/calls/{number}/decisions", json=decision).status_code == 200
        page.keyboard.press("v")
        pass_doubts(page, view["items"])
        page.keyboard.press("s")
        expect(page.locator("#message")).to_contain_text("重新查看")


class TestAgent:
    def test_an_appeal_from_filing_to_the_ledger(self, site, serve, open_as):
        """The day's points are booked, the appeal is upheld, and the ledger reverses and books anew."""
        address = serve(site)
        veto, item = site.numbers["veto"], "opening.greeting"
        decision = {"scorecard": site.judgement("veto").id, "rulings": [], "veto_confirmed": True, "reason": "属实"}
        assert site.as_("monitor").post(f"/api/calls/{veto}/decisions", json=decision).status_code == 200
        assert balance(site.engine, "1023", "work_points") == -10
        agent = open_as(site, address, "agent")
        agent.locator("tbody tr", has_text="0.0").locator("a").first.click()
        agent.wait_for_url(f"**/calls/{veto}")
        agent.keyboard.press("z")
        agent.locator("#ask-text").fill("我没有这样说")
        agent.keyboard.press("Control+Enter")
        expect(agent.locator("#appeals")).to_contain_text("等待复议")
        second = open_as(site, address, "second")
        second.goto(f"{address}/appeals")
        second.locator("input[name=reason]").fill("录音里是客户说的")
        second.get_by_role("button", name="成立:判为合格").click()
        expect(second.locator(".empty")).to_be_visible()
        assert balance(site.engine, "1023", "work_points") == 0
        kinds = [booked.entry.kind for booked in entries(site.engine, "1023", "work_points")]
        assert kinds == ["post", "reversal"]
        agent.goto(f"{address}/appeals")
        expect(agent.locator(".appeal")).to_contain_text("录音里是客户说的")
        assert next(one for one in site.as_("agent").get("/api/appeals").json())["item"] == item

    def test_sees_only_own_published_calls(self, site, serve, open_as):
        page = open_as(site, serve(site), "agent")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.locator("nav")).not_to_contain_text("待复核")


class TestSupervisor:
    def test_gives_calls_to_a_monitor(self, site, serve, open_as):
        page = open_as(site, serve(site), "supervisor")
        page.locator("input[name=call]").first.check()
        page.locator("#monitor").select_option("second")
        page.locator("#assign").click()
        expect(page.locator("tbody tr").first).to_contain_text("second")

    def test_draws_a_sample_and_opens_a_calibration_that_a_monitor_judges(self, site, serve, open_as):
        address = serve(site)
        page = open_as(site, address, "supervisor")
        page.locator("summary").click()
        for name in ("from_day", "to_day"):
            page.locator(f"#draw [name={name}]").fill("2026-11-20")
        page.locator("#draw [name=per_agent]").fill("9")
        page.get_by_role("button", name="抽取").click()
        page.wait_for_url("**/queue?kind=sampled")
        expect(page.locator("tbody tr")).to_have_count(1)
        page.goto(f"{address}/calls")
        page.locator("tr", has_text="95.0").locator("input[name=call]").first.check()
        page.locator("#open-calibration").click()
        page.wait_for_url("**/calibrations")
        rater = open_as(site, address, "monitor")
        rater.goto(f"{address}/calibrations")
        rater.locator(".session a").first.click()
        rater.wait_for_url("**/calls/*")
        expect(rater.locator("#transcript li").first).to_be_visible()
        rater.locator("input[value=fail]").first.check()
        rater.get_by_role("button", name="提交").click()
        rater.wait_for_url("**/calibrations")
        page.reload()
        page.get_by_role("button", name="结束校准").click()
        expect(page.locator(".session")).to_contain_text("machine")


class TestAdmin:
    def test_adds_and_locks_an_account(self, site, serve, open_as):
        page = open_as(site, serve(site), "admin")
        page.locator("[name=name]").fill("zhao")
        page.locator("[name=role]").select_option("monitor")
        page.locator("[name=password]").fill("long enough password")
        page.get_by_role("button", name="新增").click()
        row = page.locator("tr", has_text="zhao")
        expect(row.locator("td").nth(4)).to_have_text("可用")
        row.get_by_role("button", name="停用").click()
        expect(row.locator("td").nth(4)).to_have_text("停用")
        page.goto(page.url.replace("/accounts", "/access-log"))
        expect(page.locator("table")).to_contain_text("停用 zhao")
