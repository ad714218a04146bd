"""Scorecards, none ever overwritten, and which of them are published. The latest of a call counts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from zhijian.models.records.account import MACHINE
from zhijian.models.records.call import Call
from zhijian.models.records.scorecard import Scorecard
from zhijian.pipeline.store.calls import State, change
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.tables import calls, publications, reviews, scorecards
from zhijian.pipeline.store.workbench_tables import appeal_decisions, appeals
from zhijian.pipeline.store.worklist import list_call


def _last(table: sa.Table) -> sa.ScalarSelect[int]:
    """The id of the latest row that a table has for the call of the query."""
    rows = table.alias()
    return sa.select(sa.func.max(rows.c.id)).where(rows.c.call == calls.c.id).correlate(calls).scalar_subquery()


_last_scorecard = _last(scorecards)
_decision = publications.alias("decision")
_is_last_decision = _decision.c.id == _last(publications)
_is_published = sa.exists().where(
    _is_last_decision, _decision.c.scorecard == scorecards.c.id, _decision.c.state == State.PUBLISHED
)
# a person has published or held the call of the query, or has decided an appeal about it
_by_person = sa.or_(
    sa.exists().where(publications.c.call == calls.c.id, publications.c.actor != MACHINE),
    sa.exists().where(appeals.c.call == calls.c.id, appeal_decisions.c.appeal == appeals.c.id),
)


class DecidedMeanwhile(StoreError):
    """What was judged anew is not what counts any more: a person has decided on the call."""


@dataclass(frozen=True, slots=True, order=True)
class AgentDay:
    """The calls of one agent on one local day."""

    agent_no: str
    day: date


@dataclass(frozen=True, slots=True)
class Judgement:
    """A scorecard as it is stored: its id, the call it is of (row id, source) and the revision that was judged."""

    id: int
    call: int
    source: str
    revision: int
    scorecard: Scorecard

    @property
    def agent_day(self) -> AgentDay:
        return AgentDay(self.scorecard.agent_no, self.scorecard.started_at.date())


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A call as reports need it. `scorecard` is the latest one, None before the first; `published` is said of it, and
    `number` is its number.

    `reason` says why the last attempt failed, `hearing` is the id of what the scorecard was judged from. `by_person`:
    a person has decided on the call.
    """

    id: int
    call: Call
    revision: int
    state: State
    reason: str | None
    scorecard: Scorecard | None
    published: bool
    hearing: int | None
    number: int | None
    by_person: bool


def judged(
    engine: sa.Engine, id: int, scorecard: Scorecard, *, heard: bool = True, instead_of: int | None = None
) -> int:
    """Stores a scorecard, moves the call to `judged` and closes the attempt. Returns the scorecard's number.

    Also for calls that cannot be scored, and for calls judged before: the new scorecard stands beside the old one.
    `heard` is False where there was nothing to hear. `instead_of` is the number of the scorecard that the machine
    judges anew: raises DecidedMeanwhile where that is not the latest any more, or a person has decided on the call.
    Raises StoreError where the scorecard does not fit the call's row, e.g. because the row was revised meanwhile.
    """
    with writing(engine) as conn:
        row = conn.execute(
            sa.select(
                *(calls.c.revision, calls.c.content, calls.c.hearing),
                *(_last_scorecard.label("latest"), _by_person.label("by_person")),
            ).where(calls.c.id == id)
        ).one_or_none()
        if row is None or _identity(row.content) != _identity(scorecard):
            raise StoreError(f"{scorecard.call_id} 的评分单与通话记录不符(记录已有变化),请重新评分")
        if instead_of is not None and (row.latest != instead_of or row.by_person):
            raise DecidedMeanwhile(f"{scorecard.call_id} 已由人工决定")
        hearing = row.hearing if heard else None
        change(conn, id, state=State.JUDGED, attempt_started_at=None, reason=None, hearing=hearing)
        stored = scorecards.insert().values(
            call=id,
            revision=row.revision,
            agent_no=scorecard.agent_no,
            day=scorecard.started_at.date(),
            standard_sha256=scorecard.standard.sha256,
            content=scorecard,
            hearing=hearing,
            judged_at=datetime.now().astimezone(),
        )
        return conn.execute(stored.returning(scorecards.c.id)).scalar_one()


