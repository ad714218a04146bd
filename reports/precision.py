"""How often the machine's deductions are right, and how many it misses, by what people ruled on the same items.

People rule mostly on calls that were held or that are risky: that is no fair picture of all calls. Those that were
drawn at random are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from zhijian.models.records.scorecard import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledItem:
    """An item of a call of a month (`YYYY-MM`): what the machine said of it, and what a person ruled last."""

    month: str
    item: str
    machine: Outcome
    person: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineRecord:
    """The machine's verdicts on an item in a month, counted: deductions that a person let stand and that were taken
    back, deductions that it missed, and those it rightly did not make. Where it was unsure it did not decide: such
    items are counted apart and are in no rate.
    """

    month: str
    item: str
    right: int
    taken_back: int
    missed: int
    rightly_none: int
    unsure: int

    @property
    def precision(self) -> float | None:
        """The share (0..1) of its deductions that are right; None where it made none."""
        deducted = self.right + self.taken_back
        return self.right / deducted if deducted else None

    @property
    def recall(self) -> float | None:
        """The share (0..1) of the deductions due that it made; None where none was due."""
        due = self.right + self.missed
        return self.right / due if due else None


def machine_records(ruled: Iterable[RuledItem]) -> tuple[MachineRecord, ...]:
    """One for each month and item that somebody ruled on, in this order."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for one in ruled:
        counts[one.month, one.item][_kind(one)] += 1
    return tuple(
        MachineRecord(
            month=month,
            item=item,
            right=count["right"],
            taken_back=count["taken_back"],
            missed=count["missed"],
            rightly_none=count["rightly_none"],
            unsure=count["unsure"],
        )
        for (month, item), count in sorted(counts.items())
    )


def _kind(one: RuledItem) -> str:
    due = one.person is Outcome.FAIL
    if one.machine is Outcome.UNSURE:
        return "unsure"
    if one.machine is Outcome.FAIL:
        return "right" if due else "taken_back"
    return "missed" if due else "rightly_none"
