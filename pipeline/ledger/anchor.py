"""The anchor: a file outside the database that says, run after run, how many entries there were and the last hash.

A chain whose tail was cut, or that was rewritten as a whole, is sound in itself; it does not hold what the anchor says.
Kept on another machine, or on paper, nobody can rewrite both.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from zhijian.pipeline.ledger.chain import GENESIS, Head
from zhijian.pipeline.ledger.entries import LedgerError
from zhijian.pipeline.store.tables import ledger_entries

ANCHOR = "ledger.anchor"


@dataclass(frozen=True, slots=True)
class Lost:
    """An anchored head that the ledger does not have: in which line of the file, and what it says."""

    line: int
    head: Head


def keep(path: Path, head: Head, at: datetime) -> str | None:
    """To be called when something has been booked: adds the head. Returns, in Chinese, why that could not be done.

    What was booked stands all the same, and nobody must book it again for the file's sake; the next run that can
    use the file adds the head.
    """
    try:
        add(path, head, at)
    except (OSError, LedgerError) as error:
        return f"已入账,锚文件写不进去:{error}"
    return None


def add(path: Path, head: Head, at: datetime) -> None:
    """Adds a line to the file, on disk when this returns; a head that is its last line already adds none.

    Raises OSError, and LedgerError for a file that is no anchor.
    """
    known = list(read(path).values()) if path.exists() else []
    if known and known[-1] == head:
        return
    line = json.dumps({"at": at.isoformat(), "entries": head.count, "head": head.hash})
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b") as file:
        cut_short = file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
        file.write(b"\n" * cut_short + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> dict[int, Head]:
    """The heads by the line that they stand in, from 1, in the order in which they were written.

    Raises OSError, and LedgerError for a line that is none; one that was cut short by a kill or a full disk is passed
    over.
    """
    heads = {}
    # bytes that are no text make a line that is none, too
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        if not line.endswith("}"):
            continue
        try:
            said = json.loads(line)
            heads[number] = Head(int(said["entries"]), str(said["head"]))
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{path} 第 {number} 行不是台账的锚记录") from None
    return heads


def first_lost(conn: sa.Connection, anchored: Mapping[int, Head]) -> Lost | None:
    """The first head that the ledger does not have."""
    for line, head in anchored.items():
        stored = conn.execute(
            sa.select(ledger_entries.c.hash).where(ledger_entries.c.seq == head.count)
        ).scalar_one_or_none()
        if (GENESIS if head.count == 0 else stored) != head.hash:
            return Lost(line, head)
    return None
