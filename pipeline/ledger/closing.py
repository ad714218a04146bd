"""Closing a month: its indicators are settled, its sheet and ranking are frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.chain import head_of
from zhijian.pipeline.ledger.entries import LedgerError
from zhijian.pipeline.ledger.figures import settle_month
from zhijian.pipeline.ledger.months import Closing, closing_of, closings, last_day
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.ledger.sheets import MonthSheet, month_sheet
from zhijian.pipeline.store.tables import month_closings


def close_month(
    conn: sa.Connection, scheme: Scheme, period: str, roster: Sequence[RosterEntry], *, actor: str, now: datetime
) -> Closing:
    """Closes a month (`YYYY-MM`) that is over; what comes for it later is booked into the first open day.

    The connection must come from `database.writing`. Raises LedgerError for a month that is not over or closed already.
    """
    if now.date() <= last_day(period):
        raise LedgerError(f"{period} 还没有结束,不能月结")
    if (before := closing_of(conn, scheme.id, period)) is not None:
        raise LedgerError(f"{scheme.name} {period} 已由 {before.actor} 于 {before.closed_at:%Y-%m-%d %H:%M} 月结")
    settle_month(conn, scheme, period, roster, actor=actor, now=now)
    head = head_of(conn)
    closing = Closing(
        scheme=scheme.id,
        period=period,
        actor=actor,
        closed_at=now,
        entries=head.count,
        head=head.hash,
        sheet=sheet_json(month_sheet(conn, scheme, period, roster)),
    )
    conn.execute(month_closings.insert().values(asdict(closing)))
    return closing


def wrong_closings(conn: sa.Connection, schemes: Sequence[Scheme]) -> tuple[str, ...]:
    """The closed months (`scheme YYYY-MM`) whose frozen points are not what the entries of that time add up to."""
    by_id = {scheme.id: scheme for scheme in schemes}
    wrong = []
    for closing in closings(conn):
        of_entries = month_sheet(conn, by_id[closing.scheme], closing.period, [], until=closing.entries)
        if _credited(closing.sheet) != _credited(sheet_json(of_entries)):
            wrong.append(f"{closing.scheme} {closing.period}")
    return tuple(wrong)


def _credited(sheet: Mapping[str, Any]) -> dict[str, Decimal]:
    """All points of each account that has any: a later version of the scheme may sort and weigh them otherwise."""
    points = {row["account"]: sum(map(Decimal, row["points"]), Decimal(0)) for row in sheet["rows"]}
    return {account: total for account, total in points.items() if total}


def sheet_json(sheet: MonthSheet) -> dict[str, Any]:
    """The sheet as JSON: points as text, two places."""
    rows = [
        {
            "account": row.account,
            "team": row.team,
            "points": [f"{points:.2f}" for points in row.points],
            "total": f"{row.total:.2f}",
            "rank": row.rank,
            "bonus": row.bonus,
        }
        for row in sheet.rows
    ]
    return {
        "scheme": sheet.scheme,
        "period": sheet.period,
        "dimensions": list(sheet.dimensions),
        "head_count": sheet.head_count,
        "bonus_places": sheet.bonus_places,
        "rows": rows,
    }
