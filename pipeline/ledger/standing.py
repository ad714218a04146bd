"""Which entries stand: those that were posted and not reversed, with all that they have been credited by now."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind
from zhijian.pipeline.ledger.entries import LedgerEntry, credited, select_entries
from zhijian.pipeline.store.tables import ledger_entries

ENTRY_SOURCE = "ledger_entry"  # source_kind of an adjustment; its source_id is the number of the entry it adjusts
_AT_A_TIME = 1000
_reversals = ledger_entries.alias("reversals")
_is_live = sa.and_(
    ledger_entries.c.kind == EntryKind.POST, ~sa.exists().where(_reversals.c.reverses == ledger_entries.c.seq)
)


@dataclass(frozen=True, slots=True)
class Standing:
    """A live entry, all that it has been credited by now, and how often it was adjusted."""

    booked: LedgerEntry
    credited: Decimal
    adjustments: int


def standing(conn: sa.Connection, *which: sa.ColumnElement[bool]) -> tuple[Standing, ...]:
    """The live ones among these entries, in booking order."""
    booked = select_entries(conn, *which, _is_live)
    adjusted = _adjusted(conn, [entry.seq for entry in booked])
    return tuple(
        Standing(entry, entry.entry.points_credited + sum(adjusted[entry.seq], Decimal(0)), len(adjusted[entry.seq]))
        for entry in booked
    )


def credited_from(conn: sa.Connection, scheme: str, source_kind: str, source_ids: Collection[str]) -> Decimal:
    """All that sources have brought, as the plain sum of every entry about them: what `standing` must add up to."""
    about = (
        ledger_entries.c.scheme == scheme,
        ledger_entries.c.source_kind == source_kind,
        ledger_entries.c.source_id.in_(source_ids),
    )
    posted = sa.select(sa.cast(ledger_entries.c.seq, sa.Text)).where(*about, ledger_entries.c.kind == EntryKind.POST)
    adjusting = (ledger_entries.c.source_kind == ENTRY_SOURCE, ledger_entries.c.source_id.in_(posted))
    return credited(conn, *about) + credited(conn, *adjusting)


def live_entry(conn: sa.Connection, scheme: str, item: str, source_kind: str, source_id: str) -> LedgerEntry | None:
    """The entry of a source that has not been reversed."""
    found = select_entries(
        conn,
        ledger_entries.c.source_id == source_id,
        ledger_entries.c.source_kind == source_kind,
        ledger_entries.c.scheme == scheme,
        ledger_entries.c.item == item,
        _is_live,
    )
    return found[0] if found else None


def _adjusted(conn: sa.Connection, seqs: Sequence[int]) -> defaultdict[int, list[Decimal]]:
    """What was credited later to each of these entries."""
    adjusted: defaultdict[int, list[Decimal]] = defaultdict(list)
    for start in range(0, len(seqs), _AT_A_TIME):
        some = [str(seq) for seq in seqs[start : start + _AT_A_TIME]]
        for entry in select_entries(
            conn, ledger_entries.c.source_id.in_(some), ledger_entries.c.source_kind == ENTRY_SOURCE
        ):
            adjusted[int(entry.entry.source_id)].append(entry.entry.points_credited)
    return adjusted