def _identity(record: Call | Scorecard) -> tuple[str, ...]:
    return record.call_id, record.agent_no, record.direction, record.started_at.isoformat()


def judged_calls(engine: sa.Engine, source: str, since: date | None = None) -> tuple[JudgedCall, ...]:
    """All calls of a source, from a local day on, with their latest scorecards; ordered by time, then id."""
    query = (
        sa.select(calls, scorecards.c.content.label("scorecard"), scorecards.c.hearing.label("judged_from"))
        .add_columns(_decision.c.state.label("decision"), scorecards.c.id.label("number"))
        .add_columns(_by_person.label("by_person"))
        .outerjoin_from(calls, scorecards, scorecards.c.id == _last_scorecard)
        .outerjoin(_decision, sa.and_(_is_last_decision, _decision.c.scorecard == scorecards.c.id))
        .where(calls.c.source == source)
    )
    if since is not None:
        query = query.where(calls.c.day >= since)
    with engine.connect() as conn:
        found = [
            JudgedCall(
                row.id,
                row.content,
                row.revision,
                State(row.state),
                row.reason,
                row.scorecard,
                row.decision == State.PUBLISHED,
                row.judged_from if row.scorecard is not None else row.hearing,
                row.number,
                row.by_person,
            )
            for row in conn.execute(query)
        ]
    return tuple(sorted(found, key=lambda c: (c.call.started_at, c.call.call_id)))


@dataclass(frozen=True, slots=True)
class WithoutSound:
    """A held call whose recording gave no usable sound, why, and when that was found. `id` is the call's number."""

    id: int
    call: Call
    reason: str | None
    found_at: datetime


