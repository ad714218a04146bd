"""Calibration: several monitors judge the same calls blind; when it is closed, how far they and the machine agree."""

from contextlib import suppress
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from zhijian.models.records.account import Account
from zhijian.models.records.calibration import Verdict
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline.stages.calibrate import session_agreement
from zhijian.pipeline.store import calibrations as store
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import Judgement, hearing_number, judgement_of
from zhijian.pipeline.store.roster import stored_roster, team_on
from zhijian.pipeline.web.call_view import UtteranceView, utterance_views
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.quality import precision
from zhijian.pipeline.web.workbench import SUPERVISOR, Bench, Logged, Monitor, Reviewer, Supervisor, Workbench, visible
from zhijian.reports.redact import redactor_for

router = APIRouter()
Number = Annotated[int, Path(ge=1, lt=2**31)]


class CalibrationIn(BaseModel):
    name: str = Field(min_length=1, max_length=100)
    calls: list[Annotated[int, Field(ge=1, lt=2**31)]] = Field(min_length=1, max_length=100)


class VerdictIn(BaseModel):
    item: str = Field(max_length=100)
    outcome: Literal["pass", "fail", "na"]


class VerdictsIn(BaseModel):
    verdicts: list[VerdictIn] = Field(min_length=1, max_length=100)


class SessionCall(BaseModel):
    """`judged`: how many items the one who asks has judged."""

    scorecard: int
    call_id: str
    judged: int
    items: int


class ItemRate(BaseModel):
    item: str
    calls: int
    alpha: float | None


class RaterRate(BaseModel):
    rater: str
    shared: int
    same: int
    kappa: float | None


class SessionView(BaseModel):
    """The rates only of a session that is closed: until then nobody knows what the others say."""

    session: int
    name: str
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None
    calls: list[SessionCall]
    alpha: float | None = None
    items: list[ItemRate] = []
    raters: list[RaterRate] = []


class BlindItem(BaseModel):
    id: str
    name: str
    rule: list[str]
    said: str | None


class BlindCall(BaseModel):
    """A call without anything that machine or people have said of it but the rater himself."""

    session: int
    scorecard: int
    call: int
    call_id: str
    duration_ms: int
    utterances: list[UtteranceView]
    items: list[BlindItem]


@router.get("/api/calibrations")
def calibrations(bench: Bench, account: Reviewer) -> list[SessionView]:
    """The sessions that one may see, the latest first."""
    with bench.engine.connect() as conn:
        found = store.all_calibrations(conn)
    return [_session(bench, account, one) for one in reversed(found) if _may_see(bench, account, one)]


@router.get("/calibrations", include_in_schema=False)
def calibrations_page(bench: Bench, logged: Logged, account: Reviewer) -> Response:
    shown = calibrations(bench, account)
    return page("calibrations.html.j2", logged, path="/calibrations", sessions=shown, rates=precision(bench, account))


@router.post("/api/calibrations", status_code=201)
def open_session(bench: Bench, account: Supervisor, wanted: CalibrationIn) -> SessionView:
    """Opens a session on the latest scorecards of these calls."""
    cards = [visible(bench, account, call).id for call in wanted.calls]
    with writing(bench.engine) as conn:
        session = store.open_calibration(conn, wanted.name, cards, actor=account.name, now=bench.now())
        opened = store.calibration(conn, session)
    return _session(bench, account, opened)


@router.get("/api/calibrations/{session}")
def calibration(bench: Bench, account: Reviewer, session: Number) -> SessionView:
    return _session(bench, account, _found(bench, account, session))


@router.post("/api/calibrations/{session}/close")
def close(bench: Bench, account: Supervisor, session: Number) -> SessionView:
    """Ends a session: what all said is open from now on, and nobody judges any more."""
    _found(bench, account, session)
    with writing(bench.engine) as conn:
        store.close_calibration(conn, session, now=bench.now())
        closed = store.calibration(conn, session)
    return _session(bench, account, closed)


