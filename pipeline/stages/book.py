"""Booking: publishes what publishes itself, holds the rest, and posts the points of the agents' days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from zhijian.pipeline.ledger.daily_mean import ScoredCall, day_claim
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.ledger.settlement import Settled, settle
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import (
    AgentDay,
    Judgement,
    days_to_book,
    decide,
    published_of,
    published_on,
    to_book,
)

# who publishes and posts what needs no person
MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Booked:
    """Calls published and held, entries posted and reversed."""

    published: int
    held: int
    posted: int
    reversed: int


def book(engine: sa.Engine, source: str, schemes: Sequence[Scheme], *, actor: str, now: datetime) -> Booked:
    """Books all judged calls of a source, one transaction for each agent and day, under each scheme.

    An agent-day counts all its published calls, whenever and from whichever source they came. A call that was published
    under another agent or day before its row was corrected leaves that one in the same transaction. Run it twice, kill
    it anywhere, start two at once: each call is published, and each day posted, once.
    """
    with engine.connect() as conn:
        agent_days = days_to_book(conn, source)
    done = [_book_day(engine, source, schemes, agent_day, actor=actor, now=now) for agent_day in agent_days]
    return Booked(
        sum(d.published for d in done),
        sum(d.held for d in done),
        sum(d.posted for d in done),
        sum(d.reversed for d in done),
    )


def _book_day(
    engine: sa.Engine, source: str, schemes: Sequence[Scheme], agent_day: AgentDay, *, actor: str, now: datetime
) -> Booked:
    with writing(engine) as conn:
        judgements = to_book(conn, source, agent_day)
        before = [published_of(conn, judgement.call) for judgement in judgements]
        touched = {judgement.agent_day for judgement in before if judgement is not None}
        published = sum(judgement.scorecard.publishes_itself for judgement in judgements)
        if published:
            touched.add(agent_day)
        decide(conn, judgements, actor=actor, now=now)
        settled = [s for day in sorted(touched) for s in _settle(conn, schemes, day, actor=actor, now=now)]
    return Booked(
        published,
        len(judgements) - published,
        sum(s.posted for s in settled),
        sum(s.reversed for s in settled),
    )


def _settle(
    conn: sa.Connection, schemes: Sequence[Scheme], agent_day: AgentDay, *, actor: str, now: datetime
) -> list[Settled]:
    calls = [_scored(judgement) for judgement in published_on(conn, agent_day)]
    claims = [(scheme, day_claim(scheme, agent_day.agent_no, agent_day.day, calls)) for scheme in schemes]
    return [settle(conn, scheme, claim, actor=actor, now=now) for scheme, claim in claims if claim is not None]


def _scored(judgement: Judgement) -> ScoredCall:
    card = judgement.scorecard
    if card.score is None:
        raise ValueError(f"call {card.call_id} is published but has no score")
    standard = f"{card.standard.id} {card.standard.version}"
    return ScoredCall(judgement.id, judgement.source, card.call_id, judgement.revision, card.score, standard)
