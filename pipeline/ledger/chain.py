"""The only way into the ledger, and the proof that nothing in it was changed.

The hash of an entry is SHA-256 over the canonical JSON of all its columns as stored, the hash of the entry before it
among them; the first entry follows `GENESIS`.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.ledger.entries import (
    NATURAL_KEY,
    LedgerEntry,
    LedgerError,
    Posting,
    select_entries,
    to_row,
)
from zhijian.pipeline.store.tables import ledger_entries

GENESIS = "0" * 64
_AT_A_TIME = 1000
_COLUMNS = tuple(column.name for column in ledger_entries.c)
_HASHED = sorted(set(_COLUMNS) - {"hash"})
# default=repr: what does not belong into a column must give a wrong hash, not an exception
_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr).encode


@dataclass(frozen=True, slots=True)
class Head:
    """Where the ledger ends: the number of its entries and the hash of the last one."""

    count: int
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first entry that does not fit: its number and what is wrong with it."""

    seq: int
    problem: str


@dataclass(frozen=True, slots=True)
class Verified:
    """`head` is where the walk ended: the last entry, or the last good one before `first_broken`."""

    head: Head
    first_broken: Broken | None

    @property
    def sound(self) -> bool:
        return self.first_broken is None


def append(
    conn: sa.Connection, postings: Iterable[Posting], *, prepare: Callable[[list[Posting]], Iterable[Posting]] = iter
) -> tuple[LedgerEntry, ...]:
    """Books entries in order and returns those that are new. The connection must come from `database.writing`.

    An entry whose natural key is already there, in whichever month it was booked, and which says the same, is skipped.
    One that says something else raises LedgerError. `prepare` makes of new postings, some at a time, what is booked.
    """
    seq, prev_hash = _tail(conn)
    booked: list[LedgerEntry] = []
    waiting = iter(postings)
    while some := list(islice(waiting, _AT_A_TIME)):
        rows = []
        for posting in prepare(_new(conn, some)):
            seq += 1
            row = to_row(posting) | {"seq": seq, "prev_hash": prev_hash}
            row["hash"] = hash = hash_of(row)
            rows.append(row)
            booked.append(LedgerEntry(posting.entry, posting.details, seq, prev_hash, hash))
            prev_hash = hash
        if rows:
            conn.execute(ledger_entries.insert(), rows)
    return tuple(booked)


def head(engine: sa.Engine) -> Head:
    """The number of entries and the last hash, as the ledger states them."""
    with engine.connect() as conn:
        return head_of(conn)


def head_of(conn: sa.Connection) -> Head:
    """The same, inside a caller's transaction."""
    return Head(*_tail(conn))


def verify(engine: sa.Engine) -> Verified:
    """Walks the whole chain and names the first entry that was changed, removed, inserted or moved.

    A cut tail, or a chain rewritten as a whole, shows only against a head that was kept elsewhere: `anchor.first_lost`.
    """
    at = Head(0, GENESIS)
    for row in walk(engine):
        problem = _problem(row, at)
        if problem is not None:
            return Verified(at, problem)
        at = Head(row["seq"], row["hash"])
    return Verified(at, None)


def walk(engine: sa.Engine) -> Iterator[dict[str, Any]]:
    """The rows as stored, in the order of their numbers."""
    with engine.connect() as conn:
        found = conn.execution_options(yield_per=10_000).execute(
            sa.select(ledger_entries).order_by(ledger_entries.c.seq)
        )
        for rows in found.partitions():
            for row in rows:
                yield dict(zip(_COLUMNS, row, strict=True))


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash that an entry with these columns has to carry; a `hash` among them is left out."""
    text = _canonical({name: row[name] for name in _HASHED})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _problem(row: Mapping[str, Any], before: Head) -> Broken | None:
    seq = before.count + 1
    if row["seq"] != seq:
        return Broken(seq, f"第 {seq} 号分录缺失")
    if row["prev_hash"] != before.hash:
        return Broken(seq, f"第 {seq} 号分录接不上前一条")
    if row["hash"] != hash_of(row):
        return Broken(seq, f"第 {seq} 号分录不是入账时的样子")
    return None


def _tail(conn: sa.Connection) -> tuple[int, str]:
    last = conn.execute(
        sa.select(ledger_entries.c.seq, ledger_entries.c.hash).order_by(ledger_entries.c.seq.desc()).limit(1)
    ).one_or_none()
    return (0, GENESIS) if last is None else (last.seq, last.hash)


def _new(conn: sa.Connection, postings: Sequence[Posting]) -> list[Posting]:
    """The postings that are not in the ledger, each natural key once."""
    booked = select_entries(conn, ledger_entries.c.source_id.in_({posting.entry.source_id for posting in postings}))
    known: dict[tuple[Any, ...], LedgerEntry | Posting] = {_key(entry): entry for entry in booked}
    new = []
    for posting in postings:
        if (same := known.setdefault(_key(posting), posting)) is posting:
            new.append(posting)
        else:
            _check_repeat(same, posting)
    return new


def _key(of: LedgerEntry | Posting) -> tuple[Any, ...]:
    """The natural key without the period: a late entry is booked into an open month."""
    return tuple(getattr(of.entry, name) for name in NATURAL_KEY if name != "period")


def _claim(of: LedgerEntry | Posting) -> dict[str, Any]:
    """What an entry says happened. A repeat may differ in who books it, when, and how much the limits leave of it."""
    return {
        "effective_day": of.booked_for,
        "points_raw": of.entry.points_raw,
        "reason": of.entry.reason,
        "reverses": of.entry.reverses,
        "details": of.own_details,
    }


def _check_repeat(known: LedgerEntry | Posting, posting: Posting) -> None:
    before, now = _claim(known), _claim(posting)
    if before != now:
        differs = "、".join(name for name in now if before[name] != now[name])
        which = f"第 {known.seq} 号分录" if isinstance(known, LedgerEntry) else "同一批中的另一条分录"
        raise LedgerError(f"{which}来源相同而 {differs} 不同:更正请先冲销,再以下一个来源修订号入账")
