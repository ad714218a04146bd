"""Closing a month: its indicators are settled, its sheet and ranking are frozen."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.anchor import first_lost
from zhijian.pipeline.ledger.chain import Head, head_of
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

    The connection must come from `database.writing`. Raises LedgerError for a month that is not over or closed already,
    and for one in which the roster has nobody: what is frozen stays so.
    """
    if now.date() <= last_day(period):
        raise LedgerError(f"{period} 还没有结束,不能月结")
    if (before := closing_of(conn, scheme.id, period)) is not None:
        raise LedgerError(f"{scheme.name} {period} 已由 {before.actor} 于 {before.closed_at:%Y-%m-%d %H:%M} 月结")
    settle_month(conn, scheme, period, roster, actor=actor, now=now)
    head, sheet = head_of(conn), month_sheet(conn, scheme, period, roster)
    if not sheet.head_count:
        raise LedgerError(f"花名册中没有 {period} 在岗的坐席,不能月结:请先导入花名册(agents.csv)")
    closing = Closing(
        scheme=scheme.id,
        period=period,
        actor=actor,
        closed_at=now,
        entries=head.count,
        head=head.hash,
        sheet=sheet_json(sheet),
    )
    conn.execute(month_closings.insert().values(asdict(closing)))
    return closing


def wrong_closings(conn: sa.Connection, schemes: Sequence[Scheme]) -> tuple[str, ...]:
    """The closed months (`scheme YYYY-MM`) that are not what the entries of that time add up to."""
    by_id = {scheme.id: scheme for scheme in schemes}
    return tuple(
        f"{closing.scheme} {closing.period}"
        for closing in closings(conn)
        if _wrong(conn, by_id[closing.scheme], closing)
    )


def _wrong(conn: sa.Connection, scheme: Scheme, closing: Closing) -> bool:
    if first_lost(conn, {1: Head(closing.entries, closing.head)}):
        return True
    roster = [
        RosterEntry(agent_no=row["account"], name="", team=row["team"])
        for row in closing.sheet["rows"]
        if row.get("on_roster")
    ]
    of_entries = sheet_json(month_sheet(conn, scheme, closing.period, roster, until=closing.entries))
    if closing.sheet.get("scheme_version") == scheme.version:
        return bool(closing.sheet != of_entries)
    # another version of the scheme may sort, weigh and reward the same points otherwise
    return _credited(closing.sheet) != _credited(of_entries)


def _credited(sheet: Mapping[str, Any]) -> dict[str, Decimal]:
    """All points of each account that has any."""
    points = {row["account"]: sum(map(Decimal, row["points"]), Decimal(0)) for row in sheet["rows"]}
    return {account: total for account, total in points.items() if total}


def sheet_json(sheet: MonthSheet) -> dict[str, Any]:
    """The sheet as JSON: points as text, two places."""
    rows = [
        {
            "account": row.account,
            "on_roster": row.on_roster,
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
        "scheme_version": sheet.scheme_version,
        "period": sheet.period,
        "dimensions": list(sheet.dimensions),
        "head_count": sheet.head_count,
        "bonus_places": sheet.bonus_places,
        "rows": rows,
    }
