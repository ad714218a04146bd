"""Every route, every role, own and another's team: what is expected of each."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.routing import APIRoute

from zhijian.pipeline.stages.appeal import file_appeal
from zhijian.pipeline.store.calibrations import open_calibration
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.web.app import ROUTERS

ROLES = ("nobody", "agent", "monitor", "trainer", "supervisor", "admin")
READERS = "agent monitor trainer supervisor"
LISTENERS = "agent monitor supervisor"
# route: who may, what they get; "cut": agents and supervisors only for their own calls and teams
TABLE: dict[str, tuple[str, int, str]] = {
    "GET /": (f"{READERS} admin", 303, ""),
    "GET /login": (f"nobody {READERS} admin", 200, ""),
    "POST /login": (f"nobody {READERS} admin", 401, ""),
    "GET /api/me": (f"{READERS} admin", 200, ""),
    "POST /api/logout": (f"{READERS} admin", 204, ""),
    "GET /api/queue": ("monitor supervisor", 200, ""),
    "GET /queue": ("monitor supervisor", 200, ""),
    "GET /api/calls": (READERS, 200, ""),
    "GET /calls": (READERS, 200, ""),
    "POST /api/queue/next": ("monitor", 200, ""),
    "POST /api/queue/assignments": ("supervisor", 204, "cut"),
    "GET /api/calls/{call}": (READERS, 200, "cut"),
    "GET /calls/{call}": (READERS, 200, "cut"),
    "POST /api/calls/{call}/decisions": ("monitor", 200, ""),
    "POST /api/calls/{call}/corrections": ("monitor", 200, ""),
    "PUT /api/calls/{call}/hold": ("monitor", 204, ""),
    "DELETE /api/calls/{call}/hold": ("monitor", 204, ""),
    "GET /api/calls/{call}/sound": (LISTENERS, 200, "cut"),
    "GET /api/calls/{call}/clip": (LISTENERS, 200, "cut"),
    "GET /api/calls/{call}/waveform": (LISTENERS, 200, "cut"),
    "GET /api/appeals": (LISTENERS, 200, ""),
    "GET /appeals": (LISTENERS, 200, ""),
    "POST /api/calls/{call}/appeals": ("agent", 201, "cut"),
    "POST /api/appeals/{appeal}/decision": ("monitor", 204, ""),
    "POST /api/samples": ("supervisor", 201, ""),
    "GET /api/precision": ("monitor supervisor", 200, ""),
    "GET /api/calibrations": ("monitor supervisor", 200, ""),
    "GET /calibrations": ("monitor supervisor", 200, ""),
    "POST /api/calibrations": ("supervisor", 201, "cut"),
    "GET /api/calibrations/{session}": ("monitor supervisor", 200, "cut"),
    "POST /api/calibrations/{session}/close": ("supervisor", 200, "cut"),
    "GET /api/calibrations/{session}/calls/{scorecard}": ("monitor", 200, ""),
    "GET /calibrations/{session}/calls/{scorecard}": ("monitor", 200, ""),
    "POST /api/calibrations/{session}/calls/{scorecard}/verdicts": ("monitor", 204, ""),
    "GET /api/accounts": ("admin", 200, ""),
    "GET /accounts": ("admin", 200, ""),
    "POST /api/accounts": ("admin", 201, ""),
    "PATCH /api/accounts/{id}": ("admin", 200, ""),
    "GET /api/access-log": ("admin", 200, ""),
    "GET /access-log": ("admin", 200, ""),
}


def routes() -> list[str]:
    found = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return sorted(f"{method} {route.path}" for route in found for method in route.methods)


def test_the_table_has_every_route():
    assert routes() == sorted(TABLE)


def body(site, route: str, call: str) -> dict[str, Any]:
    """What a request of that route needs to be answered."""
    seen = site.judgement(call).id
    return {
        "POST /login": {"data": {"name": "agent", "password": "wrong"}},
        "POST /api/queue/assignments": {"json": {"calls": [site.numbers[call]], "monitor": "second"}},
        "POST /api/calls/{call}/decisions": {"json": {"scorecard": seen, "rulings": [], "reason": "同意系统评分"}},
        "POST /api/calls/{call}/corrections": {
            "json": {"scorecard": seen, "utterance": 0, "text": "您好", "role": "agent"}
        },
        "GET /api/calls/{call}/clip": {"params": {"start_ms": 100, "end_ms": 900}},
        "POST /api/calls/{call}/appeals": {"json": {"item": "opening.greeting", "reason": "说过您好"}},
        "POST /api/appeals/{appeal}/decision": {"json": {"upheld": False, "reason": "没有说"}},
        "POST /api/samples": {"json": {"from_day": "2026-11-20", "to_day": "2026-11-20", "per_agent": 1}},
        "POST /api/calibrations": {"json": {"name": "十一月", "calls": [site.numbers[call]]}},
        "POST /api/calibrations/{session}/calls/{scorecard}/verdicts": {
            "json": {"verdicts": [{"item": "opening.greeting", "outcome": "fail"}]}
        },
        "POST /api/accounts": {"json": {"name": "new", "role": "monitor", "password": "long enough"}},
        "PATCH /api/accounts/{id}": {"json": {"active": False}},
    }.get(route, {})


def expected(route: str, role: str, own: bool) -> int:
    allowed, status, cut = TABLE[route]
    if role in allowed.split():
        return 404 if cut and not own and role in ("agent", "supervisor") else status
    if role != "nobody":
        return 403
    return 401 if "/api/" in route else 303


@pytest.mark.parametrize("own", [True, False], ids=["own", "other"])
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("route", sorted(TABLE))
def test_who_may_do_what(site, route, role, own):
    call = "good" if own else "other-good"
    asked = body(site, route, call)
    appeal = 0
    if "{appeal}" in route:
        agent_no = "1023" if own else "1024"
        appeal = file_appeal(
            site.engine,
            site.numbers[call],
            "opening.greeting",
            agent_no=agent_no,
            reason="说过",
            within=timedelta(days=7),
            actor="agent",
            now=site.bench.now(),
        )
    session, scorecard = 0, site.judgement(call).id
    if "{session}" in route:
        with writing(site.engine) as conn:
            session = open_calibration(conn, "十一月", [scorecard], actor="lead", now=site.bench.now())
    client = site.nobody() if role == "nobody" else site.as_(role)
    method, path = route.split()
    ids = {"call": site.numbers[call], "appeal": appeal, "session": session, "scorecard": scorecard}
    url = path.format(**ids, id=site.account("second").id)
    with client.stream(method, url, **asked) as answer:
        assert answer.status_code == expected(route, role, own)


@pytest.mark.parametrize("call", ["doubt", "veto"])
def test_an_agent_does_not_see_a_call_before_it_is_published(site, call):
    number = site.numbers[call]
    for path in (f"/calls/{number}", f"/api/calls/{number}", f"/api/calls/{number}/sound"):
        assert site.as_("agent").get(path).status_code == 404
    listed = site.as_("agent").get("/api/calls").json()
    assert [one["call_id"] for one in listed["calls"]] == ["good"]


def test_a_call_that_is_not_there_and_one_that_is_another_s_look_alike(site):
    other = site.as_("supervisor").get(f"/api/calls/{site.numbers['other-good']}")
    nothing = site.as_("supervisor").get("/api/calls/99999")
    assert (other.status_code, other.json()) == (nothing.status_code, nothing.json())


@pytest.mark.parametrize("role", ["agent", "trainer"])
def test_only_reviewers_see_customer_data(site, role):
    number = site.numbers["good"]
    assert site.as_(role).get(f"/api/calls/{number}?unmasked=true").status_code == 403


def test_a_supervisor_lists_the_calibrations_of_his_teams_and_his_own(site):
    now = site.bench.now()
    own, other = site.judgement("good").id, site.judgement("other-good").id
    with writing(site.engine) as conn:
        opened = [("own", [own], "lead"), ("mixed", [own, other], "lead"), ("his", [own, other], "supervisor")]
        for name, scorecards, actor in opened:
            open_calibration(conn, name, scorecards, actor=actor, now=now)
    for who, names in (("supervisor", ["his", "own"]), ("monitor", ["his", "mixed", "own"])):
        assert [one["name"] for one in site.as_(who).get("/api/calibrations").json()] == names


def test_a_supervisor_lists_his_teams_only_whatever_he_asks_for(site):
    client = site.as_("supervisor")
    for query in ("", "?team=二班", "?agent_no=1024"):
        assert {one["agent_no"] for one in client.get(f"/api/calls{query}").json()["calls"]} <= {"1023"}
