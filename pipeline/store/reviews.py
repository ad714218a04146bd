"""What people have decided about scorecards. Added, never overwritten; the latest scorecard of a call counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.codec import to_dict
from zhijian.models.records.review import Ruling, ruled
from zhijian.pipeline.store.calls import State
from zhijian.pipeline.store.judgements import Judgement, latest_judgement
from zhijian.pipeline.store.tables import calls, reviews, scorecards


class StaleReview(RuntimeError):
    """What was looked at is no longer what counts: somebody else has decided, or the call was judged again."""


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

    The connection must come from `database.writing`. Raises StaleReview, and RecordError for rulings that do not fit.
    """
    latest = latest_judgement(conn, seen.call)
    state = conn.execute(sa.select(calls.c.state).where(calls.c.id == seen.call)).scalar_one()
    if latest is None or latest.id != seen.id or state not in (State.PUBLISHED, State.HELD):
        raise StaleReview(f"{seen.scorecard.call_id} 已有新的评分或决定,请重新查看后再定")
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
