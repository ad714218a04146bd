"""Which calls a person is to look at though nobody asked: some of each agent's at random, and all that are risky."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from zhijian.models.records.span import RecordError

MAX_SEED = 2**31 - 1


class DrawnFor(StrEnum):
    """Why a call was drawn. RANDOM calls alone are a fair picture of an agent; risky ones among them stay RANDOM."""

    RANDOM = "random"
    TRIGGER = "trigger"


class Risk(StrEnum):
    SCENARIO = "scenario"
    SATISFACTION = "satisfaction"
    SCORE = "score"


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggers:
    """What makes a call risky: what the call list says it is about, what the customer's answer to the survey holds,
    a score below a bound. The defaults are those of a QA lead; a call without a score is not below any bound.
    """

    scenarios: tuple[str, ...] = ("complaint", "whistle_blowing")
    satisfaction: tuple[str, ...] = ("不满意",)
    score_below: Decimal | None = Decimal(60)

    def __post_init__(self) -> None:
        if "" in self.scenarios or "" in self.satisfaction:
            raise RecordError("an empty word would be found in every call")

    def risks(self, *, scenario: str | None, satisfaction: str | None, score: Decimal | None) -> tuple[Risk, ...]:
        """Those of a call; `scenario` and `satisfaction` are what the call list recorded, None = nothing."""
        found = {
            Risk.SCENARIO: scenario in self.scenarios,
            Risk.SATISFACTION: any(word in (satisfaction or "") for word in self.satisfaction),
            Risk.SCORE: score is not None and self.score_below is not None and score < self.score_below,
        }
        return tuple(risk for risk, is_there in found.items() if is_there)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """What is drawn: `per_agent` calls at random of each agent's from `from_day` to `to_day`, local days, both
    included, and every risky one. The same seed draws the same of the same calls.
    """

    from_day: date
    to_day: date
    per_agent: int
    seed: int
    triggers: Triggers = Triggers()

    def __post_init__(self) -> None:
        if self.from_day > self.to_day:
            raise RecordError(f"the first day {self.from_day} comes after the last, {self.to_day}")
        if self.per_agent < 1:
            raise RecordError(f"at least one call of each agent is drawn, got {self.per_agent}")
        if not 0 <= self.seed <= MAX_SEED:
            raise RecordError(f"the seed lies within 0..{MAX_SEED}, got {self.seed}")