@router.get("/api/calibrations/{session}/calls/{scorecard}")
def blind_call(bench: Bench, account: Monitor, session: Number, scorecard: Number) -> BlindCall:
    """The call as a rater judges it. Every look is logged."""
    seen = _of_session(bench, account, session, scorecard)
    task = call_task(bench.engine, seen.call)
    with writing(bench.engine) as conn:
        own = store.own_verdicts(conn, session, account.name)
        hearing = hearing_number(conn, scorecard)
        log(conn, Action.VIEW, actor=account.name, now=bench.now(), call=seen.call, detail=f"校准 {session}")
    said = {verdict.item: verdict.outcome.value for verdict in own if verdict.scorecard == scorecard}
    dialogue = hearing_of(bench.engine, hearing).dialogue if hearing is not None else None
    mask = redactor_for(task.call, seen.scorecard, dialogue=dialogue)
    return BlindCall(
        session=session,
        scorecard=scorecard,
        call=seen.call,
        call_id=seen.scorecard.call_id,
        duration_ms=dialogue.duration_ms if dialogue else 0,
        utterances=utterance_views(dialogue, mask),
        items=[
            BlindItem(
                id=item.id,
                name=bench.item_name(item.id),
                rule=bench.rule_lines(item.id),
                said=said.get(item.id),
            )
            for item in seen.scorecard.items
        ],
    )


@router.get("/calibrations/{session}/calls/{scorecard}", include_in_schema=False)
def blind_page(bench: Bench, logged: Logged, account: Monitor, session: Number, scorecard: Number) -> Response:
    return page("blind.html.j2", logged, path="/calibrations", view=blind_call(bench, account, session, scorecard))


@router.post("/api/calibrations/{session}/calls/{scorecard}/verdicts", status_code=204)
def judge(bench: Bench, account: Monitor, session: Number, scorecard: Number, given: VerdictsIn) -> Response:
    """Adds the rater's verdicts; each is given once."""
    _of_session(bench, account, session, scorecard)
    verdicts = [
        Verdict(scorecard=scorecard, item=one.item, rater=account.name, outcome=Outcome(one.outcome))
        for one in given.verdicts
    ]
    with writing(bench.engine) as conn:
        store.judge(conn, session, verdicts, now=bench.now())
    return Response(status_code=204)


def _found(bench: Workbench, account: Account, session: int) -> store.Calibration:
    """Raises HTTPException 404 where there is no such session, and for one that the account may not see."""
    with bench.engine.connect() as conn, suppress(store.CalibrationError):
        found = store.calibration(conn, session)
        if _may_see(bench, account, found):
            return found
    raise HTTPException(404, "没有这次校准")


def _may_see(bench: Workbench, account: Account, found: store.Calibration) -> bool:
    """Supervisors: what they have opened, and what is all about their teams."""
    if account.role is not SUPERVISOR or found.opened_by == account.name:
        return True
    roster = stored_roster(bench.engine)
    with bench.engine.connect() as conn:
        cards = store.session_scorecards(conn, found.id).values()
    return all(team_on(roster, card.agent_no, card.started_at.date()) in account.teams for card in cards)


def _of_session(bench: Workbench, account: Account, session: int, scorecard: int) -> Judgement:
    if scorecard not in _found(bench, account, session).scorecards:
        raise HTTPException(404, "这次校准里没有这通电话")
    with bench.engine.connect() as conn:
        seen = judgement_of(conn, scorecard)
    assert seen is not None
    return seen


def _session(bench: Workbench, account: Account, found: store.Calibration) -> SessionView:
    with bench.engine.connect() as conn:
        cards = store.session_scorecards(conn, found.id)
        own = [verdict.scorecard for verdict in store.own_verdicts(conn, found.id, account.name)]
        rates = session_agreement(conn, found.id) if found.closed_at else None
    view = SessionView(
        session=found.id,
        name=found.name,
        opened_by=found.opened_by,
        opened_at=found.opened_at,
        closed_at=found.closed_at,
        calls=[
            SessionCall(scorecard=number, call_id=card.call_id, judged=own.count(number), items=len(card.items))
            for number, card in cards.items()
        ],
    )
    if rates is None:
        return view
    return view.model_copy(
        update={
            "alpha": rates.alpha,
            "items": [ItemRate(item=bench.item_name(i.item), calls=i.calls, alpha=i.alpha) for i in rates.items],
            "raters": [RaterRate(rater=r.rater, shared=r.shared, same=r.same, kappa=r.kappa) for r in rates.raters],
        }
    )
