"""Schemes of points as data: versioned YAML files beside this module, validated when read."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from zhijian.models.records.figures import FIGURES
from zhijian.pipeline.ledger.formula import Formula

SCHEMES = Path(__file__).parent / "schemes"


class SchemeError(ValueError):
    """A scheme file breaks its rules; the message names the file and every place in it that is wrong."""


def _descending(bands: "tuple[Band, ...]") -> "tuple[Band, ...]":
    bounds = [band.at_least for band in bands]
    if bounds != sorted(set(bounds), reverse=True):
        raise ValueError("bands are written from the highest at_least to the lowest, none twice")
    return bands


def _formula(text: str) -> str:
    unknown = Formula(text).names - {name for figure in FIGURES for name in (figure, f"team_{figure}")}
    if unknown:
        raise ValueError(f"{', '.join(sorted(unknown))} are no figures; figures are {', '.join(FIGURES)}, also team_…")
    return text


Name = Annotated[str, StringConstraints(min_length=1)]
Points = Annotated[Decimal, Field(decimal_places=2)]
Score = Annotated[Decimal, Field(ge=0, le=100)]
Role = Literal["shift_leader", "supervisor", "monitor", "admin"]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Band(_Data):
    """What a value of `at_least` and more earns, up to the next higher band."""

    at_least: Decimal
    points: Points


Bands = Annotated[tuple[Band, ...], Field(min_length=1), AfterValidator(_descending)]


class Level(_Data):
    """A part of a dimension that has a limit of its own, or none."""

    id: Name
    name: Name
    month_limit: Annotated[Points, Field(ge=0)] | None = None


class Dimension(_Data):
    """A group of items. `month_limit` is the most that an account is credited in it in a month, None = no limit.

    A dimension may be limited level by level instead. `weight` is what it counts for in the month's total.
    """

    id: Name
    name: Name
    month_limit: Annotated[Points, Field(ge=0)] | None = None
    levels: tuple[Level, ...] = ()
    weight: Annotated[Decimal, Field(ge=0)] = Decimal(1)

    @model_validator(mode="after")
    def _limited_once(self) -> Self:
        if self.levels and self.month_limit is not None:
            raise ValueError(f"dimension {self.id} has levels: the limits stand there, not at the dimension")
        return self


class DayExample(_Data):
    """A day's scores and the points they must earn; proven when the scheme is read."""

    scores: tuple[Score, ...]
    points: Points


class DailyMean(_Data):
    """Points for the mean of an agent's published scores of a day, from `calls_min` calls on."""

    calls_min: Annotated[int, Field(ge=1)]
    bands: Bands
    examples: Annotated[tuple[DayExample, ...], Field(min_length=1)]

    def points_for(self, scores: Sequence[Decimal]) -> Decimal:
        """The points a day's scores earn: 0 for too few of them and below all bands.

        The mean is compared unrounded: 94.999 is not 95.
        """
        if len(scores) < self.calls_min:
            return Decimal(0)
        return _earned(self.bands, Fraction(sum(scores, Decimal(0))) / len(scores))

    @model_validator(mode="after")
    def _proven(self) -> Self:
        for example in self.examples:
            if (earned := self.points_for(example.scores)) != example.points:
                raise ValueError(f"the scores {[str(s) for s in example.scores]} earn {earned}, not {example.points}")
        return self


class FiguresExample(_Data):
    """An agent's and the team's figures of a month and the points they must earn; proven when the scheme is read."""

    figures: dict[Name, Decimal]
    points: Points


class MonthValue(_Data):
    """Points for a value reckoned from the figures of an agent's month, see `figures.month_values`."""

    formula: Annotated[str, AfterValidator(_formula)]
    bands: Bands
    examples: Annotated[tuple[FiguresExample, ...], Field(min_length=1)]

    def points_for(self, value: Fraction | None) -> Decimal:
        """0 below all bands, and for a value that cannot be reckoned."""
        return Decimal(0) if value is None else _earned(self.bands, value)

    @model_validator(mode="after")
    def _proven(self) -> Self:
        for example in self.examples:
            given = {name: Fraction(figure) for name, figure in example.figures.items()}
            missing = Formula(self.formula).names - set(given)
            if missing:
                raise ValueError(f"an example gives no {', '.join(sorted(missing))}")
            if (earned := self.points_for(Formula(self.formula).value(given))) != example.points:
                raise ValueError(f"the figures {example.figures} earn {earned}, not {example.points}")
        return self


