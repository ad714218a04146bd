"""What somebody says of an item in a calibration session, where several people judge the same calls blind."""

from dataclasses import dataclass

from zhijian.models.records.account import MACHINE
from zhijian.models.records.scorecard import Outcome, Scorecard
from zhijian.models.records.span import RecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`scorecard` is the number of the scorecard whose call was judged."""

    scorecard: int
    item: str
    rater: str
    outcome: Outcome

    def __post_init__(self) -> None:
        if not self.rater.strip():
            raise RecordError("a verdict needs its rater")
        if self.outcome is Outcome.UNSURE:
            raise RecordError(f"{self.item}: a rater decides, or says nothing of the item")


def machine_verdicts(scorecard: int, card: Scorecard) -> tuple[Verdict, ...]:
    """What the machine says of a call, as one more rater; where it is unsure it says nothing."""
    return tuple(
        Verdict(scorecard=scorecard, item=item.id, rater=MACHINE, outcome=item.outcome)
        for item in card.items
        if item.outcome is not Outcome.UNSURE
    )
