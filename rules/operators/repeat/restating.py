"""What the customer wants, and where the agent says it back.

What the customer tells in the first turns, without key data, is compared with every stretch of what the agent says
afterwards: by what it is about (see `gist`), by how it is put (see `manner`), and by what the customer answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import zip_longest
from typing import NamedTuple

from zhijian.models.records.dialogue import Role
from zhijian.rules.call.heard import Heard, once_a_call
from zhijian.rules.operators.repeat.saying_back import Clues, curve
from zhijian.rules.words.gist import BREAK, EMPTY, Gist, all_of, gist
from zhijian.rules.words.manner import Manner, asks_for_data, clauses, confirms, manner_of, together
from zhijian.rules.words.text import lexicon, normalise

TELLING_TURNS = 3
"""In so many turns that tell anything the customer has said what the matter is."""
REQUEST_WEIGHT = 5.0
"""Two to three words are a request; what is told beyond this weight is detail that need not be said back."""
LONGEST_CLAUSES = 3
LONG_WEIGHT = 6.0
"""What tells more than this is no longer for that."""


@dataclass(frozen=True, slots=True)
class Restatement:
    """What an agent's turn says that is most like the request: the normal characters [start, end) of turn `turn`.

    `probability` is 0..1; `clues` are what it was told by.
    """

    turn: int
    start: int
    end: int
    clues: Clues

    @property
    def probability(self) -> float:
        return curve().probability(self.clues)


@dataclass(frozen=True, slots=True)
class Told:
    """What the customer's turn with this index tells of the request, and aside from it: data, answers to questions."""

    turn: int
    request: Gist
    aside: Gist


@once_a_call
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


@once_a_call
def restatements(heard: Heard) -> tuple[Restatement, ...]:
    """The likeliest of each agent's turn that tells anything, from the request on."""
    by_turn = stretches_by_turn(heard, told(heard))
    return tuple(max(stretches, key=lambda one: one.probability) for stretches in by_turn)


def stretches_by_turn(heard: Heard, customer: Sequence[Told]) -> Iterator[tuple[Restatement, ...]]:
    """All that might be a restatement in each agent's turn that tells anything, from the request on."""
    request = aside = EMPTY
    first_reply = True
    by_turn = {one.turn: one for one in customer}
    for index, turn in enumerate(heard.turns):
        if one := by_turn.get(index):
            request, aside = request + one.request, aside + one.aside
        elif turn.role is Role.AGENT and request:
            answer = "".join(next_turn.text for next_turn in heard.turns[index + 1 : index + 2])
            confirmed = confirms(normalise(answer).chars)
            if stretches := _stretches(turn.text, request, aside.without(request), first_reply, confirmed):
                yield tuple(Restatement(index, *stretch) for stretch in stretches)
            first_reply = False


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
    clues: Clues


@lru_cache(maxsize=256)
def _stretches(raw: str, request: Gist, aside: Gist, first_reply: bool, confirmed: bool) -> tuple[_Stretch, ...]:
    """Every stretch of a turn that tells something; several items of a standard ask for them."""
    text = normalise(raw)
    spans = clauses(text)
    words = [text.chars[start:end] for start, end in spans]
    gists = [gist(clause).without(aside) for clause in words]
    manners = [manner_of(clause, following) for clause, following in zip_longest(words, words[1:], fillvalue="")]
    anew = [one.requests or one.questions or one.asks_if for one in manners]  # what is said next answers it
    found = []
    for first in range(len(spans)):
        for end in range(first + 1, min(first + LONGEST_CLAUSES, len(spans)) + 1):
            if said := all_of(gists[first:end]):
                manner = together(manners[first:end])
                clues = _clues(
                    said,
                    request,
                    manner,
                    asks=manner.asks and bool(gists[end - 1]),
                    asks_anew=all(anew[at] for at in range(first, end) if gists[at]),
                    first_reply=first_reply,
                    confirmed=confirmed and not any(anew[first:]),
                )
                found.append(_Stretch(spans[first][0], spans[end - 1][1], clues))
    return tuple(found)


def _clues(
    said: Gist, request: Gist, manner: Manner, *, asks: bool, asks_anew: bool, first_reply: bool, confirmed: bool
) -> Clues:
    overlap = min(1.0, 2 * said.shared(request) / (min(request.weight, REQUEST_WEIGHT) + said.weight))
    return Clues(
        overlap=overlap**0.5,
        length=min(1.0, said.weight / LONG_WEIGHT),
        says=manner.says,
        asks=asks,
        about_customer=manner.about_customer and not asks_anew,
        does=manner.does,
        supposes=manner.supposes,
        tells_number=bool(said.numbers - request.numbers),
        first_reply=first_reply,
        confirmed=confirmed,
    )