class Item(_Data):
    """What points are given for, in exactly one of these ways.

    `points`: so many each time. `between`: as many as a person finds right. `task`: a task's value, times the share of
    each who took part. `veto`: for each call whose veto a person has confirmed. `daily_mean`, `month_value`: reckoned.
    """

    id: Name
    code: Name
    name: Name
    dimension: Name
    level: Name | None = None
    points: Points | None = None
    between: Annotated[tuple[Points, ...], Field(min_length=2, max_length=2)] | None = None
    task: Annotated[Points, Field(gt=0)] | None = None
    veto: Points | None = None
    daily_mean: DailyMean | None = None
    month_value: MonthValue | None = None

    @model_validator(mode="after")
    def _earned_one_way(self) -> Self:
        ways = (self.points, self.between, self.task, self.veto, self.daily_mean, self.month_value)
        if sum(way is not None for way in ways) != 1:
            raise ValueError(f"item {self.id} has one of points, between, task, veto, daily_mean and month_value")
        if self.between and self.between[0] > self.between[1]:
            raise ValueError(f"item {self.id}: between is written from the lower to the higher number of points")
        return self

    @property
    def is_reckoned(self) -> bool:
        """Its points come from scorecards or figures, and nobody books them by hand."""
        return self.points is None and self.between is None and self.task is None

    @property
    def least_points(self) -> Decimal:
        """The worst that it can bring at a time."""
        table = self.daily_mean or self.month_value
        points = [self.points, self.veto, *(self.between or ()), *([b.points for b in table.bands] if table else ())]
        return min([p for p in points if p is not None], default=Decimal(0))


class Shares(_Data):
    """What each gets of a task's value: who did it alone, the main person of several, and the others."""

    alone: Points
    main: Points
    other: Points


class Bonus(_Data):
    """Who gets the month's bonus: the best `share` of the head-count, rounded to whole people.

    `down` never gives it to more than the share. People with as many points as the last of them get it too.
    """

    share: Annotated[Decimal, Field(gt=0, le=1)]
    rounding: Literal["down", "up"]


class Star(_Data):
    """The grade that all points ever credited bring, from `at_least` on."""

    stars: Annotated[int, Field(ge=1)]
    at_least: Points


@dataclass(frozen=True, slots=True, eq=False)
class Pot:
    """What fills up in a month: a dimension, or one of its levels, with all its items. Each is itself only."""

    name: str
    dimension: str
    month_limit: Decimal | None
    items: frozenset[str]


