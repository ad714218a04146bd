"""Months that are closed: their sheet and ranking are frozen, what comes later is booked into the first open day."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.store.tables import month_closings


@dataclass(frozen=True, slots=True)
class Closing:
    """A month as it was closed: by whom, when, at which number of entries and last hash, and its sheet (JSON)."""

    scheme: str
    period: str
    actor: str
    closed_at: datetime
    entries: int
    head: str
    sheet: Mapping[str, Any]


def closings(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> tuple[Closing, ...]:
    """The closed months in the order in which they were closed."""
    rows = conn.execute(sa.select(month_closings).where(*which).order_by(month_closings.c.id))
    return tuple(Closing(**{name: value for name, value in row._asdict().items() if name != "id"}) for row in rows)


def closing_of(conn: sa.Connection, scheme: str, period: str) -> Closing | None:
    """How a month was closed; None for an open one."""
    found = closings(conn, month_closings.c.scheme == scheme, month_closings.c.period == period)
    return found[0] if found else None


def closed_months(conn: sa.Connection, scheme: str) -> frozenset[str]:
    """The closed months (`YYYY-MM`) of a scheme."""
    return frozenset(
        conn.execute(sa.select(month_closings.c.period).where(month_closings.c.scheme == scheme)).scalars()
    )


def last_day(period: str) -> date:
    """The last day of a month `YYYY-MM`. Raises ValueError for what is none."""
    first = date.fromisoformat(f"{period}-01")
    return first.replace(day=monthrange(first.year, first.month)[1])


def first_open_day(day: date, closed: frozenset[str]) -> date:
    """The day itself, or the first of the next month that is not closed."""
    while day.isoformat()[:7] in closed:
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return day
