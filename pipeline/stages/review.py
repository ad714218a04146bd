"""Reviewing: a person's rulings on a held or published call; what is left without doubt is published and booked."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome, Status
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.book import publish
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.appeals import AppealIsFinal, decided_on_appeal
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.holds import release
from zhijian.pipeline.store.judgements import Judgement, held_judgements
from zhijian.pipeline.store.reviews import add_review, vote_for_veto, voters_for_veto


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
    veto_by_two: bool = False,
    reason: str,
    actor: str,
    now: datetime,
) -> Judgement:
    """Decides on the judgement that was looked at, in one transaction with the access log; returns what counts now.

    `veto_by_two`: a veto is confirmed only when a second person says so, too; one is enough to reject it. Raises
    StaleReview where the judgement is no longer the latest, RecordError for rulings that do not fit, AppealIsFinal.
    """
    with writing(engine) as conn:
        _refuse_final(conn, seen, rulings, veto_confirmed)
        first_of_two = veto_by_two and veto_confirmed is True and not set(voters_for_veto(conn, seen.id)) - {actor}
        confirmed = None if first_of_two else veto_confirmed
        decided = review_in(conn, schemes, seen, rulings, veto_confirmed=confirmed, reason=reason, actor=actor, now=now)
        if first_of_two:
            vote_for_veto(conn, decided.id, actor=actor, now=now)
            release(conn, decided.call)
        items = "、".join(ruling.item for ruling in rulings)
        log(conn, Action.DECIDE, actor=actor, now=now, call=seen.call, detail=items)
        return decided


def _refuse_final(conn: sa.Connection, seen: Judgement, rulings: Sequence[Ruling], veto_confirmed: bool | None) -> None:
    """Raises AppealIsFinal where a decision on an appeal would be undone, be it by a veto that is decided again.

    An item that is in doubt after the call was judged anew has to be decided, whatever was said of it before.
    """
    card = seen.scorecard
    asked = {ruling.item for ruling in rulings} - set(in_doubt(seen))
    if veto_confirmed is not None and card.veto_confirmed is not None:
        asked |= {item.id for item in card.items if item.veto}
    if final := asked & decided_on_appeal(conn, seen.call):
        raise AppealIsFinal(f"{'、'.join(sorted(final))} 的申诉已有最终决定,不能再改判")


def review_in(
    conn: sa.Connection,
    schemes: Sequence[Scheme],
    seen: Judgement,
    rulings: Sequence[Ruling],
    *,
    veto_confirmed: bool | None = None,
    reason: str,
    actor: str,
    now: datetime,
) -> Judgement:
    """The decision, publication (or holding, while a doubt or an undecided veto is left), and the points of the
    agent's day, in the caller's transaction.
    """
    decided = add_review(conn, seen, rulings, veto_confirmed=veto_confirmed, reason=reason, actor=actor, now=now)
    publish(conn, schemes, [decided], actor=actor, now=now)
    return decided
