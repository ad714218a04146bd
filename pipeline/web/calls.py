"""A call: its page, and the same as JSON. Every look at it is logged, and every look at what is masked."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import Response

from zhijian.models.records.account import Account
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.accounts import account_of
from zhijian.pipeline.store.appeals import appeals_of_call
from zhijian.pipeline.store.calibrations import is_being_calibrated
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.holds import holder, take
from zhijian.pipeline.store.judgements import Judgement, hearing_number, judgement_of, published_of
from zhijian.pipeline.store.reviews import reviews_of, voters_for_veto
from zhijian.pipeline.store.roster import stored_roster, team_on
from zhijian.pipeline.web.call_view import CallView, Shown, call_view, changes
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.workbench import AGENT, MONITOR, SUPERVISOR, Bench, Logged, Reader, Workbench, visible

router = APIRouter()
CallNumber = Annotated[int, Path(ge=1, lt=2**31)]


@router.get("/api/calls/{call}")
def call(bench: Bench, account: Reader, call: CallNumber, unmasked: bool = False) -> CallView:
    """A call with its transcript, items, evidence and decisions; `unmasked` for those who may see customer data."""
    seen = visible(bench, account, call)
    _refuse_calibrated(bench, account, call)
    if unmasked and account.role not in (MONITOR, SUPERVISOR):
        raise HTTPException(403, "您的角色不能查看客户信息原文")
    with writing(bench.engine) as conn:
        log(conn, Action.UNMASK if unmasked else Action.VIEW, actor=account.name, now=bench.now(), call=call)
    return _view(bench, account, seen, masked=not unmasked)


@router.get("/calls/{call}", include_in_schema=False)
def call_page(
    bench: Bench, logged: Logged, account: Reader, call: CallNumber, before: int | None = Query(None, ge=1, lt=2**31)
) -> Response:
    """The page of a call; a monitor who opens it has it before him. `before`: the scorecard before a correction."""
    seen = visible(bench, account, call)
    _refuse_calibrated(bench, account, call)
    with writing(bench.engine) as conn:
        if account.role is MONITOR:
            take(conn, call, account.id, bench.now())
        log(conn, Action.VIEW, actor=account.name, now=bench.now(), call=call)
        old = judgement_of(conn, before) if before and account.role is MONITOR else None
    view = _view(bench, account, seen, masked=True)
    changed = changes(bench, old.scorecard, seen.scorecard) if old is not None and old.call == call else None
    path = "/queue" if view.may_decide else "/calls"
    return page("call.html.j2", logged, path=path, view=view, changed=changed)


def _refuse_calibrated(bench: Workbench, account: Account, call: int) -> None:
    """Raises HTTPException 409 for a monitor, who may be a rater, while the call is in an open calibration."""
    if account.role is not MONITOR:
        return
    with bench.engine.connect() as conn:
        if is_being_calibrated(conn, call):
            raise HTTPException(409, "这通电话正在校准,结束之前请在校准页面评")


def _view(bench: Workbench, account: Account, seen: Judgement, *, masked: bool) -> CallView:
    roster, day = stored_roster(bench.engine), seen.agent_day.day
    task = call_task(bench.engine, seen.call)
    with bench.engine.connect() as conn:
        hearing = hearing_number(conn, seen.id)
        published = published_of(conn, seen.call)
        held_by = holder(conn, seen.call, bench.now())
        other = account_of(conn, held_by) if held_by is not None and held_by != account.id else None
        reviews, appeals = reviews_of(conn, seen.call), appeals_of_call(conn, seen.call)
        voters = voters_for_veto(conn, seen.id)
    shown = Shown(
        call=task.call,
        judgement=seen,
        published=published is not None and published.id == seen.id,
        dialogue=hearing_of(bench.engine, hearing).dialogue if hearing is not None else None,
        reviews=reviews,
        appeals=appeals,
        voters=voters,
        agent=next((entry.name for entry in roster if entry.agent_no == seen.scorecard.agent_no), ""),
        team=team_on(roster, seen.scorecard.agent_no, day),
        held_by=other.name if other and account.role is not AGENT else None,
    )
    return call_view(
        bench,
        shown,
        masked=masked,
        may_decide=account.role is MONITOR and other is None,
        may_appeal=account.role is AGENT,
    )
