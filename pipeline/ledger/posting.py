"""Crediting under the limits of a scheme.

A dimension's month has room for so many points. Entries take it in the order in which they were booked: each is due
its raw points as far as there is room left by the live entries before it. A reversal gives back everything that its
entry had been credited, and what is thereby due to later entries is credited to them by adjustments.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.chain import append
from zhijian.pipeline.ledger.entries import LedgerEntry, Posting, credited, select_entries
from zhijian.pipeline.ledger.scheme import Dimension, Scheme
from zhijian.pipeline.store.tables import ledger_entries

ENTRY_SOURCE = "ledger_entry"  # source_kind of an adjustment; its source_id is the number of the entry it adjusts
_reversals = ledger_entries.alias("reversals")
_is_live = sa.and_(
    ledger_entries.c.kind == EntryKind.POST, ~sa.exists().where(_reversals.c.reverses == ledger_entries.c.seq)
)


def post(conn: sa.Connection, scheme: Scheme, posting: Posting) -> None:
    """Books an entry, credited as far as its dimension's month has room; `points_credited` as given is ignored."""
    entry, limit = posting.entry, scheme.dimension_of(posting.entry.item).month_limit
    points = entry.points_raw
    if limit is not None:
        points = min(points, limit - credited(conn, *_month(scheme, entry)))
    append(conn, [replace(posting, entry=replace(entry, points_credited=points))])


def reverse(conn: sa.Connection, scheme: Scheme, live: LedgerEntry, *, reason: str, actor: str, now: datetime) -> None:
    """Takes a live entry back, on its own effective day, and re-credits the later ones of its dimension's month."""
    standing = _standing(conn, scheme, live.entry)
    reversal = replace(
        live.entry,
        kind=EntryKind.REVERSAL,
        points_raw=-live.entry.points_raw,
        points_credited=-next(s.credited for s in standing if s.booked.seq == live.seq),
        reason=reason,
        actor=actor,
        posted_at=now,
        reverses=live.seq,
    )
    append(conn, [Posting(reversal, {})])
    left = [s for s in standing if s.booked.seq != live.seq]
    append(conn, _adjustments(scheme.dimension_of(live.entry.item), left, reversal))


def live_entry(conn: sa.Connection, scheme: Scheme, item: str, source_kind: str, source_id: str) -> LedgerEntry | None:
    """The entry of a source that has not been reversed."""
    found = select_entries(
        conn,
        ledger_entries.c.scheme == scheme.id,
        ledger_entries.c.item == item,
        ledger_entries.c.source_kind == source_kind,
        ledger_entries.c.source_id == source_id,
        _is_live,
    )
    return found[0] if found else None


@dataclass(frozen=True, slots=True)
class _Standing:
    """A live entry, all that it has been credited by now, and how often it was adjusted."""

    booked: LedgerEntry
    credited: Decimal
    adjustments: int


def _standing(conn: sa.Connection, scheme: Scheme, entry: PointsEntry) -> tuple[_Standing, ...]:
    """The live entries of an entry's dimension and month, in booking order."""
    month = _month(scheme, entry)
    adjustments: dict[str, list[Decimal]] = {}
    for booked in select_entries(conn, *month, ledger_entries.c.kind == EntryKind.ADJUSTMENT):
        adjustments.setdefault(booked.entry.source_id, []).append(booked.entry.points_credited)
    standing = []
    for booked in select_entries(conn, *month, _is_live):
        later = adjustments.get(str(booked.seq), [])
        standing.append(_Standing(booked, booked.entry.points_credited + sum(later, Decimal(0)), len(later)))
    return tuple(standing)


def _adjustments(dimension: Dimension, standing: Sequence[_Standing], cause: PointsEntry) -> list[Posting]:
    """What gives each live entry exactly its due."""
    if dimension.month_limit is None:
        return []
    room, postings = dimension.month_limit, []
    for s in standing:
        due = min(s.booked.entry.points_raw, room)
        room -= due
        if due != s.credited:
            entry = replace(
                s.booked.entry,
                kind=EntryKind.ADJUSTMENT,
                source_kind=ENTRY_SOURCE,
                source_id=str(s.booked.seq),
                source_revision=s.adjustments + 1,
                points_raw=Decimal(0),
                points_credited=due - s.credited,
                actor=cause.actor,
                reason=f"{dimension.name}月度限额重新分配: 第{cause.reverses}号分录已冲销",
                posted_at=cause.posted_at,
            )
            postings.append(Posting(entry, {"after_reversal_of": cause.reverses}))
    return postings


def _month(scheme: Scheme, entry: PointsEntry) -> tuple[sa.ColumnElement[bool], ...]:
    """All entries of the same account, period and dimension."""
    items = [item.id for item in scheme.items if item.dimension == scheme.dimension_of(entry.item).id]
    return (
        ledger_entries.c.scheme == scheme.id,
        ledger_entries.c.account == entry.account,
        ledger_entries.c.period == entry.period,
        ledger_entries.c.item.in_(items),
    )
