"""The agents' figures (AHT, sign-in, satisfaction …), imported day by day, and what a month of them is worth.

A correction is a new row for the same agent and day; the latest counts.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from fractions import Fraction

import sqlalchemy as sa

from zhijian.models.records.figures import FIGURES, DayFigures
from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.formula import Formula
from zhijian.pipeline.ledger.months import last_day
from zhijian.pipeline.ledger.scheme import Item, Scheme
from zhijian.pipeline.ledger.settlement import Claim, Settled, settle
from zhijian.pipeline.store.roster import team_on
from zhijian.pipeline.store.tables import day_figures

SOURCE_KIND = "agent_month"


@dataclass(frozen=True, slots=True)
class MonthValue:
    """What an item's formula makes of an agent's month; None where a figure is missing or divided by is zero."""

    agent_no: str
    item: Item
    value: Fraction | None
    figures: Mapping[str, int]


def add_figures(conn: sa.Connection, figures: Iterable[DayFigures], *, actor: str, now: datetime) -> int:
    """Stores what is new or corrected; returns how many days that were. The connection must come from `writing`.

    Figures of a day that are not given stay as they are: AHT and satisfaction come in files of their own.
    """
    figures = tuple(figures)
    known = {(day.agent_no, day.day): day.figures for day in figures_of(conn, {day.day for day in figures})}
    figures = tuple(replace(day, figures={**known.get((day.agent_no, day.day), {}), **day.figures}) for day in figures)
    rows = [
        {"agent_no": day.agent_no, "day": day.day, "figures": dict(day.figures), "actor": actor, "imported_at": now}
        for day in figures
        if known.get((day.agent_no, day.day)) != day.figures
    ]
    if rows:
        conn.execute(day_figures.insert(), rows)
    return len(rows)


def figures_of(conn: sa.Connection, days: Iterable[date]) -> tuple[DayFigures, ...]:
    """The figures that count of these days, of all agents, by day and agent."""
    later = day_figures.alias()
    latest = ~sa.exists().where(
        later.c.agent_no == day_figures.c.agent_no, later.c.day == day_figures.c.day, later.c.id > day_figures.c.id
    )
    rows = conn.execute(
        sa.select(day_figures.c.agent_no, day_figures.c.day, day_figures.c.figures)
        .where(day_figures.c.day.in_(sorted(set(days))), latest)
        .order_by(day_figures.c.day, day_figures.c.agent_no)
    )
    return tuple(DayFigures(row.agent_no, row.day, row.figures) for row in rows)


def month_values(
    conn: sa.Connection, scheme: Scheme, period: str, roster: Iterable[RosterEntry]
) -> tuple[MonthValue, ...]:
    """What each formula of the scheme makes of each agent's month (`YYYY-MM`).

    A name of a formula is the agent's sum over the days of the month, one with `team_` before it that of the agent's
    team on the days that the agent has figures of, its members being those of each day.
    """
    end = last_day(period)
    days = figures_of(conn, (end.replace(day=number) for number in range(1, end.day + 1)))
    roster = tuple(roster)
    own: defaultdict[str, Counter[str]] = defaultdict(Counter)
    of_team_day: defaultdict[tuple[str, date], Counter[str]] = defaultdict(Counter)
    team_days: defaultdict[str, set[tuple[str, date]]] = defaultdict(set)
    for day in days:
        team_day = team_on(roster, day.agent_no, day.day), day.day
        own[day.agent_no].update(day.figures)
        of_team_day[team_day].update(day.figures)
        team_days[day.agent_no].add(team_day)
    items = [item for item in scheme.items if item.month_value is not None]
    return tuple(
        _value(agent_no, item, own[agent_no], _summed(of_team_day[day] for day in team_days[agent_no]))
        for agent_no in sorted(own)
        for item in items
    )


def settle_month(
    conn: sa.Connection, scheme: Scheme, period: str, roster: Iterable[RosterEntry], *, actor: str, now: datetime
) -> Settled:
    """Makes the ledger say of a month's figures what they earn now. The connection must come from `writing`."""
    done = [
        settle(conn, scheme, _claim(value, period), actor=actor, now=now)
        for value in month_values(conn, scheme, period, roster)
    ]
    return Settled(sum(one.posted for one in done), sum(one.reversed for one in done))


def _value(agent_no: str, item: Item, own: Counter[str], of_team: Counter[str]) -> MonthValue:
    assert item.month_value is not None
    formula = Formula(item.month_value.formula)
    figures = {name: own[name] for name in FIGURES if name in own}
    figures |= {f"team_{name}": of_team[name] for name in FIGURES if name in of_team}
    used = {name: figures[name] for name in sorted(formula.names) if name in figures}
    complete = used.keys() == formula.names
    value = formula.value({name: Fraction(figure) for name, figure in used.items()}) if complete else None
    return MonthValue(agent_no, item, value, used)


def _summed(counts: Iterable[Counter[str]]) -> Counter[str]:
    """Counters added with `+` lose what is zero."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return total


def _claim(value: MonthValue, period: str) -> Claim:
    assert value.item.month_value is not None
    shown = None if value.value is None else f"{float(value.value):.4f}"
    return Claim(
        item=value.item,
        account=value.agent_no,
        source_kind=SOURCE_KIND,
        source_id=f"{value.agent_no}/{period}",
        day=last_day(period),
        points=value.item.month_value.points_for(value.value),
        reason=f"{value.item.name} {period} {shown or '无法计算'}",
        details={"value": shown, "figures": dict(value.figures)},
    )
