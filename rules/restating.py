"""What the customer wants, and where the agent says it back.

What the customer tells in the first turns, without key data, is compared with every stretch of what the agent says
afterwards: by what it is about (see `gist`), and by how it is put (see `manner`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from zhijian.models.records.dialogue import Role
from zhijian.rules.gist import BREAK, EMPTY, Gist, all_of, gist
from zhijian.rules.heard import Heard
from zhijian.rules.manner import Manner, asks_for_data, clauses, manner_of
from zhijian.rules.text import NormalText, lexicon, normalise

TELLING_TURNS = 3
"""In so many turns that tell anything the customer has said what the matter is."""
REQUEST_WEIGHT = 5.0
"""Two to three words are a request; what is told beyond this weight is detail that need not be said back."""
LONGEST_CLAUSES = 3
SAID_OR_ASKED, MATTER_AND_DONE, ABOUT_CUSTOMER, DONE, BARE = 0.9, 0.85, 0.75, 0.45, 0.4
"""How far a stretch counts that is put as what the customer wants, down to one that only has the same words."""
ASKS_FOR_MORE, ASKS_FOR_OTHER, ASKS_IF, SUPPOSES, TELLS_NUMBERS = 0.6, 0.4, 0.7, 0.5, 0.35
"""How far it still counts if it is a question, a condition, or an answer."""
EXPLICIT_MIN = 0.4
"""您是说…对吗 says something back, however it was heard; so does a plain 您要…."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """What an agent's turn says that is most like the request: the normal characters [start, end) of turn `turn`.

    `likeness` is 0..1.
    """

    turn: int
    start: int
    end: int
    likeness: float


@dataclass(frozen=True, slots=True)
class Told:
    """What the customer's turn with this index tells of the request, and aside from it: data, answers to questions."""

    turn: int
    request: Gist
    aside: Gist


def told(heard: Heard) -> tuple[Told, ...]:
    """All turns of the customer; of the request tell only the first ones, and no answer to a question for data."""
    found: list[Told] = []
    asked_for_data = False
    for index, turn in enumerate(heard.turns):
        chars = normalise(turn.text).chars
        if turn.role is Role.AGENT:
            asked_for_data = asks_for_data(chars)
            continue
        telling = sum(bool(one.request) for one in found)
        if (telling and asked_for_data) or telling == TELLING_TURNS:
            found.append(Told(index, EMPTY, gist(chars)))
        else:
            given = [
                (place.start, place.end) for datum in heard.key_data for place in datum.places if place.turn == index
            ]
            places = [match.span() for match in _place_name().finditer(chars)]
            found.append(_told_beside(chars, [*given, *places], index))
    return tuple(found)


def restatements(heard: Heard, customer: Sequence[Told]) -> tuple[Restatement, ...]:
    """The best of each agent's turn that says anything of what the customer told before it."""
    found = []
    request = aside = EMPTY
    by_turn = {one.turn: one for one in customer}
    for index, turn in enumerate(heard.turns):
        if one := by_turn.get(index):
            request, aside = request + one.request, aside + one.aside
        elif turn.role is Role.AGENT and request:
            best = _best(turn.text, request, aside.without(request))
            if best and best.likeness:
                found.append(Restatement(index, best.start, best.end, best.likeness))
    return tuple(found)


def _told_beside(chars: str, data: Sequence[tuple[int, int]], index: int) -> Told:
    """What a turn tells, with the characters of the data aside."""
    request = chars
    for start, end in data:
        request = request[:start] + BREAK * (end - start) + request[end:]
    return Told(index, gist(request), all_of(gist(chars[start:end]) for start, end in data))


@cache
def _place_name() -> re.Pattern[str]:
    """A place that is named in passing: 长乐新村, 和平小区."""
    endings = [word for kind, *words in lexicon("place_words") if kind == "强" for word in words if len(word) > 1]
    return re.compile(f"[\u4e00-\u9fff]{{1,3}}(?:{'|'.join(endings)})")


class _Stretch(NamedTuple):
    start: int
    end: int
    likeness: float


@lru_cache(maxsize=256)
def _best(raw: str, request: Gist, aside: Gist) -> _Stretch | None:
    """What is most like the request in a turn; several items of a standard ask for it."""
    return max(_stretches(normalise(raw), request, aside), key=lambda one: one.likeness, default=None)


def _stretches(text: NormalText, request: Gist, aside: Gist) -> Iterator[_Stretch]:
    """Every stretch of a turn that tells something."""
    spans = clauses(text)
    words = [text.chars[start:end] for start, end in spans]
    gists = [gist(clause) for clause in words]
    for first in range(len(spans)):
        for end in range(first + 1, min(first + LONGEST_CLAUSES, len(spans)) + 1):
            if said := all_of(gists[first:end]).without(aside):
                manner = manner_of(words[first:end], "".join(words[end : end + 1]))
                yield _Stretch(spans[first][0], spans[end - 1][1], _likeness(said, request, manner))


def _likeness(said: Gist, request: Gist, manner: Manner) -> float:
    """How alike what was said is to the request, and how far it is put as one; 0..1."""
    overlap = min(1.0, 2 * said.shared(request) / (min(request.weight, REQUEST_WEIGHT) + said.weight))
    form = _explicitness(manner)
    if manner.requests or manner.questions:
        form *= ASKS_FOR_MORE if manner.says else ASKS_FOR_OTHER
    elif manner.asks_if and not manner.says:
        form *= ASKS_IF
    if manner.supposes:
        form *= SUPPOSES
    if said.numbers - request.numbers and not (manner.says or manner.asks):
        form *= TELLS_NUMBERS
    if manner.says and manner.asks:
        return form * max(overlap**0.5, EXPLICIT_MIN)
    plain = not (manner.requests or manner.questions or manner.supposes)
    return form * (max(overlap, EXPLICIT_MIN) if manner.says and plain else overlap)


def _explicitness(manner: Manner) -> float:
    if manner.says and manner.asks:
        return 1.0
    if manner.says or manner.asks:
        return SAID_OR_ASKED
    if manner.does and (manner.about_customer or manner.topic):
        return MATTER_AND_DONE
    if manner.about_customer:
        return ABOUT_CUSTOMER
    return DONE if manner.does else BARE
