"""What pages hold: masked data, safe texts, strict headers; and that every look is logged."""

from dataclasses import replace

import pytest

from tests.pipeline.web.conftest import NOW, PHONE
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.store.access_log import Action, accesses
from zhijian.pipeline.store.appeals import add_appeal
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import judged

SCRIPT = "</script><script>alert(1)</script>"


def logged(site, call: str) -> list[tuple[str, Action]]:
    with site.engine.connect() as conn:
        return [(one.actor, one.action) for one in accesses(conn, call=site.numbers[call], limit=100)]


def test_customer_data_are_masked_until_somebody_asks(site):
    client, number = site.as_("monitor"), site.numbers["doubt"]
    page, twin = client.get(f"/calls/{number}"), client.get(f"/api/calls/{number}")
    for answer in (page, twin):
        assert answer.status_code == 200
        assert PHONE not in answer.text
        assert PHONE[3:7] not in answer.text
    assert logged(site, "doubt") == [("monitor", Action.VIEW)] * 2
    raw = client.get(f"/api/calls/{number}?unmasked=true").json()
    assert PHONE in raw["utterances"][1]["text"]
    assert logged(site, "doubt")[0] == ("monitor", Action.UNMASK)


def test_masked_words_keep_their_times(site):
    line = site.as_("monitor").get(f"/api/calls/{site.numbers['doubt']}").json()["utterances"][1]
    assert "".join(word["text"] for word in line["words"]) == line["text"]
    assert line["words"][0] == {"text": "我", "start_ms": 2000, "end_ms": 2100}
    assert line["words"][-1]["end_ms"] == 2000 + 100 * len(f"我的电话是{PHONE}")


def test_every_answer_has_its_headers(site):
    client = site.as_("monitor")
    for path in ("/login", "/queue", "/api/me", "/static/call.js", f"/calls/{site.numbers['doubt']}", "/nosuch"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store" or path.startswith("/static/")


def test_no_page_has_a_script_or_style_of_its_own(site):
    client = site.as_("monitor")
    for path in ("/queue", "/calls", "/appeals", f"/calls/{site.numbers['doubt']}"):
        page = client.get(path).text
        assert "<style" not in page
        assert " style=" not in page
        assert "onclick" not in page
        assert page.count("<script") == page.count("<script type=")


@pytest.mark.parametrize("path", ["/calls/{call}", "/appeals"])
def test_a_script_in_what_people_write_stays_text(site, path):
    number = site.numbers["good"]
    with writing(site.engine) as conn:
        add_appeal(
            conn,
            call=number,
            scorecard=site.judgement("good").id,
            item="opening.greeting",
            agent_no="1023",
            reason=SCRIPT,
            actor="agent",
            now=NOW,
        )
    page = site.as_("monitor").get(path.format(call=number)).text
    assert SCRIPT not in page
    assert "alert(1)" in page


def test_a_script_in_a_transcript_stays_text(site):
    client, number = site.as_("monitor"), site.numbers["doubt"]
    corrected = {"scorecard": site.judgement("doubt").id, "utterance": 0, "text": SCRIPT, "role": "agent"}
    assert client.post(f"/api/calls/{number}/corrections", json=corrected).status_code == 200
    assert SCRIPT not in client.get(f"/calls/{number}").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fsettings.py",
        "/calls/..%2f..%2fetc%2fpasswd",
        "/api/calls/1%00/sound",
        "/api/calls/-1",
        "/api/calls/9999999999999999999999",
    ],
)
def test_a_path_leads_nowhere_else(site, path):
    assert site.as_("monitor").get(path).status_code in (404, 422)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/calls/x", 404, "没有这个页面"),
        ("/calls/0", 404, "没有这个页面"),
        ("/calibrations/1/calls/x", 404, "没有这个页面"),
        ("/calls/999999", 404, "没有这通电话"),
        ("/calls/1?before=x", 422, "请求的内容不对"),
        ("/calls?page=x", 422, "请求的内容不对"),
    ],
)
def test_a_wrong_address_is_told_on_a_page(site, path, status, said):
    answer = site.as_("monitor").get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{said}</h1>" in answer.text


def test_programs_are_told_which_field_of_an_address_is_wrong(site):
    answer = site.as_("monitor").get("/api/calls/x")
    assert (answer.status_code, answer.json()["detail"]) == (422, "请求的内容不对")
    assert [one["field"] for one in answer.json()["problems"]] == ["path.call"]


def test_a_wrong_value_is_refused_and_not_repeated(site):
    client = site.as_("monitor")
    secret = {"scorecard": PHONE, "rulings": PHONE, "reason": PHONE}
    answer = client.post(f"/api/calls/{site.numbers['doubt']}/decisions", json=secret)
    assert answer.status_code == 422
    assert PHONE not in answer.text


@pytest.mark.parametrize(
    ("sent", "status"), [({"content": b"x" * (1 << 20) + b"x"}, 413), ({"content": iter([b"name=x"])}, 413)]
)
def test_a_body_that_is_too_long_or_does_not_say_how_long_is_not_read(site, sent, status):
    assert site.nobody().post("/login", **sent).status_code == status


