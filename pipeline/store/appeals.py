"""What agents say against deductions, and what came of it. One appeal for an item of a call; a decision is final."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.store.database import StoreError
from zhijian.pipeline.store.workbench_tables import appeal_decisions, appeals


class AppealIsFinal(StoreError):
    """What was decided on an appeal is not decided again."""


@dataclass(frozen=True, slots=True)
class AppealDecision:
    upheld: bool
    reason: str
    actor: str
    decided_at: datetime


@dataclass(frozen=True, slots=True)
class Appeal:
    """`call` and `scorecard` are row ids; `decision` is None while it is open."""

    id: int
    call: int
    scorecard: int
    item: str
    agent_no: str
    reason: str
    actor: str
    filed_at: datetime
    decision: AppealDecision | None


def add_appeal(
    conn: sa.Connection,
    *,
    call: int,
    scorecard: int,
    item: str,
    agent_no: str,
    reason: str,
    actor: str,
    now: datetime,
) -> int:
    """Returns its number. The connection must come from `database.writing`."""
    row = {"call": call, "scorecard": scorecard, "item": item, "agent_no": agent_no, "reason": reason, "actor": actor}
    return conn.execute(appeals.insert().values(row | {"filed_at": now}).returning(appeals.c.id)).scalar_one()


def add_decision(conn: sa.Connection, appeal: int, *, upheld: bool, reason: str, actor: str, now: datetime) -> None:
    """The connection must come from `database.writing`."""
    row = {"appeal": appeal, "upheld": upheld, "reason": reason, "actor": actor, "decided_at": now}
    conn.execute(appeal_decisions.insert().values(row))


def appeal_of(conn: sa.Connection, id: int) -> Appeal | None:
    found = _appeals(conn, appeals.c.id == id)
    return found[0] if found else None


def appeals_of_call(conn: sa.Connection, call: int) -> tuple[Appeal, ...]:
    return _appeals(conn, appeals.c.call == call)


def decided_on_appeal(conn: sa.Connection, call: int) -> frozenset[str]:
    """The items of a call whose appeals are decided."""
    return frozenset(appeal.item for appeal in appeals_of_call(conn, call) if appeal.decision is not None)


def appeals_of_agent(conn: sa.Connection, agent_no: str) -> tuple[Appeal, ...]:
    return _appeals(conn, appeals.c.agent_no == agent_no)


def open_appeals(conn: sa.Connection) -> tuple[Appeal, ...]:
    """Those that wait for a decision, the oldest first."""
    return _appeals(conn, appeal_decisions.c.appeal.is_(None))


def _appeals(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> tuple[Appeal, ...]:
    decision = appeal_decisions.c
    rows = conn.execute(
        sa.select(
            appeals,
            decision.upheld,
            decision.reason.label("decision_reason"),
            decision.actor.label("decider"),
            decision.decided_at,
        )
        .outerjoin_from(appeals, appeal_decisions, decision.appeal == appeals.c.id)
        .where(*which)
        .order_by(appeals.c.id)
    )
    return tuple(_appeal(row) for row in rows)


def _appeal(row: sa.Row[Any]) -> Appeal:
    decided = row.decided_at is not None
    return Appeal(
        id=row.id,
        call=row.call,
        scorecard=row.scorecard,
        item=row.item,
        agent_no=row.agent_no,
        reason=row.reason,
        actor=row.actor,
        filed_at=row.filed_at,
        decision=AppealDecision(row.upheld, row.decision_reason, row.decider, row.decided_at) if decided else None,
    )