def without_sound(engine: sa.Engine, source: str) -> tuple[WithoutSound, ...]:
    """The held calls of a source that wait for a usable recording, be it that people have looked at them since."""
    card = scorecards.alias()
    by_person = sa.exists().where(reviews.c.call == card.c.call, reviews.c.result == card.c.id)
    found_at = (
        sa.select(card.c.judged_at)
        .where(card.c.call == calls.c.id, ~by_person)
        .order_by(card.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = (
        sa.select(calls.c.id, calls.c.content, scorecards.c.content.label("scorecard"), found_at.label("found_at"))
        .join_from(calls, scorecards, scorecards.c.id == _last_scorecard)
        .where(calls.c.source == source, calls.c.state == State.HELD, scorecards.c.hearing.is_(None))
    )
    with engine.connect() as conn:
        return tuple(
            WithoutSound(row.id, row.content, row.scorecard.reason, row.found_at) for row in conn.execute(query)
        )


def known_recordings(engine: sa.Engine, source: str) -> frozenset[str]:
    """Paths of the recordings of all calls that a source has ever listed."""
    with engine.connect() as conn:
        listed = conn.execute(sa.select(calls.c.content).where(calls.c.source == source)).scalars()
        return frozenset(call.recording for call in listed)


def days_to_book(conn: sa.Connection, source: str) -> tuple[AgentDay, ...]:
    """The agent-days, sorted, of a source's calls that are judged and not yet booked."""
    rows = conn.execute(
        sa.select(scorecards.c.agent_no, scorecards.c.day)
        .distinct()
        .join_from(calls, scorecards, scorecards.c.id == _last_scorecard)
        .where(calls.c.source == source, calls.c.state == State.JUDGED)
    )
    return tuple(sorted(AgentDay(row.agent_no, row.day) for row in rows))


def to_book(conn: sa.Connection, source: str, agent_day: AgentDay) -> tuple[Judgement, ...]:
    """The latest scorecards of a source's calls of one agent-day that are judged and not yet booked."""
    return _judgements(
        conn,
        scorecards.c.agent_no == agent_day.agent_no,
        scorecards.c.day == agent_day.day,
        scorecards.c.id == _last_scorecard,
        calls.c.source == source,
        calls.c.state == State.JUDGED,
    )


def latest_judgement(conn: sa.Connection, call: int) -> Judgement | None:
    """The latest scorecard of a call (row id), booked or not."""
    found = _judgements(conn, calls.c.id == call, scorecards.c.id == _last_scorecard)
    return found[0] if found else None


def judgement_of(conn: sa.Connection, id: int) -> Judgement | None:
    """The scorecard with this number."""
    found = _judgements(conn, scorecards.c.id == id)
    return found[0] if found else None


def hearing_number(conn: sa.Connection, scorecard: int) -> int | None:
    """The number of the hearing that a scorecard was judged from; None where nothing could be heard."""
    return conn.execute(sa.select(scorecards.c.hearing).where(scorecards.c.id == scorecard)).scalar_one()


def held_judgements(conn: sa.Connection) -> tuple[Judgement, ...]:
    """The latest scorecards of all calls that are held."""
    return _judgements(conn, calls.c.state == State.HELD, scorecards.c.id == _last_scorecard)


def published_on(conn: sa.Connection, agent_day: AgentDay) -> tuple[Judgement, ...]:
    """The scorecards of one agent-day that are published now, of all sources."""
    return _judgements(
        conn, scorecards.c.agent_no == agent_day.agent_no, scorecards.c.day == agent_day.day, _is_published
    )


def published_in(conn: sa.Connection, agent_no: str, period: str) -> tuple[Judgement, ...]:
    """The scorecards of an agent's calls of a month (`YYYY-MM`) that are published now, of all sources."""
    return _judgements(conn, scorecards.c.agent_no == agent_no, _in_month(period), _is_published)


def agents_published_in(conn: sa.Connection, period: str) -> tuple[str, ...]:
    """The agents who have published calls in a month, sorted."""
    rows = conn.execute(
        sa.select(scorecards.c.agent_no)
        .distinct()
        .join_from(scorecards, calls, scorecards.c.call == calls.c.id)
        .where(_in_month(period), _is_published)
    )
    return tuple(sorted(rows.scalars()))


def _in_month(period: str) -> sa.ColumnElement[bool]:
    return sa.cast(scorecards.c.day, sa.Text).startswith(f"{period}-", autoescape=True)


def published_of(conn: sa.Connection, call: int) -> Judgement | None:
    """The scorecard of one call that is published now."""
    found = _judgements(conn, calls.c.id == call, _is_published)
    return found[0] if found else None


def published_at(conn: sa.Connection, judgement: Judgement) -> datetime:
    """When a published scorecard was published."""
    first = (
        sa.select(publications.c.decided_at)
        .where(publications.c.scorecard == judgement.id, publications.c.state == State.PUBLISHED)
        .order_by(publications.c.id)
        .limit(1)
    )
    return conn.execute(first).scalar_one()


def decide(conn: sa.Connection, judgements: Iterable[Judgement], *, actor: str, now: datetime) -> None:
    """Publishes each scorecard that publishes itself and holds the others, moves their calls, and lists them."""
    for judgement in judgements:
        state = State.PUBLISHED if judgement.scorecard.publishes_itself else State.HELD
        conn.execute(
            publications.insert().values(
                call=judgement.call, scorecard=judgement.id, state=state, actor=actor, decided_at=now
            )
        )
        change(conn, judgement.call, state=state)
        published = state is State.PUBLISHED
        list_call(conn, judgement.call, judgement.id, judgement.scorecard, published=published)


def _judgements(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> tuple[Judgement, ...]:
    rows = conn.execute(
        sa.select(scorecards, calls.c.source)
        .join_from(scorecards, calls, scorecards.c.call == calls.c.id)
        .where(*which)
        .order_by(scorecards.c.id)
    )
    return tuple(Judgement(row.id, row.call, row.source, row.revision, row.content) for row in rows)
