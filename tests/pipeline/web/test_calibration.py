"""Samples and calibrations in the workbench: drawn, judged blind, compared when closed."""

import pytest

ITEM = "opening.greeting"


@pytest.fixture
def session(site) -> int:
    opened = {"name": "十一月", "calls": [site.numbers["good"], site.numbers["doubt"]]}
    return site.as_("supervisor").post("/api/calibrations", json=opened).json()["session"]


def judge(site, session: int, who: str, outcome: str, call: str = "good", item: str = ITEM):
    path = f"/api/calibrations/{session}/calls/{site.judgement(call).id}/verdicts"
    return site.as_(who).post(path, json={"verdicts": [{"item": item, "outcome": outcome}]})


def test_a_drawn_call_waits_in_the_queue(site):
    drawn = {"from_day": "2026-11-20", "to_day": "2026-11-20", "per_agent": 5, "seed": 7}
    assert site.as_("supervisor").post("/api/samples", json=drawn).json() == {"sample": 1, "calls": 3}
    listed = site.as_("monitor").get("/api/queue?kind=sampled").json()["calls"]
    assert [one["call_id"] for one in listed] == ["good"]  # the other team's is not his to draw
    agrees = {"scorecard": site.judgement("good").id, "rulings": [], "reason": "同意系统评分"}
    site.as_("monitor").post(f"/api/calls/{site.numbers['good']}/decisions", json=agrees)
    assert site.as_("monitor").get("/api/queue?kind=sampled").json()["total"] == 0


def test_an_agent_is_not_told_what_is_drawn(site):
    drawn = {"from_day": "2026-11-20", "to_day": "2026-11-20", "per_agent": 5}
    site.as_("supervisor").post("/api/samples", json=drawn)
    for kind in ("", "sampled", "veto"):
        shown = site.as_("agent").get(f"/api/calls?kind={kind}").json()["calls"]
        assert [(one["call_id"], one["kind"]) for one in shown] == [("good", "settled")]


def test_a_period_that_ends_before_it_begins_is_refused(site):
    drawn = {"from_day": "2026-11-21", "to_day": "2026-11-20", "per_agent": 1}
    assert site.as_("supervisor").post("/api/samples", json=drawn).status_code == 422


def test_a_rater_sees_nothing_of_what_others_or_the_machine_said(site, session):
    judge(site, session, "second", "pass")
    scorecard = site.judgement("good").id
    shown = site.as_("monitor").get(f"/api/calibrations/{session}/calls/{scorecard}").json()
    assert [item["said"] for item in shown["items"]] == [None]
    assert "outcome" not in str(shown)
    page = site.as_("monitor").get(f"/calibrations/{session}/calls/{scorecard}").text
    assert "checked" not in page
    assert site.as_("monitor").get(f"/api/calls/{site.numbers['good']}").status_code == 409
    assert site.as_("monitor").get(f"/calls/{site.numbers['good']}").status_code == 409
    open_one = site.as_("monitor").get(f"/api/calibrations/{session}").json()
    assert (open_one["items"], open_one["raters"], open_one["alpha"]) == ([], [], None)


def test_a_call_that_is_being_calibrated_is_not_offered(site, session):
    """Its page would refuse the monitor: he would come to it again and again."""
    client = site.as_("monitor")
    assert client.post("/api/queue/next?kind=doubt").json()["call"] == site.numbers["other-doubt"]
    site.as_("supervisor").post(f"/api/calibrations/{session}/close")
    assert client.post("/api/queue/next?kind=doubt").json()["call"] == site.numbers["doubt"]


def test_a_verdict_is_given_once(site, session):
    assert judge(site, session, "monitor", "pass").status_code == 204
    assert judge(site, session, "monitor", "fail").status_code == 422
    shown = site.as_("monitor").get(f"/api/calibrations/{session}").json()
    assert [call["judged"] for call in shown["calls"]] == [1, 0]


def test_when_it_is_closed_all_are_compared(site, session):
    for who, outcome in (("monitor", "fail"), ("second", "pass")):
        judge(site, session, who, outcome)
        judge(site, session, who, "fail", "doubt")
    closed = site.as_("supervisor").post(f"/api/calibrations/{session}/close").json()
    same = {one["rater"]: (one["same"], one["shared"]) for one in closed["raters"]}
    assert same == {"machine": (3, 4), "monitor": (3, 4), "second": (2, 4)}
    assert judge(site, session, "monitor", "na", "doubt", "opening.offer").status_code == 422
    assert "machine" in site.as_("monitor").get("/calibrations").text
    assert site.as_("monitor").get(f"/api/calls/{site.numbers['good']}").status_code == 200


@pytest.mark.parametrize("path", ["/api/calibrations/9", "/api/calibrations/9/calls/1"])
def test_a_session_that_is_not_there(site, path):
    assert site.as_("monitor").get(path).status_code == 404


def test_the_machines_precision_by_what_people_ruled(site):
    for call, outcome in (("good", "pass"), ("other-good", "fail")):
        ruling = {"item": ITEM, "outcome": outcome, "reason": "听了录音"} | (
            {"points": "50"} if outcome == "fail" else {}
        )
        decision = {"scorecard": site.judgement(call).id, "rulings": [ruling], "reason": "听了录音"}
        site.as_("monitor").post(f"/api/calls/{site.numbers[call]}/decisions", json=decision)
    (rate,) = site.as_("supervisor").get("/api/precision").json()
    assert (rate["month"], rate["right"], rate["taken_back"], rate["precision"]) == ("2026-11", 1, 1, 0.5)
    assert "0.50" in site.as_("supervisor").get("/calibrations").text
