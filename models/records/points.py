"""An entry of the points ledger (积分台账)."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from zhijian.models.records.span import RecordError


class EntryKind(StrEnum):
    POST = "post"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True, kw_only=True)
class PointsEntry:
    """What is to be booked, before the ledger numbers and chains it.

    The natural key — all fields from `scheme` to `source_revision` — is unique in the ledger. `period` is the local
    month `YYYY-MM` of `effective_day`. Points are decimals of at most two places: `points_raw` as earned,
    `points_credited` after limits. `reason` holds ids and item names, never quotes or customer data. `reverses` is the
    sequence number of the entry that a reversal takes back.
    """

    scheme: str
    account: str
    period: str
    item: str
    kind: EntryKind
    source_kind: str
    source_id: str
    source_revision: int
    effective_day: date
    points_raw: Decimal
    points_credited: Decimal
    actor: str
    reason: str
    posted_at: datetime
    reverses: int | None = None

    def __post_init__(self) -> None:
        if self.period != self.effective_day.isoformat()[:7]:
            raise RecordError(f"period {self.period} is not the month of {self.effective_day}")
        for points in (self.points_raw, self.points_credited):
            if not isinstance(points, Decimal) or points != round(points, 2):
                raise RecordError(f"points are decimals of at most two places, got {points!r}")
        if (self.kind is EntryKind.REVERSAL) != (self.reverses is not None):
            raise RecordError("a reversal, and only a reversal, names the entry it reverses")
        if self.posted_at.tzinfo is None:
            raise RecordError("posted_at needs an offset from UTC")
