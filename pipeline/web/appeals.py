"""Appeals: filed by agents against deductions, decided by another monitor than the first."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Path
from fastapi.responses import Response
from pydantic import BaseModel, Field

from zhijian.models.records.account import Account
from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline.stages.appeal import decide_appeal, file_appeal
from zhijian.pipeline.store.appeals import Appeal, appeal_of, appeals_of_agent, open_appeals
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.judgements import judgement_of
from zhijian.pipeline.store.roster import stored_roster, team_on
from zhijian.pipeline.web.calls import CallNumber
from zhijian.pipeline.web.decisions import Reason
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.workbench import (
    AGENT,
    SUPERVISOR,
    Agent,
    Bench,
    Listener,
    Logged,
    Monitor,
    Workbench,
    visible,
)
from zhijian.reports.redact import redactor_for

router = APIRouter()


class AppealIn(BaseModel):
    item: str = Field(max_length=100)
    reason: Reason


class AppealDecisionIn(BaseModel):
    """`upheld` with what the item is judged now; `points` for a fail only."""

    upheld: bool
    outcome: Literal["pass", "fail", "na"] = "pass"
    points: Decimal | None = Field(None, ge=0, le=100)
    reason: Reason


class Filed(BaseModel):
    appeal: int


class ListedAppeal(BaseModel):
    appeal: int
    call: int
    call_id: str
    agent_no: str
    item: str
    item_name: str
    reason: str
    filed_at: datetime
    upheld: bool | None
    decision: str | None


@router.get("/api/appeals")
def appeals(bench: Bench, account: Listener) -> list[ListedAppeal]:
    """An agent's own appeals; for monitors, and supervisors of the team, those that wait."""
    with bench.engine.connect() as conn:
        found = appeals_of_agent(conn, account.agent_no or "") if account.role is AGENT else open_appeals(conn)
    return [shown for one in found if (shown := _listed(bench, account, one)) is not None]


@router.get("/appeals", include_in_schema=False)
def appeals_page(bench: Bench, logged: Logged, account: Listener) -> Response:
    return page("appeals.html.j2", logged, path="/appeals", appeals=appeals(bench, account))


@router.post("/api/calls/{call}/appeals", status_code=201)
def file(bench: Bench, account: Agent, call: CallNumber, appeal: AppealIn) -> Filed:
    """Appeals against a deduction in an own published call."""
    visible(bench, account, call)
    filed = file_appeal(
        bench.engine,
        call,
        appeal.item,
        agent_no=account.agent_no or "",
        reason=appeal.reason,
        within=timedelta(days=bench.settings.appeal_days),
        actor=account.name,
        now=bench.now(),
    )
    return Filed(appeal=filed)


@router.post("/api/appeals/{appeal}/decision", status_code=204)
def decide(
    bench: Bench, account: Monitor, appeal: Annotated[int, Path(ge=1, lt=2**31)], decision: AppealDecisionIn
) -> Response:
    """Decides an appeal for good; one that is upheld reverses what was booked, in the same transaction."""
    with bench.engine.connect() as conn:
        filed = appeal_of(conn, appeal)
    if filed is None:
        raise HTTPException(404, "没有这件申诉")
    ruling = None
    if decision.upheld:
        outcome = Outcome(decision.outcome)
        ruling = Ruling(item=filed.item, outcome=outcome, points=decision.points, reason=decision.reason)
    who, now = account.name, bench.now()
    decide_appeal(bench.engine, bench.schemes, appeal, ruling, reason=decision.reason, actor=who, now=now)
    bench.add_anchor()
    return Response(status_code=204)


def _listed(bench: Workbench, account: Account, appeal: Appeal) -> ListedAppeal | None:
    """None for an appeal of a team that the account does not lead."""
    with bench.engine.connect() as conn:
        judged = judgement_of(conn, appeal.scorecard)
    if judged is None:
        return None
    team = team_on(stored_roster(bench.engine), appeal.agent_no, judged.agent_day.day)
    if account.role is SUPERVISOR and team not in account.teams:
        return None
    mask = redactor_for(call_task(bench.engine, appeal.call).call, judged.scorecard)
    return ListedAppeal(
        appeal=appeal.id,
        call=appeal.call,
        call_id=judged.scorecard.call_id,
        agent_no=appeal.agent_no,
        item=appeal.item,
        item_name=bench.item_name(appeal.item),
        reason=mask(appeal.reason),
        filed_at=appeal.filed_at,
        upheld=appeal.decision.upheld if appeal.decision else None,
        decision=mask(appeal.decision.reason) if appeal.decision else None,
    )
