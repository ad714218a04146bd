"""Schemes of points as data: versioned YAML files beside this module, validated when read."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

SCHEMES = Path(__file__).parent / "schemes"


class SchemeError(ValueError):
    """A scheme file breaks its rules; the message names the file and every place in it that is wrong."""


def _descending(bands: "tuple[Band, ...]") -> "tuple[Band, ...]":
    bounds = [band.mean_min for band in bands]
    if bounds != sorted(set(bounds), reverse=True):
        raise ValueError("bands are written from the highest mean_min to the lowest, none twice")
    return bands


Name = Annotated[str, StringConstraints(min_length=1)]
Points = Annotated[Decimal, Field(decimal_places=2)]
Score = Annotated[Decimal, Field(ge=0, le=100)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Dimension(_Data):
    """A group of items; `month_limit` is the most that an account is credited in it in a month, None = no limit."""

    id: Name
    name: Name
    month_limit: Annotated[Points, Field(ge=0)] | None = None


class Band(_Data):
    """What a mean of `mean_min` and more earns, up to the next higher band."""

    mean_min: Score
    points: Points


class Example(_Data):
    """A day's scores and the points they must earn; proven by a test."""

    scores: tuple[Score, ...]
    points: Points


class DailyMean(_Data):
    """Points for the mean of an agent's published scores of a day, from `calls_min` calls on."""

    calls_min: Annotated[int, Field(ge=1)]
    bands: Annotated[tuple[Band, ...], Field(min_length=1), AfterValidator(_descending)]
    examples: Annotated[tuple[Example, ...], Field(min_length=1)]

    def points_for(self, scores: Sequence[Decimal]) -> Decimal:
        """The points a day's scores earn: 0 for too few of them and below all bands.

        The mean is compared unrounded, as sum >= bound x count: 94.999 is not 95.
        """
        if len(scores) < self.calls_min:
            return Decimal(0)
        total = sum(scores, Decimal(0))
        return next((band.points for band in self.bands if total >= band.mean_min * len(scores)), Decimal(0))


class Item(_Data):
    """What points are given for."""

    id: Name
    name: Name
    dimension: Name
    daily_mean: DailyMean | None = None


class Scheme(_Data):
    """`accounts` says who holds the points: each agent number is an account."""

    id: Name
    name: Name
    version: Name
    accounts: Literal["agent_no"]
    dimensions: Annotated[tuple[Dimension, ...], Field(min_length=1)]
    items: Annotated[tuple[Item, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        for what, ids in (("dimension", [d.id for d in self.dimensions]), ("item", [i.id for i in self.items])):
            if len(set(ids)) != len(ids):
                raise ValueError(f"a {what} id is used twice")
        for item in self.items:
            if item.dimension not in {d.id for d in self.dimensions}:
                raise ValueError(f"item {item.id} belongs to dimension {item.dimension}, which is not in the file")
        if sum(item.daily_mean is not None for item in self.items) != 1:
            raise ValueError("one item, and only one, has a daily_mean table")
        return self

    def dimension_of(self, item: str) -> Dimension:
        """The dimension of an item id. Raises KeyError for an id that is not in the scheme."""
        id = {item.id: item.dimension for item in self.items}[item]
        return next(dimension for dimension in self.dimensions if dimension.id == id)

    @property
    def daily_mean(self) -> tuple[Item, DailyMean]:
        """The item that a day's scores earn points for, and its table."""
        return next((item, item.daily_mean) for item in self.items if item.daily_mean is not None)


def load_scheme(name: str) -> Scheme:
    """A scheme that comes with the product, e.g. `incentive`."""
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
