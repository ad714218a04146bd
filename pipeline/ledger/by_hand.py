"""What people award, deduct and take back by hand: with a reason, and in a role that the scheme allows."""

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from zhijian.pipeline.ledger.entries import LedgerEntry, LedgerError, select_entries
from zhijian.pipeline.ledger.posting import reverse
from zhijian.pipeline.ledger.records import Record, book_records, points_of
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.store.tables import ledger_entries

PERSON = "person"  # source_kind; the source id is that of the request


def award(conn: sa.Connection, scheme: Scheme, record: Record, *, actor: str, now: datetime) -> LedgerEntry | None:
    """Books what a person gives or takes away; None where this request was booked before.

    The connection must come from `database.writing`. Raises LedgerError for a role that may not, without a reason, and
    for points that the item does not allow.
    """
    points = points_of(scheme, record)
    _check(scheme.award if points >= 0 else scheme.deduct, scheme, record.role, record.note)
    booked = book_records(conn, scheme, [record], source_kind=PERSON, actor=actor, now=now)
    for reason in booked.refused.values():
        raise LedgerError(reason)
    return booked.entries[0] if booked.entries else None


def take_back(
    conn: sa.Connection, scheme: Scheme, seq: int, *, role: str, reason: str, actor: str, now: datetime
) -> LedgerEntry:
    """Reverses an entry of a record or a person; returns the reversal.

    The connection must come from `database.writing`. Raises LedgerError, also for an entry that was reckoned from
    scorecards or figures: those are corrected there.
    """
    _check({*scheme.award, *scheme.deduct}, scheme, role, reason)
    found = select_entries(conn, ledger_entries.c.seq == seq, ledger_entries.c.scheme == scheme.id)
    if not found:
        raise LedgerError(f"{scheme.name}没有第{seq}号分录")
    item = scheme.item(found[0].entry.item)
    if item is None or item.is_reckoned:
        raise LedgerError(f"第{seq}号分录由系统计算:请更正其来源(评分或指标),台账随之冲销")
    return reverse(conn, scheme, found[0], reason=f"冲销第{seq}号分录: {reason}", actor=actor, now=now)


def _check(allowed: Collection[str], scheme: Scheme, role: str | None, reason: str) -> None:
    if role not in allowed:
        raise LedgerError(
            f"{scheme.name}中,{role} 无权这样记分;可以是 {'、'.join(sorted(allowed)) or '任何人都不可以'}"
        )
    if not reason.strip():
        raise LedgerError("必须写明事由")