def test_blank_words_correct_nothing(site):
    blank = {"scorecard": site.judgement("doubt").id, "utterance": 0, "text": "  ", "role": "agent"}
    answer = site.as_("monitor").post(f"/api/calls/{site.numbers['doubt']}/corrections", json=blank)
    assert answer.status_code == 422


def test_an_agent_is_not_told_who_looks_at_a_call(site):
    number = site.numbers["good"]
    assert site.as_("monitor").put(f"/api/calls/{number}/hold").status_code == 204
    agent = site.as_("agent")
    assert agent.get(f"/api/calls/{number}").json()["held_by"] is None
    assert [one["held_by"] for one in agent.get("/api/calls").json()["calls"]] == [None]


def test_the_call_tells_what_the_rule_says_and_what_people_said(site):
    client, number = site.as_("monitor"), site.numbers["doubt"]
    ruling = {"item": "opening.offer", "outcome": "pass", "reason": "听了录音"}
    decision = {"scorecard": site.judgement("doubt").id, "rulings": [ruling], "reason": "听了录音"}
    assert client.post(f"/api/calls/{number}/decisions", json=decision).status_code == 200
    view = client.get(f"/api/calls/{number}").json()
    item = next(one for one in view["items"] if one["id"] == "opening.offer")
    assert item["ruled_by"] == "monitor"
    assert any("要求" in line for line in item["rule"])
    assert [(event["actor"], event["what"]) for event in view["events"]] == [("monitor", "主动提供帮助:合格")]
    assert "听了录音" in client.get(f"/calls/{number}").text


def test_a_reviewers_own_words_are_masked_too(site):
    client, number = site.as_("monitor"), site.numbers["good"]
    note = f"客户电话 {PHONE} 说得很清楚"
    decision = {"scorecard": site.judgement("good").id, "rulings": [], "reason": note}
    client.post(f"/api/calls/{number}/decisions", json=decision)
    assert PHONE not in client.get(f"/api/calls/{number}").text


def test_a_fault_of_ours_tells_no_customer_data(site, monkeypatch, caplog):
    def fail(*_):
        raise ValueError(PHONE)

    monkeypatch.setattr("zhijian.pipeline.web.calls.stored_roster", fail)
    answer = site.as_("monitor").get(f"/calls/{site.numbers['doubt']}")
    assert (answer.status_code, PHONE in answer.text) == (500, False)
    assert answer.headers["content-security-policy"]
    assert "ValueError in test_pages.py" in caplog.text
    assert PHONE not in caplog.text


def test_what_an_agent_writes_in_an_appeal_is_masked(site):
    appeal = {"item": "opening.greeting", "reason": f"客户 {PHONE} 自己挂的"}
    assert site.as_("agent").post(f"/api/calls/{site.numbers['good']}/appeals", json=appeal).status_code == 201
    for path in ("/appeals", "/api/appeals", f"/calls/{site.numbers['good']}"):
        assert PHONE not in site.as_("monitor").get(path).text


def test_an_agent_does_not_see_what_was_judged_before(site):
    before = site.judgement("good").id
    ruling = {"item": "opening.greeting", "outcome": "pass", "reason": "听了录音"}
    decision = {"scorecard": before, "rulings": [ruling], "reason": "听了录音"}
    path = f"/calls/{site.numbers['good']}"
    assert site.as_("monitor").post(f"/api{path}/decisions", json=decision).status_code == 200
    assert "95.0" in site.as_("monitor").get(f"{path}?before={before}").text
    assert "95.0" not in site.as_("agent").get(f"{path}?before={before}").text


def test_lists_hold_no_customer_data(site):
    for path in ("/queue", "/api/queue", "/calls", "/api/calls"):
        assert PHONE not in site.as_("monitor").get(path).text


def test_the_access_log_is_read_by_administrators_and_says_so(site):
    site.as_("monitor").get(f"/calls/{site.numbers['doubt']}")
    client = site.as_("admin")
    assert [(one["actor"], one["action"]) for one in client.get("/api/access-log").json()] == [("monitor", "view")]
    assert client.get("/api/access-log").json()[0]["action"] == "read_log"
    assert "查看通话" in client.get("/access-log").text


def test_what_a_call_list_has_for_a_scenario_is_masked(site, make_card):
    seen, number = site.judgement("good"), site.numbers["good"]
    card = replace(seen.scorecard, scenario=f"故障 {PHONE}")
    judged(site.engine, number, card)
    book(site.engine, seen.source, site.bench.schemes, actor="machine", now=NOW)
    client = site.as_("monitor")
    for path in ("/calls", "/api/calls", f"/calls/{number}", f"/api/calls/{number}"):
        answer = client.get(path)
        assert ("故障" in answer.text, PHONE in answer.text) == (True, False)


def test_the_list_of_appeals_names_no_customer(site):
    reason = "户主是张建国,住和平小区3号楼501室"
    path = f"/api/calls/{site.numbers['good']}/appeals"
    assert site.as_("agent").post(path, json={"item": "opening.greeting", "reason": reason}).status_code == 201
    for who in ("agent", "monitor"):
        for shown in (site.as_(who).get("/api/appeals").text, site.as_(who).get("/appeals").text):
            assert ("户主是" in shown, "张建国" in shown, "和平小区" in shown) == (True, False, False)
