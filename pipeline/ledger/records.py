"""Entries that do not come from calls: daily records of the shift leaders, and what a person awards or deducts.

A record names its source by an id. Told again, it is booked once; told differently under the same id (of another item,
agent, day or worth), it is refused until the entry that stands has been reversed, and then takes the next source
revision. A reversed one that is told again as it was stays reversed. Only a task has entries of several agents.
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
    told = _told(conn, scheme, source_kind, {record.source_id for record in records})
    postings, refused, repeated = [], {}, 0
    for position, record in enumerate(records):
        of_source = told.setdefault(record.source_id, [])
        try:
            points = points_of(scheme, record)
            revision = _revision(record, points, of_source)
        except LedgerError as error:
            refused[position] = str(error)
            continue
        if revision is None:
            repeated += 1
            continue
        posting = _posting(scheme, record, points, source_kind, revision, actor, now)
        of_source.append((posting, True))
        postings.append(posting)
    return Booked(post(conn, scheme, postings), repeated, refused)


def booked_shares(
    conn: sa.Connection, scheme: Scheme, source_kind: str, source_ids: Collection[str]
) -> dict[str, dict[str, str]]:
    """Who shares in the tasks that are booked and stand: source id -> account -> share."""
    told = _told(conn, scheme, source_kind, source_ids)
    return {
        source_id: {p.entry.account: p.details["share"] for p, live in postings if live and "share" in p.details}
        for source_id, postings in told.items()
    }


def _revision(record: Record, points: Decimal, told: Sequence[tuple[Posting, bool]]) -> int | None:
    """The source revision of a record that is to be booked; None for one that was told before."""
    own = [(posting, live) for posting, live in told if posting.entry.account == record.account]
    if any(_said(posting) == (record.item.id, record.day, points, record.note) for posting, _ in own):
        return None
    same_task = record.share is not None and {posting.entry.item for posting, live in told if live} <= {record.item.id}
    standing = next((posting for posting, live in (own if same_task else told) if live), None)
    if standing is not None:
        if not isinstance(standing, LedgerEntry):
            raise LedgerError("同一份记录中有同一编号的另一行,内容不同")
        raise LedgerError(f"同一编号已入账(第{standing.seq}号分录),内容不同:更正请先冲销该分录")
    return max((posting.entry.source_revision for posting, _ in own), default=0) + 1


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


def _told(
    conn: sa.Connection, scheme: Scheme, source_kind: str, source_ids: Collection[str]
) -> dict[str, list[tuple[Posting, bool]]]:
    """The entries that were ever posted for these sources, and whether they stand, by source id."""
    ids = sorted(source_ids)
    found: dict[str, list[tuple[Posting, bool]]] = {}
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
                found.setdefault(entry.entry.source_id, []).append((entry, entry.seq not in reversed_entries))
    return found


def _said(posting: Posting) -> tuple[str, date, Decimal, str]:
    return posting.entry.item, posting.booked_for, posting.entry.points_raw, posting.details.get("note", "")
