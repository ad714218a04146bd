"""What people say of a scorecard: rulings on its items, and on its veto. They make a scorecard of their own of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from zhijian.models.records.scorecard import Evidence, ItemResult, Outcome, Scorecard
from zhijian.models.records.span import RecordError


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A person's verdict on an item, and why. `points` is given for a fail only: what is left of the item's points.

    `evidence` is what the person points at; without any, the machine's stands.
    """

    item: str
    outcome: Outcome
    reason: str
    points: Decimal | None = None
    evidence: tuple[Evidence, ...] = ()

    def __post_init__(self) -> None:
        if self.outcome is Outcome.UNSURE:
            raise RecordError(f"{self.item}: a person decides; a call that stays in doubt is left as it is")
        if (self.outcome is Outcome.FAIL) != (self.points is not None):
            raise RecordError(f"{self.item}: points are given for a fail, and only for one")
        if not self.reason.strip():
            raise RecordError(f"{self.item}: a ruling needs its reason")


def ruled(card: Scorecard, rulings: Iterable[Ruling], *, veto_confirmed: bool | None = None) -> Scorecard:
    """The scorecard with these rulings in it; what nobody ruled on stays as the machine had it.

    `veto_confirmed` decides on its veto, where it has one; while it is None, what was decided before stands. Raises
    RecordError for an item that it does not have, for one ruled on twice, and for a decision on a veto that is not
    there.
    """
    of_item: dict[str, Ruling] = {}
    for ruling in rulings:
        if of_item.setdefault(ruling.item, ruling) is not ruling:
            raise RecordError(f"{ruling.item} is ruled on twice")
    unknown = of_item.keys() - {item.id for item in card.items}
    if unknown:
        raise RecordError(f"the scorecard has no {', '.join(sorted(unknown))}")
    items = tuple(_ruled(item, of_item[item.id]) if item.id in of_item else item for item in card.items)
    vetoed = any(item.veto for item in items)
    if veto_confirmed is not None and not vetoed:
        raise RecordError("there is no veto to decide on")
    stands = card.veto_confirmed if veto_confirmed is None else veto_confirmed
    return replace(card, items=items, veto_confirmed=stands if vetoed else None)


def carried(card: Scorecard, before: Scorecard, ruled_on: Iterable[str]) -> Scorecard:
    """A new scorecard of the same sound, with what people had said of these items, and of the veto, still in it.

    An item that is worth other points by now is judged anew.
    """
    said = {item.id: item for item in before.items if item.id in set(ruled_on)}
    items = tuple(
        said[item.id] if item.id in said and said[item.id].points_max == item.points_max else item
        for item in card.items
    )
    vetoed, decided_on = ({item.id for item in of if item.veto} for of in (items, before.items))
    # a veto that was not there when somebody decided is nobody's decision yet
    decided = bool(vetoed) and vetoed <= decided_on
    return replace(card, items=items, veto_confirmed=before.veto_confirmed if decided else None)


def _ruled(item: ItemResult, ruling: Ruling) -> ItemResult:
    points = item.points_max if ruling.outcome is Outcome.PASS else ruling.points
    return replace(
        item,
        outcome=ruling.outcome,
        points=points,
        confidence=1.0,
        reason=ruling.reason,
        evidence=ruling.evidence or item.evidence,
        veto=item.veto and ruling.outcome is Outcome.FAIL,
        rule=None,
    )
