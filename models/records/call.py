"""A call as the switch recorded it: one row of the call list."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from zhijian.models.records.span import RecordError

CALL_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class Party(StrEnum):
    """One of the two people of a call."""

    AGENT = "agent"
    CUSTOMER = "customer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Identified by (source, call_id); None = not recorded.

    `recording` is a path relative to the source, `started_at` carries its own offset, `extra` keeps the columns of the
    call list that the product does not know.
    """

    source: str
    call_id: str
    recording: str
    started_at: datetime
    direction: Direction
    agent_no: str
    queue: str | None = None
    customer_no: str | None = None
    ring_count: int | None = None
    hangup_side: Party | None = None
    scenario: str | None = None
    identity_verified: bool | None = None
    after_call_work_s: int | None = None
    survey_pushed: bool | None = None
    satisfaction: str | None = None
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not CALL_ID.fullmatch(self.call_id) or set(self.call_id) == {"."}:
            raise RecordError("call_id must be 1 to 64 of A-Z a-z 0-9 . _ -")
        if not self.agent_no:
            raise RecordError("agent_no is empty")
        if self.started_at.tzinfo is None:
            raise RecordError("started_at needs an offset from UTC, e.g. +08:00")
        for name in ("ring_count", "after_call_work_s"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise RecordError(f"{name} must not be negative")

    @property
    def day(self) -> date:
        """The local day the call belongs to: `started_at` in its own offset."""
        return self.started_at.date()
