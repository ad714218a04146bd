"""The queue of what waits for a person, and the list of all calls."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from zhijian.models.records.account import Account
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.accounts import account_named, all_accounts
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.holds import give, take_next
from zhijian.pipeline.store.roster import stored_roster, team_on
from zhijian.pipeline.store.worklist import Choice, Rank, count, listed, team_entries
from zhijian.pipeline.web.pages import page
from zhijian.pipeline.web.workbench import (
    AGENT,
    MONITOR,
    SUPERVISOR,
    Bench,
    Logged,
    Monitor,
    Reader,
    Reviewer,
    Supervisor,
    Workbench,
    own_choice,
    teams_of,
    visible,
)
from zhijian.reports.redact import mask_digits
from zhijian.reports.wording import SCENARIOS

router = APIRouter()
PAGE = 50


Score = Annotated[Decimal, Field(ge=0, le=100)]


class Filter(BaseModel):
    """Which calls; empty = all."""

    team: str = Field("", max_length=100)
    agent_no: str = Field("", max_length=100)
    item: str = Field("", max_length=100)
    scenario: str = Field("", max_length=100)
    kind: Literal["", "veto", "doubt", "sampled", "unscorable"] = ""
    from_day: date | Literal[""] = ""
    to_day: date | Literal[""] = ""
    score_from: Score | Literal[""] = ""
    score_to: Score | Literal[""] = ""
    page: int = Field(1, ge=1, le=100_000)

    def choice(self, bench: Workbench, account: Account, *, waiting: bool | None = None) -> Choice:
        """The calls of the filter among those that the account may see; of what kind his are, no agent is told."""
        allowed = own_choice(bench, account)
        people = allowed.people
        if self.team:
            people = team_entries(people if people is not None else stored_roster(bench.engine), [self.team])
        names = ["item", "scenario", "from_day", "to_day", "score_from", "score_to"]
        rank = None
        if account.role is not AGENT:
            names.append("agent_no")
            rank = Rank[self.kind.upper()] if self.kind else None
        given = {name: value for name in names if (value := getattr(self, name)) != ""}
        return replace(allowed, people=people, waiting=waiting, rank=rank, **given)


class NextFilter(Filter):
    """`after`: the call that is left for later."""

    after: int | None = Field(None, ge=1, lt=2**31)


Filtered = Annotated[Filter, Query()]


class ListedItem(BaseModel):
    """A deduction (fail) or a doubt (unsure)."""

    id: str
    name: str
    outcome: str


class ListedCall(BaseModel):
    """`kind`: veto, doubt, sampled, unscorable (these wait), settled, seen (unscorable, and somebody has looked)."""

    call: int
    call_id: str
    kind: str
    started_at: datetime
    agent_no: str
    agent: str
    team: str
    scenario: str | None
    score: float | None
    published: bool
    items: list[ListedItem]
    held_by: str | None


class CallList(BaseModel):
    total: int
    page: int
    pages: int
    calls: list[ListedCall]


class Next(BaseModel):
    """The call that is now before the monitor; None where nothing waits."""

    call: int | None


class Assignment(BaseModel):
    calls: list[Annotated[int, Field(ge=1, lt=2**31)]] = Field(max_length=500)
    monitor: str = Field(max_length=64)


@router.get("/api/queue")
def queue(bench: Bench, account: Reviewer, wanted: Filtered) -> CallList:
    """What waits for a person: vetoes first, then doubts, then samples; the oldest first."""
    return _list(bench, account, wanted.choice(bench, account, waiting=True), wanted.page, latest_first=False)


@router.get("/queue", include_in_schema=False)
def queue_page(bench: Bench, logged: Logged, account: Reviewer, wanted: Filtered) -> Response:
    shown = queue(bench, account, wanted)
    monitors = _monitors(bench) if account.role is SUPERVISOR else []
    return page("list.html.j2", logged, path="/queue", **_context(bench, account, wanted, shown), monitors=monitors)


@router.get("/api/calls")
def calls(bench: Bench, account: Reader, wanted: Filtered) -> CallList:
    """All calls that one may see, the latest first."""
    return _list(bench, account, wanted.choice(bench, account), wanted.page, latest_first=True)


@router.get("/calls", include_in_schema=False)
def calls_page(bench: Bench, logged: Logged, account: Reader, wanted: Filtered) -> Response:
    shown = calls(bench, account, wanted)
    return page("list.html.j2", logged, path="/calls", **_context(bench, account, wanted, shown), monitors=[])


@router.post("/api/queue/next")
def next_call(bench: Bench, account: Monitor, wanted: Annotated[NextFilter, Query()]) -> Next:
    """Takes the next call that is free, so that nobody else gets it; `after` is left for later."""
    choice = wanted.choice(bench, account)
    with writing(bench.engine) as conn:
        return Next(call=take_next(conn, choice, account.id, bench.now(), wanted.after))


@router.post("/api/queue/assignments", status_code=204)
def assign(bench: Bench, account: Supervisor, wanted: Assignment) -> Response:
    """Gives calls to a monitor, until they are decided."""
    with bench.engine.connect() as conn:
        monitor = account_named(conn, wanted.monitor)
    if monitor is None or monitor.role is not MONITOR or not monitor.active:
        raise HTTPException(422, "没有这位质检员")
    for call in wanted.calls:
        visible(bench, account, call)
    with writing(bench.engine) as conn:
        for call in wanted.calls:
            give(conn, call, monitor.id)
            log(conn, Action.ASSIGN, actor=account.name, now=bench.now(), call=call, detail=monitor.name)
    return Response(status_code=204)


def _list(bench: Workbench, account: Account, choice: Choice, number: int, *, latest_first: bool) -> CallList:
    """A page of the list; an agent is not told who looks at the calls, nor which are drawn as samples."""
    is_agent = account.role is AGENT
    roster = stored_roster(bench.engine)
    names = {entry.agent_no: entry.name for entry in roster}
    with bench.engine.connect() as conn:
        total = count(conn, choice)
        rows = listed(conn, choice, now=bench.now(), limit=PAGE, offset=(number - 1) * PAGE, latest_first=latest_first)
        people = {one.id: one.name for one in all_accounts(conn)}
    shown = [
        ListedCall(
            call=row.call,
            call_id=row.call_id,
            kind=Rank.SETTLED.name.lower() if is_agent else row.rank.name.lower(),
            started_at=row.started_at,
            agent_no=row.agent_no,
            agent=names.get(row.agent_no, ""),
            team=team_on(roster, row.agent_no, row.day),
            scenario=row.scenario and (SCENARIOS.get(row.scenario) or mask_digits(row.scenario)),
            score=None if row.score is None else float(row.score),
            published=row.published,
            items=[ListedItem(id=id, name=bench.item_name(id), outcome=outcome) for id, outcome in row.items],
            held_by=None if is_agent or row.held_by is None else people.get(row.held_by),
        )
        for row in rows
    ]
    return CallList(total=total, page=number, pages=max(1, -(-total // PAGE)), calls=shown)


def _context(bench: Workbench, account: Account, wanted: Filter, shown: CallList) -> dict[str, Any]:
    """What the filter of a list offers and holds."""
    roster = stored_roster(bench.engine)
    given = {
        name: str(value) for name, value in wanted.model_dump(mode="json", exclude={"page"}).items() if value != ""
    }
    return {
        "shown": shown,
        "wanted": {name: given.get(name, "") for name in Filter.model_fields},
        "given": given,
        "teams": account.teams or teams_of(roster),
        "items": [(item.id, item.name) for item in bench.standard.items],
        "scenarios": SCENARIOS,
    }


def _monitors(bench: Workbench) -> list[str]:
    with bench.engine.connect() as conn:
        return [account.name for account in all_accounts(conn) if account.role is MONITOR and account.active]
