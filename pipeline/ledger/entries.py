"""The entries of the ledger: how they are stored, and how they are read, summed and exported."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.files import whole_file
from zhijian.pipeline.store.tables import ledger_entries

NATURAL_KEY = ("scheme", "account", "period", "item", "kind", "source_kind", "source_id", "source_revision")


ORIGINAL_DAY = "original_day"


class LedgerError(RuntimeError):
    """The ledger refuses to book what it was given; nothing was booked."""


@dataclass(frozen=True, slots=True)
class Posting:
    """An entry to be booked. `details` is JSON that leads to its sources, e.g. to the scorecards it covers.

    An entry for a month that is closed is booked into an open one; its details say for which day it is.
    """

    entry: PointsEntry
    details: Mapping[str, Any]

    @property
    def booked_for(self) -> date:
        """The day that it is for, whichever day it was booked into."""
        original = self.details.get(ORIGINAL_DAY)
        return date.fromisoformat(original) if original else self.entry.effective_day

    @property
    def own_details(self) -> dict[str, Any]:
        return {name: value for name, value in self.details.items() if name != ORIGINAL_DAY}


@dataclass(frozen=True, slots=True)
class LedgerEntry(Posting):
    """An entry as booked: numbered 1..n without gaps, each carrying the hash of the one before."""

    seq: int
    prev_hash: str
    hash: str


def entries(
    engine: sa.Engine, account: str | None = None, scheme: str | None = None, period: str | None = None
) -> tuple[LedgerEntry, ...]:
    """Entries in booking order, of an account, scheme or period (`YYYY-MM`) where one is given."""
    with engine.connect() as conn:
        return select_entries(conn, *_of(account, scheme, period))


def balance(
    engine: sa.Engine, account: str | None = None, scheme: str | None = None, period: str | None = None
) -> Decimal:
    """The sum of the credited points, of an account, scheme or period where one is given."""
    with engine.connect() as conn:
        return credited(conn, *_of(account, scheme, period))


def select_entries(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> tuple[LedgerEntry, ...]:
    """Entries in booking order, inside a caller's transaction."""
    rows = conn.execute(sa.select(ledger_entries).where(*which).order_by(ledger_entries.c.seq))
    return tuple(from_row(row._asdict()) for row in rows)


def credited(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> Decimal:
    """The sum of the credited points, inside a caller's transaction."""
    total = conn.execute(sa.select(sa.func.sum(ledger_entries.c.points_credited_hundredths)).where(*which)).scalar_one()
    return from_hundredths(total or 0)


def export_csv(engine: sa.Engine, path: Path) -> None:
    """Writes all entries to a CSV file, UTF-8, readable by its owner only; the file appears whole or not at all."""
    header = [column.name.removesuffix("_hundredths") for column in ledger_entries.c]
    with whole_file(path) as file, engine.connect() as conn:
        text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(header)
        rows = conn.execution_options(yield_per=10_000).execute(
            sa.select(ledger_entries).order_by(ledger_entries.c.seq)
        )
        for row in rows:
            columns = row._asdict()
            points = {name: from_hundredths(value) for name, value in columns.items() if name.endswith("_hundredths")}
            writer.writerow((columns | points).values())
        text.detach()  # hands the file back, written to the end, without closing it


def to_row(posting: Posting) -> dict[str, int | str | None]:
    """The columns of an entry but its number and hashes, exactly as they are stored: integers and text."""
    entry = posting.entry
    return {
        "scheme": entry.scheme,
        "account": entry.account,
        "period": entry.period,
        "item": entry.item,
        "kind": entry.kind.value,
        "source_kind": entry.source_kind,
        "source_id": entry.source_id,
        "source_revision": entry.source_revision,
        "effective_day": entry.effective_day.isoformat(),
        "points_raw_hundredths": int(entry.points_raw * 100),
        "points_credited_hundredths": int(entry.points_credited * 100),
        "actor": entry.actor,
        "reason": entry.reason,
        "posted_at": entry.posted_at.isoformat(),
        "reverses": entry.reverses,
        "details": json.dumps(posting.details, ensure_ascii=False, sort_keys=True, separators=(",", ":")),
    }


def from_row(row: Mapping[str, Any]) -> LedgerEntry:
    """The entry that lies in a row of the table."""
    entry = PointsEntry(
        scheme=row["scheme"],
        account=row["account"],
        period=row["period"],
        item=row["item"],
        kind=EntryKind(row["kind"]),
        source_kind=row["source_kind"],
        source_id=row["source_id"],
        source_revision=row["source_revision"],
        effective_day=date.fromisoformat(row["effective_day"]),
        points_raw=from_hundredths(row["points_raw_hundredths"]),
        points_credited=from_hundredths(row["points_credited_hundredths"]),
        actor=row["actor"],
        reason=row["reason"],
        posted_at=datetime.fromisoformat(row["posted_at"]),
        reverses=row["reverses"],
    )
    return LedgerEntry(entry, json.loads(row["details"]), row["seq"], row["prev_hash"], row["hash"])


def _of(account: str | None, scheme: str | None, period: str | None) -> list[sa.ColumnElement[bool]]:
    wanted = {"account": account, "scheme": scheme, "period": period}
    return [ledger_entries.c[name] == value for name, value in wanted.items() if value is not None]


def from_hundredths(hundredths: int) -> Decimal:
    return Decimal(int(hundredths)).scaleb(-2)
