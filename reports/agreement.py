"""How far raters agree who judged the same calls: Cohen's kappa for two, Krippendorff's alpha for all of them.

Both say how much of the agreement is not chance: 1 = they always agree, 0 = as often as by chance, below 0 = less
often. Both are None where they are not defined: nothing was judged by two, or all of it is the same outcome, so that
there is nothing to agree on. Then only the counts tell something.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from typing import TypeVar

from zhijian.models.records.calibration import Verdict
from zhijian.models.records.scorecard import Outcome

Value = TypeVar("Value", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """Two raters, by name, on an item: how many calls both judged, on how many they say the same, and kappa."""

    one: str
    other: str
    shared: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAgreement:
    """`calls` is how many calls two or more raters judged; a pair that shares none is not among `pairs`."""

    item: str
    calls: int
    alpha: float | None
    pairs: tuple[PairAgreement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RaterAgreement:
    """One rater against all others: each verdict beside each one that another gave on that item of that call.

    `shared` is the number of these couples, `same` of those in which both say the same; `kappa` is over all of them.
    """

    rater: str
    shared: int
    same: int
    kappa: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """`alpha` is over all items, so it is high where items differ much in how often they fail; `items` has each."""

    alpha: float | None
    items: tuple[ItemAgreement, ...]
    raters: tuple[RaterAgreement, ...]


def agreement(verdicts: Iterable[Verdict]) -> Agreement:
    """The agreement of all who judged, the machine among them, each item and rater by name. Their order is no matter.

    Raises ValueError for two verdicts of one rater on the same item of the same call.
    """
    units: dict[str, dict[int, dict[str, Outcome]]] = defaultdict(lambda: defaultdict(dict))
    for verdict in verdicts:
        said = units[verdict.item][verdict.scorecard]
        if verdict.rater in said:
            raise ValueError(f"{verdict.item}: two verdicts of one rater on scorecard {verdict.scorecard}")
        said[verdict.rater] = verdict.outcome
    all_units = [unit for calls in units.values() for unit in calls.values()]
    return Agreement(
        alpha=alpha(unit.values() for unit in all_units),
        items=tuple(_of_item(item, [*units[item].values()]) for item in sorted(units)),
        raters=tuple(_of_rater(rater, all_units) for rater in _raters(all_units)),
    )


def kappa(couples: Sequence[tuple[Value, Value]]) -> float | None:
    """Cohen's kappa of what two raters say, couple by couple."""
    if len({value for couple in couples for value in couple}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score  # takes longer to load than any other command takes to run

    one, other = zip(*couples, strict=True)
    return float(cohen_kappa_score(one, other))


def alpha(units: Iterable[Iterable[Value]]) -> float | None:
    """Krippendorff's alpha for nominal values: for each unit the values it was given, by any two or more raters.

    K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), https://repository.upenn.edu/asc_papers/43,
    section C: 1 - (n - 1) * (what is unlike within units) / (what is unlike among all n values that can be paired).
    """
    counts = [count for unit in units if (count := Counter(unit)).total() > 1]
    among_all: Counter[Value] = sum(counts, Counter())
    if len(among_all) < 2:
        return None
    within = sum(Fraction(_unlike(count), count.total() - 1) for count in counts)
    return float(1 - (among_all.total() - 1) * within / _unlike(among_all))


def _unlike(count: Counter[Value]) -> int:
    """How many ordered couples of these values are not the same."""
    return count.total() ** 2 - sum(times**2 for times in count.values())


def _of_item(item: str, units: Sequence[Mapping[str, Outcome]]) -> ItemAgreement:
    pairs = []
    for one, other in combinations(_raters(units), 2):
        couples = [(unit[one], unit[other]) for unit in units if one in unit and other in unit]
        if couples:
            shared, same, by_kappa = _counted(couples)
            pairs.append(PairAgreement(one=one, other=other, shared=shared, same=same, kappa=by_kappa))
    return ItemAgreement(
        item=item,
        calls=sum(len(unit) > 1 for unit in units),
        alpha=alpha(unit.values() for unit in units),
        pairs=tuple(pairs),
    )


def _of_rater(rater: str, units: Iterable[Mapping[str, Outcome]]) -> RaterAgreement:
    couples = [
        (unit[rater], outcome) for unit in units if rater in unit for other, outcome in unit.items() if other != rater
    ]
    shared, same, by_kappa = _counted(couples)
    return RaterAgreement(rater=rater, shared=shared, same=same, kappa=by_kappa)


def _counted(couples: Sequence[tuple[Outcome, Outcome]]) -> tuple[int, int, float | None]:
    return len(couples), sum(one == other for one, other in couples), kappa(couples)


def _raters(units: Iterable[Mapping[str, Outcome]]) -> list[str]:
    return sorted({rater for unit in units for rater in unit})
