"""The calls that were drawn for a person to look at, from which draw each and why. Added, never changed."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.call import Call
from zhijian.models.records.codec import to_dict
from zhijian.models.records.roster import RosterEntry
from zhijian.models.records.sampling import DrawnFor, Risk, Sampling
from zhijian.pipeline.store.calls import State
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.tables import calls, reviews, scorecards
from zhijian.pipeline.store.workbench_tables import sampled_calls, samples, worklist
from zhijian.pipeline.store.worklist import Rank, of_people
from zhijian.rules.call.scenario import recorded_scenario

_UNDECIDED = ~sa.exists().where(reviews.c.call == worklist.c.call)
_UNSEEN = (calls.c.state.in_((State.PUBLISHED, State.HELD)), worklist.c.rank != Rank.UNSCORABLE, _UNDECIDED)
"""A call that has a score to look at and that no person has decided on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A call that may be drawn: row ids of call and latest scorecard, what names it, and what is risky in it."""

    call: int
    scorecard: int
    source: str
    call_id: str
    agent_no: str
    risks: tuple[Risk, ...]


@dataclass(frozen=True, slots=True)
class Drawn:
    candidate: Candidate
    drawn_for: DrawnFor


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A drawn call that nobody has looked at yet; `sample` is the number of the first draw that it came out of."""

    judgement: Judgement
    sample: int
    drawn_for: DrawnFor
    risks: tuple[Risk, ...]


def candidates(
    conn: sa.Connection, sampling: Sampling, people: Collection[RosterEntry] | None = None
) -> Iterator[Candidate]:
    """The calls of the period, published or held, that have a score to look at and that no person has decided on: all,
    or those of people on the days that they are in these stretches of the roster.

    One at a time, so that a month of scorecards need not be held at once.
    """
    query = (
        sa.select(worklist, calls.c.source, calls.c.content)
        .join_from(worklist, calls, worklist.c.call == calls.c.id)
        .where(worklist.c.day.between(sampling.from_day, sampling.to_day), *_UNSEEN)
        .where(sa.true() if people is None else of_people(people))
        .execution_options(yield_per=500)
    )
    for row in conn.execute(query):
        recorded: Call = row.content
        yield Candidate(
            call=row.call,
            scorecard=row.scorecard,
            source=row.source,
            call_id=row.call_id,
            agent_no=row.agent_no,
            risks=sampling.triggers.risks(
                scenario=recorded_scenario(recorded.scenario),
                satisfaction=recorded.satisfaction,
                score=None if row.score_tenths is None else Decimal(row.score_tenths) / 10,
            ),
        )


def add_sample(conn: sa.Connection, sampling: Sampling, drawn: Iterable[Drawn], *, actor: str, now: datetime) -> int:
    """Stores a draw and its calls; returns its number. The connection must come from `database.writing`."""
    row = to_dict(sampling) | {"from_day": sampling.from_day, "to_day": sampling.to_day}
    stored = samples.insert().values(row | {"actor": actor, "drawn_at": now}).returning(samples.c.id)
    sample = conn.execute(stored).scalar_one()
    rows = [
        {"sample": sample, "call": one.candidate.call, "drawn_for": one.drawn_for, "risks": [*one.candidate.risks]}
        for one in drawn
    ]
    if rows:
        conn.execute(sampled_calls.insert(), rows)
    drawn_now = sa.select(sampled_calls.c.call).where(sampled_calls.c.sample == sample)
    waits = worklist.update().where(worklist.c.call.in_(drawn_now), worklist.c.rank == Rank.SETTLED, _UNDECIDED)
    conn.execute(waits.values(rank=Rank.SAMPLED))
    return sample


def waiting(conn: sa.Connection) -> tuple[Waiting, ...]:
    """The drawn calls that no person has decided on since (nor before, else they had not been drawn), each once;
    oldest first. Those that are being judged again are left out until they are.
    """
    rows = conn.execute(
        sa.select(scorecards, calls.c.source, sampled_calls.c.sample, sampled_calls.c.drawn_for, sampled_calls.c.risks)
        .join_from(sampled_calls, calls, sampled_calls.c.call == calls.c.id)
        .join(worklist, worklist.c.call == calls.c.id)
        .join(scorecards, scorecards.c.id == worklist.c.scorecard)
        .where(*_UNSEEN)
        .order_by(sampled_calls.c.sample)
    )
    first: dict[int, Waiting] = {}
    for row in rows:
        judgement = Judgement(row.id, row.call, row.source, row.revision, row.content)
        risks = tuple(Risk(risk) for risk in row.risks)
        one = Waiting(judgement=judgement, sample=row.sample, drawn_for=DrawnFor(row.drawn_for), risks=risks)
        first.setdefault(row.call, one)
    return tuple(sorted(first.values(), key=lambda one: (one.judgement.scorecard.started_at, one.judgement.id)))
