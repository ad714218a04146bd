"""What the night's reports are made of."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import Scorecard, StandardRef, Status


class CallState(StrEnum):
    """Where a judged call stands; every call is in exactly one state."""

    FLAGGED = "flagged"
    HELD = "held"
    PUBLISHED = "published"
    UNSCORABLE = "unscorable"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedCall:
    """`clips` leads from (item id, index of its evidence) to a sound file, relative to the report: `clips/….wav`."""

    call: Call
    scorecard: Scorecard
    published: bool
    dialogue: Dialogue | None = None
    clips: dict[tuple[str, int], str] = field(default_factory=dict)

    @property
    def state(self) -> CallState:
        if self.scorecard.status is Status.UNSCORABLE:
            return CallState.UNSCORABLE
        if self.published:
            return CallState.PUBLISHED
        return CallState.FLAGGED if self.scorecard.veto else CallState.HELD


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A row of the call list, or a recording without one, that was not accepted. `row` counts the header as row 1."""

    row: int | None
    call_id: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A call that a technical fault kept from being judged."""

    call_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentName:
    """A person of the roster; empty where the roster does not say."""

    name: str = ""
    team: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemName:
    """An item of the standard as people call it."""

    name: str
    points_max: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedPoints:
    """One entry of the night: `points` for the mean of an agent's published calls of a day."""

    agent_no: str
    day: date
    points: Decimal
    mean: Decimal
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """How the run went. `real_time_factor` = seconds of work for a second of sound; None where nothing was heard."""

    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    real_time_factor: float | None = None
    versions: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NightData:
    """Everything a night's report tells.

    `agents` is keyed by agent number, `items` by item id in the standard's order. `duplicates` are groups of call ids
    that share one sound. `ledger_head` is the hash of the ledger's last entry, None while the ledger is empty.
    """

    day: date
    generated_at: datetime
    standard: StandardRef
    items: dict[str, ItemName]
    calls: tuple[JudgedCall, ...] = ()
    refused: tuple[Refusal, ...] = ()
    failed: tuple[Failure, ...] = ()
    duplicates: tuple[tuple[str, ...], ...] = ()
    agents: dict[str, AgentName] = field(default_factory=dict)
    booked: tuple[BookedPoints, ...] = ()
    ledger_count: int = 0
    ledger_head: str | None = None
    run: RunFacts = field(default_factory=RunFacts)
