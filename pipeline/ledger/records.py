"""Entries that do not come from calls: daily records of the shift leaders, and what a person awards or deducts.

A record names its source by an id. Told again, it is booked once; told differently under the same id, it is refused
until the entry that stands has been reversed, and then takes the next source revision. A reversed one that is told
again as it was stays reversed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.entries import LedgerEntry, LedgerError, Posting, select_entries
from zhijian.pipeline.ledger.posting import post
from zhijian.pipeline.ledger.scheme import Item, Scheme
from zhijian.pipeline.store.tables import ledger_entries


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Something that an agent did on a day. `points` are those of an item whose points a person sets, else None.

    `share` is the part in a task: `alone`, `main` or `other`; `role` that of the person who books it by hand; `note`
    says why, in ids and names of items only.
    """

    source_id: str
    account: str
    item: Item
    day: date
    points: Decimal | None = None
    share: str | None = None
    role: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of records: new entries, how many were known already, and why each other one was refused."""

    entries: tuple[LedgerEntry, ...]
    repeated: int
    refused: dict[int, str]


def points_of(scheme: Scheme, record: Record) -> Decimal:
    """What a record brings. Raises LedgerError (Chinese) where it does not fit its item."""
    item = record.item
    if item.is_reckoned:
        raise LedgerError(f"{item.code} {item.name} 由系统计算,不能手工记录")
    if (item.task is None) != (record.share is None):
        raise LedgerError(f"{item.code} {item.name} " + ("是工作任务,须说明分工" if item.task else "不是工作任务"))
    if item.task is not None and record.points is not None:
        raise LedgerError(f"{item.code} {item.name} 的分值由分工算出,不能另写")
    if item.task is not None and scheme.shares is not None:
        return (item.task * getattr(scheme.shares, str(record.share))).quantize(Decimal("0.01"))
    if item.between is None:
        if record.points not in (None, item.points):
            raise LedgerError(f"{item.code} {item.name} 固定为 {item.points} 分")
        return item.points or Decimal(0)
    low, high = item.between
    if record.points is None or not low <= record.points <= high or round(record.points, 2) != record.points:
        raise LedgerError(f"{item.code} {item.name} 须写明 {low} 至 {high} 分,最多两位小数")
    return record.points


def book_records(
    conn: sa.Connection, scheme: Scheme, records: Sequence[Record], *, source_kind: str, actor: str, now: datetime
) -> Booked:
    """Books what is new; `refused` is keyed by the position of the record. The connection must come from `writing`."""
    earlier = _earlier(conn, scheme, source_kind, {record.source_id for record in records})
    told: dict[tuple[str, ...], Posting] = {}
    postings, refused, repeated = [], {}, 0
    for position, record in enumerate(records):
        try:
            points = points_of(scheme, record)
            revision = _revision(record, points, earlier.get(_source(record), ()))
            if revision is None:
                repeated += 1
                continue
            posting = _posting(scheme, record, points, source_kind, revision, actor, now)
            if (same := told.setdefault((*_source(record), record.account), posting)) is not posting:
                if _said(same) != _said(posting):
                    raise LedgerError(f"编号 {record.source_id} 在同一份记录中出现两次,内容不同")
                repeated += 1
                continue
            postings.append(posting)
        except LedgerError as error:
            refused[position] = str(error)
    return Booked(post(conn, scheme, postings), repeated, refused)


def _revision(record: Record, points: Decimal, earlier: Sequence[tuple[LedgerEntry, bool]]) -> int | None:
    """The source revision of a record that is to be booked; None for one that was booked before."""
    own = [(entry, live) for entry, live in earlier if entry.entry.account == record.account]
    if any(_said(entry) == (record.day, points, record.note) for entry, _ in own):
        return None
    # a task has entries of several agents under one id; anything else has one
    standing = next((entry for entry, live in (earlier if record.share is None else own) if live), None)
    if standing is not None:
        raise LedgerError(f"编号 {record.source_id} 已入账(第{standing.seq}号分录),内容不同:更正请先冲销该分录")
    return max((entry.entry.source_revision for entry, _ in own), default=0) + 1


def _posting(
    scheme: Scheme, record: Record, points: Decimal, source_kind: str, revision: int, actor: str, now: datetime
) -> Posting:
    entry = PointsEntry(
        scheme=scheme.id,
        account=record.account,
        period=record.day.strftime("%Y-%m"),
        item=record.item.id,
        kind=EntryKind.POST,
        source_kind=source_kind,
        source_id=record.source_id,
        source_revision=revision,
        effective_day=record.day,
        points_raw=points,
        points_credited=points,
        actor=actor,
        reason=f"{record.item.name} {record.day.isoformat()}",
        posted_at=now,
    )
    details = {"scheme_version": scheme.version, "share": record.share, "role": record.role, "note": record.note}
    return Posting(entry, {name: value for name, value in details.items() if value})


def _earlier(
    conn: sa.Connection, scheme: Scheme, source_kind: str, source_ids: Collection[str]
) -> dict[tuple[str, ...], list[tuple[LedgerEntry, bool]]]:
    """The entries that were ever posted for these sources, and whether they stand, by item and source id."""
    ids = sorted(source_ids)
    found: dict[tuple[str, ...], list[tuple[LedgerEntry, bool]]] = {}
    for start in range(0, len(ids), 1000):
        booked = select_entries(
            conn,
            ledger_entries.c.source_id.in_(ids[start : start + 1000]),
            ledger_entries.c.source_kind == source_kind,
            ledger_entries.c.scheme == scheme.id,
        )
        reversed_entries = {entry.entry.reverses for entry in booked}
        for entry in booked:
            if entry.entry.kind is EntryKind.POST:
                key = entry.entry.item, entry.entry.source_id
                found.setdefault(key, []).append((entry, entry.seq not in reversed_entries))
    return found


def _source(record: Record) -> tuple[str, ...]:
    return record.item.id, record.source_id


def _said(posting: Posting) -> tuple[date, Decimal, str]:
    return posting.booked_for, posting.entry.points_raw, posting.details.get("note", "")