class Scheme(_Data):
    """`accounts` says who holds the points: each agent number is an account. `award` and `deduct` are the roles of the
    people who may post entries by hand; without any that may deduct no item may bring less than nothing."""

    id: Name
    name: Name
    version: Name
    accounts: Literal["agent_no"]
    award: tuple[Role, ...]
    deduct: tuple[Role, ...]
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    shares: Shares | None = None
    bonus: Bonus | None = None
    stars: tuple[Star, ...] = ()
    items: Annotated[tuple[Item, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        levels = {(d.id, level.id) for d in self.dimensions for level in d.levels}
        for what, ids in (
            ("dimension", [d.id for d in self.dimensions]),
            ("level", [level.id for d in self.dimensions for level in d.levels]),
            ("item", [i.id for i in self.items]),
            ("code", [i.code for i in self.items]),
        ):
            if twice := {id for id in ids if ids.count(id) > 1}:
                raise ValueError(f"{what} {', '.join(sorted(twice))} is used twice")
        for item in self.items:
            dimension = next((d for d in self.dimensions if d.id == item.dimension), None)
            if dimension is None:
                raise ValueError(f"item {item.id} belongs to dimension {item.dimension}, which is not in the file")
            if (item.level is None) == bool(dimension.levels) or (
                item.level is not None and (item.dimension, item.level) not in levels
            ):
                raise ValueError(f"item {item.id} has to name one of the levels of dimension {item.dimension}, or none")
            if item.task is not None and self.shares is None:
                raise ValueError(f"item {item.id} is a task, and the scheme has no shares")
            if item.least_points < 0 and not self.deduct:
                raise ValueError(f"item {item.id} takes points away, and nobody may deduct under this scheme")
        for way in ("daily_mean", "veto"):
            if sum(getattr(item, way) is not None for item in self.items) > 1:
                raise ValueError(f"at most one item has {way}")
        return self

    def item(self, id: str) -> Item | None:
        """The item with this id or code."""
        return next((item for item in self.items if id in (item.id, item.code)), None)

    def pot_of(self, item_id: str) -> Pot:
        """Where an item's points go. Raises SchemeError for an item that the scheme does not have."""
        if item_id not in self._pots:
            raise SchemeError(f"{self.name} {self.version} 没有项目 {item_id}:记过分的项目须保留在方案文件中")
        return self._pots[item_id]

    @cached_property
    def _pots(self) -> dict[str, Pot]:
        pots: dict[str, Pot] = {}
        for dimension in self.dimensions:
            for part in dimension.levels or (dimension,):
                level = part.id if isinstance(part, Level) else None
                items = frozenset(i.id for i in self.items if (i.dimension, i.level) == (dimension.id, level))
                pots |= dict.fromkeys(
                    items, Pot(name=part.name, dimension=dimension.id, month_limit=part.month_limit, items=items)
                )
        return pots

    @property
    def daily_mean(self) -> tuple[Item, DailyMean] | None:
        """The item that a day's scores earn points for, and its table."""
        return next(((item, item.daily_mean) for item in self.items if item.daily_mean is not None), None)

    @property
    def veto(self) -> Item | None:
        """The item that a confirmed veto of a call costs points of."""
        return next((item for item in self.items if item.veto is not None), None)

    def stars_for(self, points: Decimal) -> int:
        return max((star.stars for star in self.stars if points >= star.at_least), default=0)


def _earned(bands: Sequence[Band], value: Fraction) -> Decimal:
    return next((band.points for band in bands if value >= Fraction(band.at_least)), Decimal(0))


def load_schemes() -> tuple[Scheme, ...]:
    """All schemes that come with the product."""
    return tuple(read_scheme(path) for path in sorted(SCHEMES.glob("*.yaml")))


@cache
def load_scheme(name: str) -> Scheme:
    """A scheme that comes with the product, e.g. `incentive`. Raises SchemeError for another name."""
    known = sorted(path.stem for path in SCHEMES.glob("*.yaml"))
    if name not in known:
        raise SchemeError(f"没有积分方案 {name};可以是 {'、'.join(known)}")
    return read_scheme(SCHEMES / f"{name}.yaml")


def read_scheme(path: Path) -> Scheme:
    """The scheme in a YAML file. Raises SchemeError."""
    try:
        return Scheme.model_validate(yaml.load(path.read_text(encoding="utf-8"), _Loader))
    except (OSError, UnicodeDecodeError) as error:
        raise SchemeError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        raise SchemeError(f"{path}: {error}") from None
    except ValidationError as error:
        places = [f"  {'.'.join(map(str, e['loc'])) or 'scheme'}: {e['msg']}" for e in error.errors()]
        raise SchemeError("\n".join([f"{path}:", *places])) from None


class _Loader(yaml.BaseLoader):
    """Leaves every scalar a text, so that no number passes through a float, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        twice = next((key for key, _ in node.value if keys.count(key.value) > 1), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key {twice.value!r} is given twice", twice.start_mark)
        return super().construct_mapping(node, deep)
