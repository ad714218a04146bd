"""Points for the mean of an agent's published calls of one day: one entry, which lists its scorecards.

No entry for a day that earns nothing (fewer calls than the scheme asks, or a mean below its bands): the scorecards and
publications show why, and a ledger of zeros would hide what counts. A day that had points and loses them is reversed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.entries import Posting, select_entries
from zhijian.pipeline.ledger.posting import live_entry, post, reverse
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.store.tables import ledger_entries

SOURCE_KIND = "agent_day"


@dataclass(frozen=True, slots=True)
class ScoredCall:
    """A published call: `scorecard` is the number of its scorecard, `standard` id and version it was judged under."""

    scorecard: int
    source: str
    call_id: str
    revision: int
    score: Decimal
    standard: str


@dataclass(frozen=True, slots=True)
class Settled:
    """How many entries a settlement posted and reversed: 0 or 1 each."""

    posted: int
    reversed: int


def settle(
    conn: sa.Connection,
    scheme: Scheme,
    agent_no: str,
    day: date,
    published: Sequence[ScoredCall],
    *,
    actor: str,
    now: datetime,
) -> Settled:
    """Makes the ledger say of an agent's day what its published calls say, all of them given.

    Nothing happens where the live entry already covers the same scorecards for the same points; else it is reversed
    and a new entry takes the next source revision. The connection must come from `database.writing`.
    """
    item, table = scheme.daily_mean
    source_id = f"{agent_no}/{day.isoformat()}"
    points = table.points_for([call.score for call in published])
    details = _details(scheme, published)
    live = live_entry(conn, scheme, item.id, SOURCE_KIND, source_id)
    if live is not None and (live.entry.points_raw, live.details["scorecards"]) == (points, details["scorecards"]):
        return Settled(0, 0)
    if live is not None:
        reason = f"{item.name} {day.isoformat()} 评分有变, 冲销第{live.seq}号分录"
        reverse(conn, scheme, live, reason=reason, actor=actor, now=now)
    if points:
        entry = PointsEntry(
            scheme=scheme.id,
            account=agent_no,
            period=day.strftime("%Y-%m"),
            item=item.id,
            kind=EntryKind.POST,
            source_kind=SOURCE_KIND,
            source_id=source_id,
            source_revision=_last_revision(conn, scheme, item.id, source_id) + 1,
            effective_day=day,
            points_raw=points,
            points_credited=points,
            actor=actor,
            reason=f"{item.name} {day.isoformat()} {len(published)}通 均分{details['mean']}",
            posted_at=now,
        )
        post(conn, scheme, Posting(entry, details))
    return Settled(int(bool(points)), int(live is not None))


def _details(scheme: Scheme, published: Sequence[ScoredCall]) -> dict[str, Any]:
    """The shown mean is rounded down to two places, so that it never shows a band that was not reached."""
    total = sum((call.score for call in published), Decimal(0))
    mean = (total / len(published)).quantize(Decimal("0.01"), ROUND_FLOOR) if published else None
    return {
        "scheme_version": scheme.version,
        "mean": None if mean is None else str(mean),
        "scorecards": [
            {
                "scorecard": call.scorecard,
                "source": call.source,
                "call_id": call.call_id,
                "revision": call.revision,
                "score": str(call.score),
                "standard": call.standard,
            }
            for call in sorted(published, key=lambda call: call.scorecard)
        ],
    }


def _last_revision(conn: sa.Connection, scheme: Scheme, item: str, source_id: str) -> int:
    earlier = select_entries(
        conn,
        ledger_entries.c.scheme == scheme.id,
        ledger_entries.c.item == item,
        ledger_entries.c.kind == EntryKind.POST,
        ledger_entries.c.source_kind == SOURCE_KIND,
        ledger_entries.c.source_id == source_id,
    )
    return max((booked.entry.source_revision for booked in earlier), default=0)
