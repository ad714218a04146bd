"""What the pages work on, and who may do what."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, HTTPException, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from zhijian.models.records.account import Account, UserRole
from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger import anchor, chain
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.settings import Review
from zhijian.pipeline.store.accounts import Session, account_named, same_secret, session_of
from zhijian.pipeline.store.judgements import Judgement, latest_judgement, published_of
from zhijian.pipeline.store.roster import stored_roster, team_on
from zhijian.pipeline.store.worklist import Choice, team_entries
from zhijian.rules.explain import explain
from zhijian.rules.standard import Item, Standard

log = logging.getLogger(__name__)
COOKIE = "zhijian_session"
_PEER = "zhijian.peer"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
ADMIN, AGENT, MONITOR = UserRole.ADMIN, UserRole.AGENT, UserRole.MONITOR
SUPERVISOR, TRAINER = UserRole.SUPERVISOR, UserRole.TRAINER


def _now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """The books, the rules by which calls are judged and booked, and the settings of the workbench."""

    engine: sa.Engine
    standard: Standard
    schemes: tuple[Scheme, ...]
    anchor: Path
    settings: Review = field(default_factory=Review)
    now: Callable[[], datetime] = _now

    @property
    def items(self) -> dict[str, Item]:
        return {item.id: item for item in self.standard.items}

    def item_name(self, id: str) -> str:
        item = self.items.get(id)
        return item.name if item else id

    def rule_lines(self, id: str) -> list[str]:
        """What the standard asks of an item, in Chinese; nothing for one that it does not have any more."""
        item = self.items.get(id)
        return str(explain(item, self.standard.settings)).splitlines() if item else []

    def add_anchor(self) -> None:
        """To be called when something may have been booked: the head of the ledger goes into the anchor file."""
        problem = anchor.keep(self.anchor, chain.head(self.engine), self.now())
        if problem:
            log.error("the anchor file cannot be used: %s", problem)


class KeepPeer:
    """Keeps the address that a request has really come from, before those that proxies write take its place."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope.get("client")
        scope[_PEER] = peer[0] if peer else None
        await self.app(scope, receive, send)


class NotLoggedIn(Exception):
    """Nobody is logged in; a page leads to the login, JSON says 401."""


def workbench(request: Request) -> Workbench:
    found: Workbench = request.app.state.workbench
    return found


Bench = Annotated[Workbench, Depends(workbench)]


def session(request: Request, bench: Bench) -> Session:
    """Who asks: by the session's cookie, or by the header of a trusted proxy. Checks the token against forged requests.

    Raises NotLoggedIn, and HTTPException 403 for a change without the session's own token.
    """
    found = _of_proxy(request, bench) or _of_cookie(request, bench)
    if found is None:
        raise NotLoggedIn
    if request.method not in SAFE_METHODS and not same_secret(request.headers.get("x-csrf-token", ""), found.csrf):
        raise HTTPException(403, "页面已过期,请刷新后再试")
    return found


Logged = Annotated[Session, Depends(session)]


def allow(*roles: UserRole) -> Callable[[Session], Account]:
    """A dependency: the account that asks, if it has one of the roles; else 403."""

    def allowed(logged: Logged) -> Account:
        if logged.account.role not in roles:
            raise HTTPException(403, "您的角色不能使用这个功能")
        return logged.account

    return allowed


Agent = Annotated[Account, Depends(allow(AGENT))]
Monitor = Annotated[Account, Depends(allow(MONITOR))]
Supervisor = Annotated[Account, Depends(allow(SUPERVISOR))]
Admin = Annotated[Account, Depends(allow(ADMIN))]
Reviewer = Annotated[Account, Depends(allow(MONITOR, SUPERVISOR))]
Listener = Annotated[Account, Depends(allow(AGENT, MONITOR, SUPERVISOR))]
Reader = Annotated[Account, Depends(allow(AGENT, MONITOR, TRAINER, SUPERVISOR))]


def visible(bench: Workbench, account: Account, call: int) -> Judgement:
    """The judgement of a call that an account may see: agents their own and trainers all published ones, supervisors
    those of their teams. Raises HTTPException 404 for all others, whether there are any or not.
    """
    with bench.engine.connect() as conn:
        published_only = account.role in (AGENT, TRAINER)
        found = published_of(conn, call) if published_only else latest_judgement(conn, call)
    if found is None or not _may_see(bench, account, found.scorecard.agent_no, found.agent_day.day):
        raise HTTPException(404, "没有这通电话")
    return found


def own_choice(bench: Workbench, account: Account) -> Choice:
    """All calls that the account may see."""
    match account.role:
        case UserRole.AGENT:
            return Choice(agent_no=account.agent_no, published=True)
        case UserRole.TRAINER:
            return Choice(published=True)
        case UserRole.SUPERVISOR:
            return Choice(people=team_entries(stored_roster(bench.engine), account.teams))
        case UserRole.MONITOR:
            return Choice()
        case _:
            return Choice(people=())


def teams_of(roster: tuple[RosterEntry, ...]) -> tuple[str, ...]:
    return tuple(sorted({entry.team for entry in roster if entry.team}))


def _may_see(bench: Workbench, account: Account, agent_no: str, day: date) -> bool:
    match account.role:
        case UserRole.AGENT:
            return account.agent_no == agent_no
        case UserRole.SUPERVISOR:
            return team_on(stored_roster(bench.engine), agent_no, day) in account.teams
        case UserRole.MONITOR | UserRole.TRAINER:
            return True
        case _:
            return False


def _of_cookie(request: Request, bench: Workbench) -> Session | None:
    token = request.cookies.get(COOKIE)
    return session_of(bench.engine, token, bench.now()) if token else None


def _of_proxy(request: Request, bench: Workbench) -> Session | None:
    """The account that a trusted proxy names. It has no token of its own: that a change carries the header at all shows
    that the page itself has asked, for a foreign one may not add headers.
    """
    header = bench.settings.sso_header
    name = request.headers.get(header) if header else None
    if name is None or request.scope[_PEER] not in bench.settings.trusted_proxies:
        return None
    with bench.engine.connect() as conn:
        account = account_named(conn, name)
    if account is None or not account.active:
        return None
    return Session(account, csrf=request.headers.get("x-csrf-token", "") or "sso")
