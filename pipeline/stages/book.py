"""Booking: publishes what publishes itself, holds the rest, posts the points of days, and closes months."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.closing import close_month
from zhijian.pipeline.ledger.daily_mean import ScoredCall, day_claim, rest_claim
from zhijian.pipeline.ledger.months import Closing, closed_months
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.ledger.settlement import Claim, Settled, settle
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.holds import release
from zhijian.pipeline.store.judgements import (
    AgentDay,
    Judgement,
    agents_published_in,
    days_to_book,
    decide,
    published_in,
    published_of,
    published_on,
    to_book,
)

VETO_KIND = "call_veto"  # source_kind; the source id is the number of the call


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
        return publish(conn, schemes, to_book(conn, source, agent_day), actor=actor, now=now)


def publish(
    conn: sa.Connection, schemes: Sequence[Scheme], judgements: Sequence[Judgement], *, actor: str, now: datetime
) -> Booked:
    """Publishes judgements that can be, holds the others, and settles what they and their calls' earlier ones earned.

    The connection must come from `database.writing`.
    """
    before = [published_of(conn, judgement.call) for judgement in judgements]
    published = [judgement for judgement in judgements if judgement.scorecard.publishes_itself]
    touched = {judgement.agent_day for judgement in (*before, *published) if judgement is not None}
    decide(conn, judgements, actor=actor, now=now)
    for judgement in published:
        release(conn, judgement.call)
    settled = [s for day in sorted(touched) for s in _settle(conn, schemes, day, actor=actor, now=now)]
    settled += [s for judgement in judgements for s in _settle_veto(conn, schemes, judgement, actor=actor, now=now)]
    return Booked(
        len(published),
        len(judgements) - len(published),
        sum(s.posted for s in settled),
        sum(s.reversed for s in settled),
    )


def close(
    engine: sa.Engine, scheme: Scheme, period: str, roster: Sequence[RosterEntry], *, actor: str, now: datetime
) -> Closing:
    """Closes a month (`YYYY-MM`): the calls that waited for it, then the figures; then sheet and ranking are frozen.

    Raises LedgerError for a month that is not over or closed already, StoreError.
    """
    with writing(engine) as conn:
        for agent_no in agents_published_in(conn, period):
            _settle_rest(conn, scheme, agent_no, period, actor=actor, now=now)
        return close_month(conn, scheme, period, roster, actor=actor, now=now)


def _settle(
    conn: sa.Connection, schemes: Sequence[Scheme], agent_day: AgentDay, *, actor: str, now: datetime
) -> list[Settled]:
    """The day, and in a month that is closed also what its scattered calls have brought together."""
    calls = _counting(published_on(conn, agent_day))
    period, settled = agent_day.day.strftime("%Y-%m"), []
    for scheme in schemes:
        claim = day_claim(scheme, agent_day.agent_no, agent_day.day, calls)
        if claim is not None:
            settled.append(settle(conn, scheme, claim, actor=actor, now=now))
        if period in closed_months(conn, scheme.id):
            settled.append(_settle_rest(conn, scheme, agent_day.agent_no, period, actor=actor, now=now))
    return settled


def _settle_rest(
    conn: sa.Connection, scheme: Scheme, agent_no: str, period: str, *, actor: str, now: datetime
) -> Settled:
    by_day: defaultdict[date, list[ScoredCall]] = defaultdict(list)
    for call in _counting(published_in(conn, agent_no, period)):
        by_day[call.day].append(call)
    claim = rest_claim(scheme, agent_no, period, by_day)
    return Settled(0, 0) if claim is None else settle(conn, scheme, claim, actor=actor, now=now)


def _settle_veto(
    conn: sa.Connection, schemes: Sequence[Scheme], judgement: Judgement, *, actor: str, now: datetime
) -> list[Settled]:
    """A call with a confirmed veto costs points of its own, and none any more when that is overruled."""
    card = judgement.scorecard
    settled = []
    for scheme in schemes:
        item = scheme.veto
        if item is None or item.veto is None:
            continue
        claim = Claim(
            item=item,
            account=card.agent_no,
            source_kind=VETO_KIND,
            source_id=str(judgement.call),
            day=judgement.agent_day.day,
            points=item.veto if card.veto_confirmed and card.publishes_itself else Decimal(0),
            reason=f"{item.name} 通话 {card.call_id}",
            details={"scorecard": judgement.id, "call_id": card.call_id, "source": judgement.source},
        )
        settled.append(settle(conn, scheme, claim, actor=actor, now=now))
    return settled


def _counting(judgements: Sequence[Judgement]) -> list[ScoredCall]:
    """What counts for a mean: a call with a confirmed veto has its own entry instead."""
    return [_scored(judgement) for judgement in judgements if not judgement.scorecard.veto_confirmed]


def _scored(judgement: Judgement) -> ScoredCall:
    card = judgement.scorecard
    if card.score is None:
        raise ValueError(f"call {card.call_id} is published but has no score")
    standard = f"{card.standard.id} {card.standard.version}"
    return ScoredCall(
        judgement.id, judgement.source, card.call_id, judgement.revision, judgement.agent_day.day, card.score, standard
    )
