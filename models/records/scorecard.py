"""How a call was judged: outcomes with their evidence, and the score derived from them."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from zhijian.models.records.call import Direction
from zhijian.models.records.dialogue import Role
from zhijian.models.records.span import RecordError, Span


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NA = "na"
    UNSURE = "unsure"


class EvidenceKind(StrEnum):
    """FOUND: it was said there. SEARCHED: it was not said there. RECORD: a fact of the call record."""

    FOUND = "found"
    SEARCHED = "searched"
    RECORD = "record"


class Tier(StrEnum):
    """How grave a banned phrase is."""

    MINOR = "minor"
    MAJOR = "major"
    SEVERE = "severe"


class Status(StrEnum):
    SCORED = "scored"
    FLAGGED = "flagged"
    UNSCORABLE = "unscorable"


@dataclass(frozen=True, slots=True)
class Evidence:
    """`quote` is an exact slice of what was heard; `detail` is Chinese; `span` is None for a fact of the record."""

    kind: EvidenceKind
    role: Role | None
    span: Span | None
    quote: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ItemResult:
    """One item of the standard. `points` is None unless the item is pass or fail; `veto` marks a veto that it fails.

    `confidence` (0..1) is the probability that the outcome is right; of unsure, that a deduction would be. `rule` is
    the fingerprint of the rule that judged it, None where a person did; the same verdict by another is the same.
    """

    id: str
    outcome: Outcome
    points: Decimal | None
    points_max: Decimal
    confidence: float
    reason: str | None
    evidence: tuple[Evidence, ...] = ()
    veto: bool = False
    rule: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        counted = self.outcome in (Outcome.PASS, Outcome.FAIL)
        if counted != (self.points is not None):
            raise RecordError(f"{self.id}: points belong to pass and fail, and only to them")
        if self.points is not None and not 0 <= self.points <= self.points_max:
            raise RecordError(f"{self.id}: {self.points} points are not within 0..{self.points_max}")
        if self.outcome is Outcome.PASS and self.points != self.points_max:
            raise RecordError(f"{self.id}: a pass earns all points; less is a fail")
        if self.outcome in (Outcome.FAIL, Outcome.UNSURE) and not self.reason:
            raise RecordError(f"{self.id}: {self.outcome} needs its reason")
        if self.outcome is Outcome.FAIL and not self.evidence:
            raise RecordError(f"{self.id}: a deduction needs its evidence")
        if self.veto and self.outcome is not Outcome.FAIL:
            raise RecordError(f"{self.id}: only a fail can be a veto")
        if not 0 <= self.confidence <= 1:
            raise RecordError(f"{self.id}: confidence lies between 0 and 1, got {self.confidence}")


@dataclass(frozen=True, slots=True)
class BannedHit:
    """A banned phrase (服务忌语) the agent said: `entry` as listed, `quote` as heard."""

    entry: str
    tier: Tier
    span: Span
    quote: str


@dataclass(frozen=True, slots=True)
class KeyDatum:
    """A datum the customer gave and whether the agent said it back; `match` is None where nothing was said back."""

    type: str
    value: str
    customer_span: Span
    said_back: str | None
    agent_span: Span | None
    match: bool | None


@dataclass(frozen=True, slots=True)
class StandardRef:
    id: str
    version: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What is said of one call, by the machine or, with a review's rulings in it, by a person. Never changed.

    `veto_confirmed` is what a person says of its veto; None while nobody has, and without a veto.
    """

    call_id: str
    agent_no: str
    direction: Direction
    started_at: datetime
    scenario: str | None
    recording_sha256: str | None
    standard: StandardRef
    reason: str | None = None
    items: tuple[ItemResult, ...] = ()
    banned: tuple[BannedHit, ...] = ()
    key_info: tuple[KeyDatum, ...] = ()
    veto_confirmed: bool | None = None

    def __post_init__(self) -> None:
        ids = [item.id for item in self.items]
        if len(set(ids)) != len(ids):
            raise RecordError("an item may be judged once only")
        if bool(self.items) == (self.reason is not None):
            raise RecordError("a scorecard has items, or the reason why the call cannot be judged")
        if self.veto_confirmed is not None and not self.veto:
            raise RecordError("a veto that is decided on has to be there")

    @property
    def status(self) -> Status:
        if self.reason is not None:
            return Status.UNSCORABLE
        return Status.FLAGGED if self.veto and self.veto_confirmed is None else Status.SCORED

    @property
    def veto(self) -> bool:
        """A veto item is failed; a monitor has to confirm it."""
        return any(item.veto for item in self.items)

    @property
    def in_doubt(self) -> bool:
        return any(item.outcome is Outcome.UNSURE for item in self.items)

    @property
    def publishes_itself(self) -> bool:
        """A scored call without doubt needs no person before it counts."""
        return self.status is Status.SCORED and not self.in_doubt and self.score is not None

    @property
    def score_before_veto(self) -> Decimal | None:
        """100 x points earned / points of the items that count, one decimal, half up; None where no item counts."""
        counted = [item for item in self.items if item.points is not None]
        possible = sum((item.points_max for item in counted), Decimal(0))
        if not possible:
            return None
        earned = sum((item.points for item in counted if item.points is not None), Decimal(0))
        return (100 * earned / possible).quantize(Decimal("0.1"), ROUND_HALF_UP)

    @property
    def score(self) -> Decimal | None:
        """None while flagged or unscorable; 0 for a confirmed veto."""
        if self.status is not Status.SCORED:
            return None
        return Decimal("0.0") if self.veto_confirmed else self.score_before_veto
