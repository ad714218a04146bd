"""Making the ledger say what is true now: for points that are reckoned, and may be reckoned again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.entries import Posting, select_entries
from zhijian.pipeline.ledger.posting import post, reverse
from zhijian.pipeline.ledger.scheme import Item, Scheme
from zhijian.pipeline.ledger.standing import live_entry
from zhijian.pipeline.store.tables import ledger_entries

_VERSION = "scheme_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a source earns an account now. `details` is JSON that leads to what it was reckoned from."""

    item: Item
    account: str
    source_kind: str
    source_id: str
    day: date
    points: Decimal
    reason: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """How many entries a settlement posted and reversed: 0 or 1 each."""

    posted: int
    reversed: int


def settle(conn: sa.Connection, scheme: Scheme, claim: Claim, *, actor: str, now: datetime) -> Settled:
    """Makes the live entry of a source say what is claimed; no entry for what earns nothing.

    Nothing happens where it says so already; else it is reversed and a new entry takes the next source revision. The
    connection must come from `database.writing`.
    """
    live = live_entry(conn, scheme.id, claim.item.id, claim.source_kind, claim.source_id)
    if live is not None and _says(claim, live):
        return Settled(0, 0)
    if live is not None:
        reason = f"{claim.item.name} {claim.day.isoformat()} 有变, 冲销第{live.seq}号分录"
        reverse(conn, scheme, live, reason=reason, actor=actor, now=now)
    if claim.points:
        entry = PointsEntry(
            scheme=scheme.id,
            account=claim.account,
            period=claim.day.strftime("%Y-%m"),
            item=claim.item.id,
            kind=EntryKind.POST,
            source_kind=claim.source_kind,
            source_id=claim.source_id,
            source_revision=_last_revision(conn, scheme, claim) + 1,
            effective_day=claim.day,
            points_raw=claim.points,
            points_credited=claim.points,
            actor=actor,
            reason=claim.reason,
            posted_at=now,
        )
        post(conn, scheme, [Posting(entry, {**claim.details, _VERSION: scheme.version})])
    return Settled(int(bool(claim.points)), int(live is not None))


def _says(claim: Claim, live: Posting) -> bool:
    """A new version of the scheme that changes nothing of it is no reason to book it anew."""
    details = {name: value for name, value in live.own_details.items() if name != _VERSION}
    claimed = claim.account, claim.points, dict(claim.details)
    return (live.entry.account, live.entry.points_raw, details) == claimed


def _last_revision(conn: sa.Connection, scheme: Scheme, claim: Claim) -> int:
    """The last revision of a source that was ever booked; 0 where there is none."""
    earlier = select_entries(
        conn,
        ledger_entries.c.source_id == claim.source_id,
        ledger_entries.c.source_kind == claim.source_kind,
        ledger_entries.c.scheme == scheme.id,
        ledger_entries.c.item == claim.item.id,
        ledger_entries.c.kind == EntryKind.POST,
    )
    return max((booked.entry.source_revision for booked in earlier), default=0)
