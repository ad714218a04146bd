"""Reviewing through the workbench: queue, holds, decisions, corrections, appeals — and what they do to the ledger."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.pipeline.web.conftest import NOW
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.stages import correct
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.judge import judge
from zhijian.pipeline.store.access_log import Action, accesses
from zhijian.pipeline.store.calls import call_task, register
from zhijian.pipeline.store.hearings import heard_before, hearing_of
from zhijian.pipeline.store.holds import HOLD
from zhijian.pipeline.store.judgements import hearing_number, judged
from zhijian.pipeline.store.tables import scorecards
from zhijian.pipeline.web.decisions import DecisionIn

OFFER = "opening.offer"


def decide(site, call: str, who="monitor", *rulings: dict, seen: int | None = None, **more):
    body = {"scorecard": seen or site.judgement(call).id, "rulings": list(rulings), "reason": "听了录音", **more}
    assert DecisionIn.model_validate(body)
    return site.as_(who).post(f"/api/calls/{site.numbers[call]}/decisions", json=body)


def passes(item=OFFER) -> dict:
    return {"item": item, "outcome": "pass", "reason": "听了录音"}


def listed(site, path="/api/queue", who="monitor") -> list[str]:
    return [one["call_id"] for one in site.as_(who).get(path).json()["calls"]]


class TestQueue:
    def test_vetoes_come_first_then_doubts(self, site):
        assert listed(site) == ["veto", "doubt", "other-doubt"]
        assert listed(site, "/api/queue?kind=doubt") == ["doubt", "other-doubt"]

    @pytest.mark.parametrize(
        ("query", "calls"),
        [
            ("team=二班", ["other-doubt"]),
            ("agent_no=1023", ["veto", "doubt"]),
            (f"item={OFFER}", ["doubt", "other-doubt"]),
            ("item=nosuch", []),
            ("from_day=2026-11-21", []),
            ("to_day=2026-11-20", ["veto", "doubt", "other-doubt"]),
            ("score_from=90", ["doubt", "other-doubt"]),
            ("score_to=90", []),
            ("scenario=fault", []),
            ("from_day=&to_day=&score_from=&score_to=&item=&team=", ["veto", "doubt", "other-doubt"]),
        ],
    )
    def test_filters(self, site, query, calls):
        assert listed(site, f"/api/queue?{query}") == calls
        assert site.as_("monitor").get(f"/queue?{query}").status_code == 200

    @pytest.mark.parametrize("query", ["from_day=yesterday", "score_from=many", "score_to=101", "page=0", "kind=x"])
    def test_a_wrong_filter_is_refused(self, site, query):
        assert site.as_("monitor").get(f"/api/queue?{query}").status_code == 422

    def test_what_is_decided_leaves_it(self, site):
        assert decide(site, "doubt", "monitor", passes()).json()["published"]
        assert listed(site) == ["veto", "other-doubt"]

    def test_the_next_call_is_taken_for_one_only(self, site):
        first, second = site.as_("monitor"), site.as_("second")
        taken = [client.post("/api/queue/next").json()["call"] for client in (first, second, first)]
        assert taken == [site.numbers[call] for call in ("veto", "doubt", "veto")]
        assert first.post(f"/api/queue/next?after={taken[0]}").json()["call"] == site.numbers["other-doubt"]
        assert second.post(f"/api/queue/next?after={taken[1]}").json()["call"] == site.numbers["veto"]

    def test_nothing_more_waits(self, site):
        client = site.as_("monitor")
        assert client.post("/api/queue/next?team=nosuch").json() == {"call": None}

    def test_a_call_that_nobody_answers_for_is_free_again(self, site, make_site):
        site.as_("monitor").post("/api/queue/next")
        assert site.as_("second").post("/api/queue/next").json()["call"] == site.numbers["doubt"]
        later = make_site(site.engine, now=NOW + HOLD + timedelta(seconds=1))
        assert later.as_("second").post("/api/queue/next").json()["call"] == site.numbers["veto"]

    def test_what_was_given_to_somebody_waits_for_him(self, site):
        given = {"calls": [site.numbers["doubt"]], "monitor": "second"}
        assert site.as_("supervisor").post("/api/queue/assignments", json=given).status_code == 204
        assert site.as_("monitor").post("/api/queue/next?kind=doubt").json()["call"] == site.numbers["other-doubt"]
        assert site.as_("second").post("/api/queue/next").json()["call"] == site.numbers["doubt"]
        shown = site.as_("monitor").get("/api/queue?kind=doubt").json()["calls"]
        assert shown[0]["held_by"] == "second"

    def test_what_was_given_to_somebody_who_is_locked_out_is_free(self, site):
        given = {"calls": [site.numbers["doubt"]], "monitor": "second"}
        assert site.as_("supervisor").post("/api/queue/assignments", json=given).status_code == 204
        path = f"/api/accounts/{site.account('second').id}"
        assert site.as_("admin").patch(path, json={"active": False}).status_code == 200
        assert decide(site, "doubt", "monitor", passes()).status_code == 200

    def test_only_monitors_are_given_calls(self, site):
        given = {"calls": [site.numbers["doubt"]], "monitor": "trainer"}
        assert site.as_("supervisor").post("/api/queue/assignments", json=given).status_code == 422


class TestDeciding:
    @pytest.fixture
    def site(self, any_site):
        return any_site

    def test_two_people_on_one_call_the_second_is_told(self, site):
        seen = site.judgement("doubt").id
        site.as_("monitor").put(f"/api/calls/{site.numbers['doubt']}/hold")
        refused = decide(site, "doubt", "second", passes())
        assert (refused.status_code, "别人" in refused.json()["detail"]) == (409, True)
        assert decide(site, "doubt", "monitor", passes()).status_code == 200
        late = decide(site, "doubt", "second", passes(), seen=seen)
        assert (late.status_code, "重新查看" in late.json()["detail"]) == (409, True)
        assert site.judgement("doubt").scorecard.publishes_itself

    def test_a_page_that_another_has_open_cannot_decide(self, site):
        number = site.numbers["doubt"]
        assert site.as_("monitor").get(f"/calls/{number}").status_code == 200
        page = site.as_("second").get(f"/calls/{number}")
        assert "正由 monitor 复核" in page.text
        assert 'id="submit"' not in page.text
        site.as_("monitor").delete(f"/api/calls/{number}/hold")
        assert 'id="submit"' in site.as_("second").get(f"/calls/{number}").text

    @pytest.mark.parametrize(
        "ruling",
        [
            {"item": "nosuch", "outcome": "pass", "reason": "x"},
            {"item": OFFER, "outcome": "fail", "reason": "x"},
            {"item": OFFER, "outcome": "fail", "points": "5", "reason": "x"},
            {"item": OFFER, "outcome": "unsure", "reason": "x"},
            {"item": OFFER, "outcome": "pass", "reason": ""},
        ],
    )
    def test_a_ruling_that_does_not_fit_changes_nothing(self, site, ruling):
        before = site.judgement("doubt").id
        body = {"scorecard": before, "rulings": [ruling], "reason": "x"}
        answer = site.as_("monitor").post(f"/api/calls/{site.numbers['doubt']}/decisions", json=body)
        assert answer.status_code == 422
        assert site.judgement("doubt").id == before

    @pytest.mark.parametrize("spoil", [Path.mkdir, lambda anchor: anchor.write_text("{}\n")], ids=["folder", "garbage"])
    def test_a_decision_is_logged_though_the_anchor_cannot_be_used(self, site, spoil):
        spoil(site.bench.anchor)
        assert decide(site, "doubt", "monitor", passes()).status_code == 200
        with site.engine.connect() as conn:
            done = [one.action for one in accesses(conn, call=site.numbers["doubt"], limit=9)]
        assert (done, site.judgement("doubt").scorecard.in_doubt) == ([Action.DECIDE], False)

    def test_a_confirmed_veto_costs_its_points(self, site):
        answer = decide(site, "veto", "monitor", veto_confirmed=True).json()
        assert (answer["published"], answer["score"]) == (True, 0.0)
        assert balance(site.engine, "1023", "work_points") == -10
        assert site.bench.anchor.read_text().count("\n") == 1

    def test_where_it_takes_two_the_second_confirms(self, site, make_site):
        two = make_site(site.engine, veto_by_two=True)
        first = decide(two, "veto", "monitor", veto_confirmed=True).json()
        assert (first["published"], first["veto_waiting"]) == (False, True)
        assert decide(two, "veto", "monitor", veto_confirmed=True).json()["veto_waiting"]
        assert entries(site.engine) == ()
        assert two.as_("monitor").post("/api/queue/next").json()["call"] == site.numbers["doubt"]
        assert two.as_("second").post("/api/queue/next").json()["call"] == site.numbers["veto"]
        page = two.as_("second").get(f"/calls/{site.numbers['veto']}").text
        assert "monitor 已确认" in page
        assert decide(two, "veto", "second", veto_confirmed=True).json()["score"] == 0.0
        assert balance(site.engine, "1023", "work_points") == -10

    def test_where_it_takes_two_one_is_enough_to_reject(self, site, make_site):
        two = make_site(site.engine, veto_by_two=True)
        assert decide(two, "veto", "monitor", veto_confirmed=False).json()["score"] == 95.0


def test_a_row_that_changes_later_does_not_undo_what_people_ruled(site):
    """The customer's answer to the survey comes a day after the review: the call is judged again, the ruling stays."""
    decide(site, "doubt", "monitor", passes())
    source = site.judgement("doubt").source
    task = call_task(site.engine, site.numbers["doubt"])
    register(site.engine, [replace(task.call, satisfaction="满意")])
    heard_before(site.engine, task.id)
    judge(site.engine, call_task(site.engine, task.id), site.bench.standard)
    book(site.engine, source, site.bench.schemes, actor="machine", now=NOW)
    items = {item.id: item for item in site.judgement("doubt").scorecard.items}
    assert (items[OFFER].outcome, items[OFFER].reason) == ("pass", "听了录音")
    assert verify(site.engine).sound


