"""The only way into the ledger, and the proof that nothing in it was changed.

The hash of an entry is SHA-256 over the canonical JSON of all its columns as stored, the hash of the entry before it
among them; the first entry follows `GENESIS`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.ledger.entries import NATURAL_KEY, LedgerEntry, LedgerError, Posting, from_row, to_row
from zhijian.pipeline.store.tables import ledger_entries

GENESIS = "0" * 64
# What an entry says happened. A repeat may differ in who books it, when, and how much the limits leave of it.
_CLAIM = ("effective_day", "points_raw_hundredths", "reason", "reverses", "details")


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


def append(conn: sa.Connection, postings: Iterable[Posting]) -> tuple[LedgerEntry, ...]:
    """Books entries in order and returns those that are new. The connection must come from `database.writing`.

    An entry whose natural key is already there, and which says the same, is skipped. One that says something else
    raises LedgerError.
    """
    seq, prev_hash = _tail(conn)
    booked = []
    for posting in postings:
        row = to_row(posting)
        known = conn.execute(
            sa.select(ledger_entries).where(*(ledger_entries.c[name] == row[name] for name in NATURAL_KEY))
        ).one_or_none()
        if known is not None:
            _check_repeat(known._asdict(), row)
            continue
        seq += 1
        row |= {"seq": seq, "prev_hash": prev_hash}
        row["hash"] = prev_hash = hash_of(row)
        conn.execute(ledger_entries.insert().values(row))
        booked.append(from_row(row))
    return tuple(booked)


def head(engine: sa.Engine) -> Head:
    """The number of entries and the last hash, as the ledger states them."""
    with engine.connect() as conn:
        return Head(*_tail(conn))


def verify(engine: sa.Engine) -> Verified:
    """Walks the whole chain and names the first entry that was changed, removed, inserted or moved.

    A cut tail, or a chain rewritten as a whole, shows only against a head that was kept elsewhere.
    """
    at = Head(0, GENESIS)
    with engine.connect() as conn:
        rows = conn.execution_options(yield_per=10_000).execute(
            sa.select(ledger_entries).order_by(ledger_entries.c.seq)
        )
        for row in map(sa.Row._asdict, rows):
            problem = _problem(row, at)
            if problem is not None:
                return Verified(at, problem)
            at = Head(row["seq"], row["hash"])
    return Verified(at, None)


def hash_of(row: Mapping[str, Any]) -> str:
    """The hash that an entry with these columns has to carry; a `hash` among them is left out."""
    columns = {name: value for name, value in row.items() if name != "hash"}
    # default=repr: what does not belong into a column must give a wrong hash, not an exception
    text = json.dumps(columns, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _problem(row: Mapping[str, Any], before: Head) -> Broken | None:
    seq = before.count + 1
    if row["seq"] != seq:
        return Broken(seq, f"entry {seq} is missing")
    if row["prev_hash"] != before.hash:
        return Broken(seq, f"entry {seq} does not follow the entry before it")
    if row["hash"] != hash_of(row):
        return Broken(seq, f"entry {seq} is not as it was booked")
    return None


def _tail(conn: sa.Connection) -> tuple[int, str]:
    last = conn.execute(
        sa.select(ledger_entries.c.seq, ledger_entries.c.hash).order_by(ledger_entries.c.seq.desc()).limit(1)
    ).one_or_none()
    return (0, GENESIS) if last is None else (last.seq, last.hash)


def _check_repeat(known: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    differs = [name for name in _CLAIM if known[name] != row[name]]
    if differs:
        raise LedgerError(
            f"entry {known['seq']} has the same source as the new one but another {', '.join(differs)}; "
            "a correction is a reversal and an entry with the next source revision"
        )
