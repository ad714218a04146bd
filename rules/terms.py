"""The small terms that rules are written in: phrases and lists of them, places in a call, conditions on its record."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Role
from zhijian.rules.text import normalise

GAP = "…"
"""Stands in a phrase for a few characters of any kind: 请…好吗."""
LIST_MARK = "@"
"""`@apology` in a list of phrases stands for the phrases of the list named apology."""


class Term(BaseModel):
    """A frozen piece of a rule file; a key it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Phrase(Term):
    """A phrase to be recognised by its sound; in YAML a plain string, or a mapping.

    `accept` is the similarity (0..1) from which it counts as said, where the standard's own threshold does not fit.
    `not_after` and `not_before` are texts beside which it does not count: 请 not after 申.
    """

    text: str
    accept: float | None = Field(default=None, gt=0, le=1)
    not_after: tuple[str, ...] = ()
    not_before: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _has_sound(self) -> Phrase:
        if not self.text.startswith(LIST_MARK) and not all(normalise(part).chars for part in self.parts):
            raise ValueError(f"“{self.text}”里没有可以比对的字;{GAP} 的两边都要有字")
        return self

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """The stretches between the gaps; one where there is no gap."""
        return tuple(self.text.split(GAP))


def _with_lists(phrases: tuple[Phrase, ...], info: ValidationInfo) -> tuple[Phrase, ...]:
    """Replace `@name` by the phrases of that list; the lists come with the validation's context."""
    lists: dict[str, tuple[Phrase, ...]] = (info.context or {}).get("lists", {})
    expanded: list[Phrase] = []
    for phrase in phrases:
        if not phrase.text.startswith(LIST_MARK):
            expanded.append(phrase)
        elif (name := phrase.text.removeprefix(LIST_MARK)) in lists:
            expanded.extend(lists[name])
        else:
            raise ValueError(f"没有名为 {name} 的用语表;phrases.yaml 里有:{'、'.join(lists) or '无'}")
    return tuple(expanded)


Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1), AfterValidator(_with_lists)]


class Scope(Term):
    """Where in a call to look: what one role says, in all its turns or in some of them.

    `first_turns` and `last_turns` count the turns of that role; `last_third` takes those whose index among the turns
    of both roles is at least two thirds of their number, and at least the last three.
    """

    role: Literal[Role.AGENT, Role.CUSTOMER] = Role.AGENT
    first_turns: int | None = Field(default=None, ge=1)
    last_turns: int | None = Field(default=None, ge=1)
    last_third: bool = False

    @model_validator(mode="after")
    def _one_place(self) -> Scope:
        if (self.first_turns is not None) + (self.last_turns is not None) + self.last_third > 1:
            raise ValueError("first_turns、last_turns、last_third 只能写一个")
        return self


class Range(Term):
    """Whole numbers from `at_least` to `at_most`, both included; an absent bound does not bind."""

    at_least: int | None = None
    at_most: int | None = None

    def holds(self, value: int) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


NOT_RECORDED: Literal["not_recorded"] = "not_recorded"


class RecordCondition(Term):
    """What the call's record must say; all fields that are given have to hold. A field not recorded meets no value."""

    direction: Direction | None = None
    ring_count: Range | Literal["not_recorded"] | None = None
    hangup_side: Literal["agent", "customer", "not_recorded"] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> RecordCondition:
        if not self.model_fields_set:
            raise ValueError("when 是空的;写上 direction、ring_count 或 hangup_side 的条件,或去掉 when")
        return self

    def holds(self, call: Call) -> bool:
        return all(_meets(getattr(call, name), getattr(self, name)) for name in self.fields)

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the record's fields that the condition reads."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


def _meets(value: Any, wanted: Any) -> bool:
    if wanted == NOT_RECORDED:
        return value is None
    if isinstance(wanted, Range):
        return value is not None and wanted.holds(value)
    return value is not None and value == wanted