class TestCorrecting:
    def correct(self, site, text="您好,请讲", utterance=0, role="agent", call="doubt"):
        body = {"scorecard": site.judgement(call).id, "utterance": utterance, "text": text, "role": role}
        return site.as_("monitor").post(f"/api/calls/{site.numbers[call]}/corrections", json=body)

    def dialogue(self, site, call="doubt"):
        with site.engine.connect() as conn:
            hearing = hearing_number(conn, site.judgement(call).id)
        return hearing_of(site.engine, hearing).dialogue

    def test_the_call_is_judged_again_at_once(self, site):
        before = site.judgement("doubt")
        answer = self.correct(site, "您好,长清供电公司,工号1023,请问有什么可以帮您")
        assert answer.status_code == 200
        after = site.judgement("doubt")
        assert after.id == answer.json()["scorecard"] != before.id
        assert after.scorecard.standard == site.bench.standard.ref
        assert self.dialogue(site).utterances[0].text.startswith("您好,长清")
        page = site.as_("monitor").get(f"/calls/{site.numbers['doubt']}?before={before.id}").text
        assert "已按更正的文字重新评分" in page

    def test_what_people_ruled_stays(self, site):
        decide(site, "doubt", "monitor", passes())
        self.correct(site, "什么事")
        items = {item.id: item for item in site.judgement("doubt").scorecard.items}
        assert (items[OFFER].outcome, items[OFFER].reason) == ("pass", "听了录音")

    @pytest.mark.parametrize("said", [True, False])
    def test_a_veto_that_comes_of_it_waits_for_a_person(self, site, monkeypatch, said):
        assert decide(site, "veto", veto_confirmed=said).json()["published"]
        before = site.judgement("veto").scorecard
        now = replace(before.items[0], id="language.banned")
        was = replace(before.items[0], outcome=Outcome.PASS, points=before.items[0].points_max, veto=False)
        judged_now = replace(before, items=(was, now), veto_confirmed=None)
        monkeypatch.setattr(correct, "judge", lambda *_, **__: judged_now)
        answer = self.correct(site, call="veto").json()
        assert (answer["published"], answer["veto_waiting"]) == (False, True)

    def test_a_call_that_another_standard_has_judged_is_not_judged_by_this_one_unasked(self, site, make_site):
        """Which of the two is newer nobody knows here: both ways out are named."""
        other = replace(site.bench.standard, version="99", sha256="0" * 64)
        changed = make_site(site.engine)
        changed.bench = replace(changed.bench, standard=other)
        refused = self.correct(changed)
        assert refused.status_code == 422
        said = refused.json()["detail"]
        assert all(words in said for words in ("95598 99", "重启工作台", "zhijian rescore"))

    def test_another_speaker(self, site):
        self.correct(site, "您好请讲", 0, "customer")
        dialogue = self.dialogue(site)
        assert dialogue.utterances[0].role == "customer"
        assert [(voice.role, voice.span.end_ms) for voice in dialogue.voices][:2] == [
            ("customer", 400),
            ("agent", 1900),
        ]

    def test_a_line_that_is_not_there(self, site):
        assert self.correct(site, utterance=99).status_code == 422

    def test_a_correction_of_what_has_changed_is_refused(self, site):
        seen = site.judgement("doubt").id
        assert self.correct(site).status_code == 200
        body = {"scorecard": seen, "utterance": 0, "text": "您好", "role": "agent"}
        again = site.as_("monitor").post(f"/api/calls/{site.numbers['doubt']}/corrections", json=body)
        assert again.status_code == 409

    def test_published_points_follow(self, site):
        assert self.correct(site, call="good").status_code == 200
        now = site.judgement("good")
        with site.engine.connect() as conn:
            by = sa.select(scorecards.c.standard_sha256).where(scorecards.c.id == now.id)
            assert conn.execute(by).scalar_one() == now.scorecard.standard.sha256
        assert verify(site.engine).sound


