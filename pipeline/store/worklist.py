"""What the workbench lists: one row for each call that was published or held, made from its latest scorecard.

Lists of a hundred thousand calls are chosen, sorted and cut here, without a scorecard being opened.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.models.records.scorecard import Outcome, Scorecard, Status
from zhijian.pipeline.store.calibrations import being_calibrated
from zhijian.pipeline.store.tables import reviews
from zhijian.pipeline.store.workbench_tables import (
    accounts,
    holds,
    sampled_calls,
    veto_votes,
    worklist,
    worklist_items,
)


class Rank(IntEnum):
    """What waits for a person, the most urgent first; from SETTLED on nothing does.

    SEEN is a call that cannot be scored, when somebody has looked at it.
    """

    VETO = 0
    DOUBT = 1
    SAMPLED = 2
    UNSCORABLE = 3
    SETTLED = 8
    SEEN = 9


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of a list. `held_by` is the account (row id) that has the call before it."""

    call: int
    call_id: str
    rank: Rank
    started_at: datetime
    agent_no: str
    day: date
    scenario: str | None
    score: Decimal | None
    published: bool
    items: tuple[tuple[str, str], ...]
    held_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which calls; None = all. `people` are stretches of the roster: an agent's calls on the days in them.

    Scores are compared with what a call has, so calls without a score are left out where a bound is given.
    """

    waiting: bool | None = None
    published: bool | None = None
    people: tuple[RosterEntry, ...] | None = None
    agent_no: str | None = None
    item: str | None = None
    scenario: str | None = None
    from_day: date | None = None
    to_day: date | None = None
    score_from: Decimal | None = None
    score_to: Decimal | None = None
    rank: Rank | None = None


def list_call(conn: sa.Connection, call: int, scorecard: int, card: Scorecard, *, published: bool) -> None:
    """Puts a call on the list as its latest scorecard is, in the place of what stood there."""
    conn.execute(worklist_items.delete().where(worklist_items.c.call == call))
    conn.execute(worklist.delete().where(worklist.c.call == call))
    conn.execute(
        worklist.insert().values(
            call=call,
            scorecard=scorecard,
            call_id=card.call_id,
            rank=_rank(conn, call, card, published),
            started_at=card.started_at,
            started_at_utc=card.started_at.astimezone(UTC).isoformat(),
            agent_no=card.agent_no,
            day=card.started_at.date(),
            scenario=card.scenario,
            score_tenths=None if card.score is None else int(card.score * 10),
            published=published,
        )
    )
    telling = [item for item in card.items if item.outcome in (Outcome.FAIL, Outcome.UNSURE)]
    if telling:
        rows = [{"call": call, "item": item.id, "outcome": item.outcome.value} for item in telling]
        conn.execute(worklist_items.insert(), rows)


def count(conn: sa.Connection, choice: Choice) -> int:
    """How many calls there are of that choice."""
    return conn.execute(sa.select(sa.func.count()).select_from(worklist).where(*_which(choice))).scalar_one()


def listed(
    conn: sa.Connection, choice: Choice, *, now: datetime, limit: int, offset: int = 0, latest_first: bool = False
) -> tuple[Listed, ...]:
    """A page of the list: the most urgent and then the oldest first, or the latest."""
    order = (worklist.c.started_at_utc.desc(),) if latest_first else (worklist.c.rank, worklist.c.started_at_utc)
    page = sa.select(worklist).where(*_which(choice)).order_by(*order, worklist.c.call).limit(limit).offset(offset)
    rows = conn.execute(page).all()
    numbers = [row.call for row in rows]
    hold = sa.select(holds.c.call, holds.c.account).where(
        holds.c.call.in_(numbers), sa.or_(holds.c.until_s.is_(None), holds.c.until_s > now.timestamp())
    )
    held = dict(conn.execute(hold).tuples().all())
    items: dict[int, list[tuple[str, str]]] = {}
    for row in conn.execute(sa.select(worklist_items).where(worklist_items.c.call.in_(numbers))):
        items.setdefault(row.call, []).append((row.item, row.outcome))
    return tuple(
        Listed(
            call=row.call,
            call_id=row.call_id,
            rank=Rank(row.rank),
            started_at=row.started_at,
            agent_no=row.agent_no,
            day=row.day,
            scenario=row.scenario,
            score=None if row.score_tenths is None else Decimal(row.score_tenths) / 10,
            published=row.published,
            items=tuple(sorted(items.get(row.call, ()))),
            held_by=held.get(row.call),
        )
        for row in rows
    )


def next_free(conn: sa.Connection, choice: Choice, account: int, now_s: int, after: int | None = None) -> int | None:
    """The first waiting call (row id) that nobody else has before him; what was given to the account comes first.

    `after` is a call that the account leaves for later: it is passed over, and so are vetoes that he has confirmed and
    that wait for a second person, and calls in an open calibration.
    """
    hold = holds.alias()
    others = sa.exists().where(
        hold.c.call == worklist.c.call,
        hold.c.account != account,
        sa.or_(hold.c.until_s.is_(None), hold.c.until_s > now_s),
    )
    voted = sa.exists().where(
        veto_votes.c.scorecard == worklist.c.scorecard,
        veto_votes.c.actor == sa.select(accounts.c.name).where(accounts.c.id == account).scalar_subquery(),
    )
    rated = worklist.c.call.in_(being_calibrated())
    waiting = sa.select(worklist.c.call).where(worklist.c.rank < Rank.SETTLED, ~voted, ~rated, *_which(choice))
    if after is not None:
        waiting = waiting.where(worklist.c.call != after)
    waiting = waiting.order_by(worklist.c.rank, worklist.c.started_at_utc, worklist.c.call).limit(1)
    given = waiting.join(holds, sa.and_(holds.c.call == worklist.c.call, holds.c.account == account)).where(
        holds.c.until_s.is_(None)
    )
    own = conn.execute(given).scalar_one_or_none()
    return own if own is not None else conn.execute(waiting.where(~others)).scalar_one_or_none()


def _rank(conn: sa.Connection, call: int, card: Scorecard, published: bool) -> Rank:
    if card.status is Status.FLAGGED:
        return Rank.VETO
    if card.status is Status.SCORED and card.in_doubt:
        return Rank.DOUBT
    looked_at = sa.exists().where(reviews.c.call == call)
    drawn = sa.exists().where(sampled_calls.c.call == call)
    was_looked_at, was_drawn = conn.execute(sa.select(looked_at, drawn)).one()
    if not published:
        return Rank.SEEN if was_looked_at else Rank.UNSCORABLE
    return Rank.SAMPLED if was_drawn and not was_looked_at else Rank.SETTLED


def _which(choice: Choice) -> list[sa.ColumnElement[bool]]:
    w = worklist.c
    which: list[sa.ColumnElement[bool]] = []
    if choice.waiting is not None:
        which.append(w.rank < Rank.SETTLED if choice.waiting else w.rank >= Rank.SETTLED)
    if choice.published is not None:
        which.append(w.published == choice.published)
    if choice.people is not None:
        which.append(of_people(choice.people))
    if choice.item is not None:
        item = sa.select(worklist_items.c.call).where(worklist_items.c.item == choice.item)
        which.append(w.call.in_(item))
    for column, wanted in ((w.agent_no, choice.agent_no), (w.scenario, choice.scenario), (w.rank, choice.rank)):
        if wanted is not None:
            which.append(column == wanted)
    for column, low, high in (
        (w.day, choice.from_day, choice.to_day),
        (w.score_tenths, _tenths(choice.score_from), _tenths(choice.score_to)),
    ):
        if low is not None:
            which.append(column >= low)
        if high is not None:
            which.append(column <= high)
    return which


def _tenths(score: Decimal | None) -> int | None:
    return None if score is None else int(score * 10)


def of_people(people: Collection[RosterEntry]) -> sa.ColumnElement[bool]:
    """The calls in these stretches; people of the same days are taken together, as SQLite refuses deep questions."""
    by_days: defaultdict[tuple[date | None, date | None], set[str]] = defaultdict(set)
    for entry in people:
        by_days[entry.from_day, entry.to_day].add(entry.agent_no)
    stretches = []
    for (from_day, to_day), agents in by_days.items():
        days: list[sa.ColumnElement[bool]] = [worklist.c.agent_no.in_(sorted(agents))]
        if from_day:
            days.append(worklist.c.day >= from_day)
        if to_day:
            days.append(worklist.c.day <= to_day)
        stretches.append(sa.and_(*days))
    return sa.or_(sa.false(), *stretches)


def team_entries(roster: Collection[RosterEntry], teams: Collection[str]) -> tuple[RosterEntry, ...]:
    """The stretches of the roster in which somebody belongs to one of the teams."""
    return tuple(entry for entry in roster if entry.team in teams)
