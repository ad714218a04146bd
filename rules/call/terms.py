"""The small terms that rules are written in: phrases and lists of them, and places in a call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, model_validator

from zhijian.models.records.dialogue import Role
from zhijian.rules.words.text import normalise

GAP = "…"
"""Stands in a phrase for a few characters of any kind: 请…好吗."""
LIST_MARK = "@"
"""`@apology` in a list of phrases stands for the phrases of the list named apology."""


Piece = TypeVar("Piece")


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

    @cached_property
    def clue(self) -> str:
        """The part that tells most, the longest and the last of equals: the phrase is nowhere where that is not."""
        return max(reversed(self.parts), key=len)

    def may_be(self, wording: str) -> bool:
        """Can it be worded so, with something in its gaps?"""
        return wording == self.text or (len(self.parts) > 1 and all(part in wording for part in self.parts))


class PhraseList(tuple[Phrase, ...]):
    """Phrases to look for side by side."""

    @classmethod
    def of(cls, phrases: Iterable[Phrase]) -> PhraseList:
        """These phrases, as they are where they are a list already: it knows its places."""
        return phrases if isinstance(phrases, cls) else cls(phrases)

    @cached_property
    def clues(self) -> frozenset[str]:
        """Of all of them; where none of these is, none of the phrases is."""
        return frozenset(self._places)

    @cached_property
    def by_text(self) -> Mapping[str, Phrase]:
        return {phrase.text: phrase for phrase in self}

    def among(self, clues: Mapping[str, object]) -> list[int]:
        """The places in the list of those with one of these clues, in order."""
        return sorted(place for clue in clues.keys() & self.clues for place in self._places[clue])

    @cached_property
    def _places(self) -> dict[str, list[int]]:
        places: dict[str, list[int]] = {}
        for place, phrase in enumerate(self):
            places.setdefault(phrase.clue, []).append(place)
        return places


def _with_lists(phrases: tuple[Phrase, ...], info: ValidationInfo) -> PhraseList:
    """Replace `@name` by the phrases of that list; the lists come with the validation's context."""
    lists: dict[str, tuple[Phrase, ...]] = (info.context or {}).get("lists", {})
    expanded: list[Phrase] = []
    for phrase in phrases:
        if not phrase.text.startswith(LIST_MARK):
            expanded.append(phrase)
        elif (name := phrase.text.removeprefix(LIST_MARK)) in lists:
            expanded.extend(lists[name])
        else:
            raise ValueError(f"没有名为 {name} 的用语表;phrases/ 里有:{'、'.join(lists) or '无'}")
    return PhraseList(expanded)


Phrases = Annotated[tuple[Phrase, ...], Field(min_length=1), AfterValidator(_with_lists)]


class Anchor(Term):
    """Words of one role by which a place is found: the `first` time they are said, the `last`, or `every` time."""

    role: Literal[Role.AGENT, Role.CUSTOMER]
    says: Phrases
    which: Literal["first", "last", "every"] = "first"


class Scope(Term):
    """Where in a call to look: what one role says, in all its turns or in some of them.

    `first_turns` and `last_turns` count the turns of that role; `last_third` takes those whose index among the turns
    of both roles is at least two thirds of their number, and at least the last three; `first_ms` and `last_ms` take
    what is said in so many milliseconds from the first, or to the last, speech of the call.

    With an anchor only the turns count that begin after it, or end before it; of the turn that holds it, the rest.
    """

    role: Literal[Role.AGENT, Role.CUSTOMER] = Role.AGENT
    first_turns: int | None = Field(default=None, ge=1)
    last_turns: int | None = Field(default=None, ge=1)
    last_third: bool = False
    first_ms: int | None = Field(default=None, ge=1)
    last_ms: int | None = Field(default=None, ge=1)
    after: Anchor | None = None
    before: Anchor | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Scope:
        turns_and_times = (self.first_turns, self.last_turns, self.first_ms, self.last_ms)
        if sum(limit is not None for limit in turns_and_times) + self.last_third > 1:
            raise ValueError("first_turns、last_turns、last_third、first_ms、last_ms 只能写一个")
        if all(anchor is not None and anchor.which == "every" for anchor in (self.after, self.before)):
            raise ValueError("after 和 before 只能有一个写 which: every")
        return self


def pieces(term: Any, kind: type[Piece]) -> Iterator[Piece]:
    """All pieces of a kind in a rule or a part of one, those inside others included."""
    if isinstance(term, kind):
        yield term
    if isinstance(term, Phrase):  # most of a rule are these, and nothing is inside them
        return
    if isinstance(term, Term):
        for name in type(term).model_fields:
            yield from pieces(getattr(term, name), kind)
    elif isinstance(term, tuple):
        for piece in term:
            yield from pieces(piece, kind)