class TestAppeals:
    ITEM = "opening.greeting"

    def file(self, site, call="good", item=ITEM, who="agent", reason="我说了您好"):
        return site.as_(who).post(f"/api/calls/{site.numbers[call]}/appeals", json={"item": item, "reason": reason})

    def decide(self, site, appeal: int, who="monitor", **decision):
        body = {"reason": "录音里有"} | decision
        return site.as_(who).post(f"/api/appeals/{appeal}/decision", json=body)

    def test_an_appeal_that_is_upheld_changes_the_score(self, site):
        appeal = self.file(site).json()["appeal"]
        assert [one["appeal"] for one in site.as_("monitor").get("/api/appeals").json()] == [appeal]
        assert self.decide(site, appeal, upheld=True).status_code == 204
        assert site.judgement("good").scorecard.score == 100
        assert site.as_("monitor").get("/api/appeals").json() == []
        own = site.as_("agent").get("/api/appeals").json()
        assert [(one["upheld"], one["decision"]) for one in own] == [(True, "录音里有")]

    def test_one_that_is_rejected_changes_nothing(self, site):
        before = site.judgement("good").id
        appeal = self.file(site).json()["appeal"]
        assert self.decide(site, appeal, upheld=False).status_code == 204
        assert site.judgement("good").id == before

    def test_it_is_final(self, site):
        appeal = self.file(site).json()["appeal"]
        self.decide(site, appeal, upheld=False)
        assert self.decide(site, appeal, "second", upheld=True).status_code == 409
        assert self.file(site).status_code == 409

    @pytest.mark.parametrize("upheld", [True, False])
    def test_nobody_rules_on_the_item_after_it(self, site, upheld):
        self.decide(site, self.file(site).json()["appeal"], upheld=upheld)
        decided = site.judgement("good")
        against = {"outcome": "fail", "points": "10"} if upheld else {"outcome": "pass"}
        refused = decide(site, "good", "second", {"item": self.ITEM, "reason": "x"} | against)
        assert (refused.status_code, "最终决定" in refused.json()["detail"]) == (409, True)
        assert site.judgement("good") == decided

    def test_nor_is_its_veto_decided_again(self, site):
        decide(site, "veto", "second", veto_confirmed=True)
        self.decide(site, self.file(site, "veto").json()["appeal"], upheld=False)
        assert decide(site, "veto", "second", veto_confirmed=False).status_code == 409
        assert site.judgement("veto").scorecard.veto_confirmed

    def test_a_doubt_that_comes_later_is_decided_nevertheless(self, site):
        self.decide(site, self.file(site).json()["appeal"], upheld=False)
        before = site.judgement("good")
        doubt = replace(before.scorecard.items[0], outcome=Outcome.UNSURE, points=None)
        judged(site.engine, before.call, replace(before.scorecard, items=(doubt,)))
        book(site.engine, before.source, site.bench.schemes, actor="machine", now=NOW)
        assert decide(site, "good", "monitor", passes(self.ITEM)).json()["published"]

    def test_a_line_that_is_put_right_leaves_what_was_decided(self, site, monkeypatch):
        self.decide(site, self.file(site).json()["appeal"], upheld=False)
        before = site.judgement("good")
        passed = replace(before.scorecard.items[0], outcome=Outcome.PASS, points=before.scorecard.items[0].points_max)
        monkeypatch.setattr(correct, "judge", lambda *_, **__: replace(before.scorecard, items=(passed,)))
        body = {"scorecard": before.id, "utterance": 0, "text": "您好", "role": "agent"}
        assert site.as_("second").post(f"/api/calls/{before.call}/corrections", json=body).status_code == 200
        assert site.judgement("good").scorecard.items == before.scorecard.items

    def test_another_monitor_than_the_first_decides(self, site):
        decide(site, "doubt", "monitor", passes())
        appeal = self.file(site, "doubt").json()["appeal"]
        refused = self.decide(site, appeal, "monitor", upheld=True)
        assert (refused.status_code, "另一位" in refused.json()["detail"]) == (409, True)
        assert self.decide(site, appeal, "second", upheld=True).status_code == 204

    def test_nor_does_who_has_put_a_line_right(self, site):
        appeal = self.file(site).json()["appeal"]
        body = {"scorecard": site.judgement("good").id, "utterance": 0, "text": "什么事", "role": "agent"}
        assert site.as_("monitor").post(f"/api/calls/{site.numbers['good']}/corrections", json=body).status_code == 200
        assert self.decide(site, appeal, "monitor", upheld=False).status_code == 409
        assert self.decide(site, appeal, "second", upheld=False).status_code == 204

    def test_it_has_its_time(self, site, make_site):
        late = make_site(site.engine, now=NOW + timedelta(days=3, seconds=1), appeal_days=3)
        assert "期限" in self.file(late).json()["detail"]
        assert self.file(make_site(site.engine, now=NOW + timedelta(days=3), appeal_days=3)).status_code == 201

    @pytest.mark.parametrize(("item", "status"), [("nosuch", 409), (OFFER, 409)])
    def test_only_against_a_deduction(self, site, item, status):
        assert self.file(site, item=item).status_code == status

    def test_upheld_means_more_points(self, site):
        appeal = self.file(site).json()["appeal"]
        lower = self.decide(site, appeal, upheld=True, outcome="fail", points="95")
        assert (lower.status_code, "高于" in lower.json()["detail"]) == (409, True)
        assert self.decide(site, appeal, upheld=True, outcome="fail", points="97").status_code == 204
        assert site.judgement("good").scorecard.score == 97
