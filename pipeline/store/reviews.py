"""What people have decided about scorecards. Added, never overwritten; the latest scorecard of a call counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.account import MACHINE
from zhijian.models.records.codec import from_dict, to_dict
from zhijian.models.records.review import Ruling, ruled
from zhijian.pipeline.store.appeals import decided_on_appeal
from zhijian.pipeline.store.calls import State
from zhijian.pipeline.store.database import StoreError
from zhijian.pipeline.store.judgements import Judgement, latest_judgement
from zhijian.pipeline.store.tables import calls, reviews, scorecards
from zhijian.pipeline.store.workbench_tables import veto_votes


class StaleReview(RuntimeError):
    """What was looked at is no longer what counts: somebody else has decided, or the call was judged again."""


@dataclass(frozen=True, slots=True)
class Review:
    """A decision as it is stored: on which scorecard, and the one that it led to."""

    id: int
    call: int
    scorecard: int
    result: int
    rulings: tuple[Ruling, ...]
    veto_confirmed: bool | None
    reason: str
    actor: str
    decided_at: datetime


def reviews_of(conn: sa.Connection, call: int) -> tuple[Review, ...]:
    """The decisions on a call (row id), in the order in which they were made."""
    rows = conn.execute(sa.select(reviews).where(reviews.c.call == call).order_by(reviews.c.id))
    return tuple(
        Review(**row._asdict() | {"rulings": tuple(from_dict(Ruling, ruling) for ruling in row.rulings)})
        for row in rows
    )


def ruled_on(conn: sa.Connection, call: int) -> frozenset[str]:
    """The items of a call (row id) that people have ruled on, be it that they rejected an appeal."""
    ruled_on = frozenset(ruling.item for review in reviews_of(conn, call) for ruling in review.rulings)
    return ruled_on | decided_on_appeal(conn, call)


def refuse_stale(conn: sa.Connection, seen: Judgement) -> None:
    """Raises StaleReview where a judgement is not the latest of its call, or the call is being judged again."""
    latest = latest_judgement(conn, seen.call)
    state = conn.execute(sa.select(calls.c.state).where(calls.c.id == seen.call)).scalar_one()
    if latest is None or latest.id != seen.id or state not in (State.PUBLISHED, State.HELD):
        raise StaleReview(f"{seen.scorecard.call_id} 已有新的评分或决定,请重新查看后再定")


def add_review(
    conn: sa.Connection,
    seen: Judgement,
    rulings: Sequence[Ruling],
    *,
    veto_confirmed: bool | None,
    reason: str,
    actor: str,
    now: datetime,
) -> Judgement:
    """Stores a decision on the judgement that was looked at, and the scorecard with its rulings; returns that one.

    The connection must come from `database.writing`. Raises StaleReview, RecordError for rulings that do not fit, and
    StoreError for the name of the machine: what it decides is judged again, and this must not be.
    """
    if actor == MACHINE:
        raise StoreError(f"{MACHINE} 是机器的名字,不能用作复核人")
    refuse_stale(conn, seen)
    card = ruled(seen.scorecard, rulings, veto_confirmed=veto_confirmed)
    base = conn.execute(sa.select(scorecards).where(scorecards.c.id == seen.id)).one()._asdict()
    row = {name: value for name, value in base.items() if name != "id"} | {"content": card, "judged_at": now}
    result = conn.execute(scorecards.insert().values(row).returning(scorecards.c.id)).scalar_one()
    decision: dict[str, Any] = {
        "call": seen.call,
        "scorecard": seen.id,
        "result": result,
        "rulings": [to_dict(ruling) for ruling in rulings],
        "veto_confirmed": veto_confirmed,
        "reason": reason,
        "actor": actor,
        "decided_at": now,
    }
    conn.execute(reviews.insert().values(decision))
    return Judgement(result, seen.call, seen.source, seen.revision, card)


def vote_for_veto(conn: sa.Connection, scorecard: int, *, actor: str, now: datetime) -> None:
    """Stores that somebody confirms the veto of a scorecard, where it takes two to do so."""
    conn.execute(veto_votes.insert().values(scorecard=scorecard, actor=actor, voted_at=now))


def voters_for_veto(conn: sa.Connection, scorecard: int) -> tuple[str, ...]:
    """Who has confirmed the veto of a scorecard, where it takes two to do so."""
    return tuple(
        conn.execute(
            sa.select(veto_votes.c.actor).where(veto_votes.c.scorecard == scorecard).order_by(veto_votes.c.id)
        ).scalars()
    )
