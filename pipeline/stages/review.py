"""Reviewing: a person's rulings on a held or published call; what is left without doubt is published and booked."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome, Status
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.book import publish
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import Judgement, held_judgements
from zhijian.pipeline.store.reviews import add_review


def queue(engine: sa.Engine) -> tuple[Judgement, ...]:
    """The held calls of all sources that a person can decide on: a suspected veto first, then doubts; oldest first."""
    with engine.connect() as conn:
        held = held_judgements(conn)
    open_ones = [one for one in held if one.scorecard.status is not Status.UNSCORABLE]
    return tuple(
        sorted(
            open_ones, key=lambda one: (one.scorecard.status is not Status.FLAGGED, one.scorecard.started_at, one.id)
        )
    )


def in_doubt(judgement: Judgement) -> tuple[str, ...]:
    """The items that are left to a person, in the standard's order."""
    return tuple(item.id for item in judgement.scorecard.items if item.outcome is Outcome.UNSURE)


def review(
    engine: sa.Engine,
    schemes: Sequence[Scheme],
    seen: Judgement,
    rulings: Sequence[Ruling],
    *,
    veto_confirmed: bool | None = None,
    reason: str,
    actor: str,
    now: datetime,
) -> Judgement:
    """Decides on the judgement that was looked at; returns the one that counts now.

    Decision, publication (or holding, while a doubt or an undecided veto is left), and the points of the agent's day
    are one transaction. Raises StaleReview where it is no longer the latest, RecordError for rulings that do not fit.
    """
    with writing(engine) as conn:
        decided = add_review(conn, seen, rulings, veto_confirmed=veto_confirmed, reason=reason, actor=actor, now=now)
        publish(conn, schemes, [decided], actor=actor, now=now)
    return decided
