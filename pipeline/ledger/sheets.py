"""What the team asks of the ledger: the month's sheet with ranking and bonus, and an agent's growth."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.entries import from_hundredths
from zhijian.pipeline.ledger.months import last_day
from zhijian.pipeline.ledger.scheme import Bonus, Scheme
from zhijian.pipeline.store.tables import ledger_entries


@dataclass(frozen=True, slots=True)
class SheetRow:
    """An account's month: credited points by dimension, the weighted total, its place, and whether it gets the bonus.

    `team` is that of the account's last day in the month; empty where the roster does not say.
    """

    account: str
    on_roster: bool
    team: str
    points: tuple[Decimal, ...]
    total: Decimal
    rank: int
    bonus: bool


@dataclass(frozen=True, slots=True)
class MonthSheet:
    """A scheme's month, best first; `points` of the rows are in the order of `dimensions` (ids).

    `head_count` is the number of agents that the roster has in the month, `bonus_places` the share of it that gets the
    bonus; people with as many points as the last of them get it too, people without points never do.
    """

    scheme: str
    scheme_version: str
    period: str
    dimensions: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    head_count: int
    bonus_places: int


@dataclass(frozen=True, slots=True)
class GrowthDay:
    """What an account was credited on a day, and all that it had been credited until then."""

    day: date
    credited: Decimal
    total: Decimal


def month_sheet(
    conn: sa.Connection, scheme: Scheme, period: str, roster: Sequence[RosterEntry], *, until: int | None = None
) -> MonthSheet:
    """The sheet of a month (`YYYY-MM`) as the entries are, or were when the ledger ended with number `until`.

    Everybody is on it who is in the roster or has an entry; equal totals share a rank, and the next rank is as many
    places further.
    """
    teams = _teams(roster, period)
    points = _points_by_dimension(conn, scheme, period, until)
    totals = {
        account: sum((d.weight * points[account][d.id] for d in scheme.dimensions), Decimal(0))
        for account in teams.keys() | points.keys()
    }
    places = _bonus_places(scheme.bonus, len(teams))
    ordered = sorted(totals.values(), reverse=True)
    best = [total for total in ordered[:places] if total > 0]
    rows = tuple(
        SheetRow(
            account=account,
            on_roster=account in teams,
            team=teams.get(account, ""),
            points=tuple(points[account][d.id] for d in scheme.dimensions),
            total=total,
            rank=1 + ordered.index(total),
            bonus=bool(best) and total >= best[-1],
        )
        for account, total in sorted(totals.items(), key=lambda item: (-item[1], item[0]))
    )
    dimensions = tuple(dimension.id for dimension in scheme.dimensions)
    return MonthSheet(scheme.id, scheme.version, period, dimensions, rows, len(teams), places)


def growth(conn: sa.Connection, scheme: Scheme, account: str) -> tuple[GrowthDay, ...]:
    """An account's cumulative curve: the days on which something was credited."""
    rows = conn.execute(
        sa.select(ledger_entries.c.effective_day, sa.func.sum(ledger_entries.c.points_credited_hundredths))
        .where(ledger_entries.c.scheme == scheme.id, ledger_entries.c.account == account)
        .group_by(ledger_entries.c.effective_day)
        .order_by(ledger_entries.c.effective_day)
    )
    days, total = [], Decimal(0)
    for day, hundredths in rows:
        credited = from_hundredths(hundredths)
        total += credited
        days.append(GrowthDay(date.fromisoformat(day), credited, total))
    return tuple(days)


def _points_by_dimension(
    conn: sa.Connection, scheme: Scheme, period: str, until: int | None
) -> defaultdict[str, defaultdict[str, Decimal]]:
    """Account -> dimension -> credited points."""
    query = (
        sa.select(
            ledger_entries.c.account,
            ledger_entries.c.item,
            sa.func.sum(ledger_entries.c.points_credited_hundredths),
        )
        .where(ledger_entries.c.scheme == scheme.id, ledger_entries.c.period == period)
        .group_by(ledger_entries.c.account, ledger_entries.c.item)
    )
    if until is not None:
        query = query.where(ledger_entries.c.seq <= until)
    points: defaultdict[str, defaultdict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for account, item, hundredths in conn.execute(query):
        points[account][scheme.pot_of(item).dimension] += from_hundredths(hundredths)
    return points


def _teams(roster: Iterable[RosterEntry], period: str) -> dict[str, str]:
    """The agents of a month and the team of each one's last day in it."""
    end = last_day(period)
    in_month = [
        entry
        for entry in roster
        if entry.active and (entry.from_day or date.min) <= end and (entry.to_day or date.max) >= end.replace(day=1)
    ]
    return {entry.agent_no: entry.team for entry in sorted(in_month, key=lambda entry: entry.to_day or date.max)}


def _bonus_places(bonus: Bonus | None, head_count: int) -> int:
    if bonus is None:
        return 0
    rounding = ROUND_FLOOR if bonus.rounding == "down" else ROUND_CEILING
    return int((bonus.share * head_count).to_integral_value(rounding))
