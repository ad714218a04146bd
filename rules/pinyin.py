"""Finding phrases by sound: 收等 for 稍等, 供号 for 工号, 就5598 for 九五五九八.

A phrase is slid along the text and aligned syllable by syllable (semi-global edit distance after Sellers 1980, given
up where it gets too dear, as Ukkonen 1985 does), tones ignored. A syllable is an initial and a final, half of the
syllable each; pairs that speakers or recognisers confuse (n/l, zh/z, in/ing …) cost little, homophones cost nothing.
Particles (啊 呢 呀 …) come and go free of charge. Costs are whole tenths of a syllable.

A row of the alignment is one integer: a lane of bits for each place between the characters, so that all places are
reckoned at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from string import ascii_lowercase
from typing import Any

import numpy as np
from pypinyin.contrib.tone_convert import to_finals, to_initials

from zhijian.rules.sounds import reading
from zhijian.rules.text import NormalText, fillers, lexicon, normalise

SYLLABLE = 10
"""Cost of an extra or missing syllable."""
HALF, RELATED, NEAR = 5, 3, 1
"""Cost of a wrong initial or final: unlike, alike, and commonly confused."""

# Initials and finals in strict pinyin: yan is ∅ + ian, wu is ∅ + u, ju is j + v.
_NEAR_INITIALS = "n/l r/l f/h zh/z sh/s ch/c"
_RELATED_INITIALS = "b/p d/t g/k j/q zh/ch z/c zh/j ch/q sh/x s/x m/n zh/c z/ch"
_NEAR_FINALS = "an/ang en/eng in/ing ian/iang uan/uang un/ong vn/iong"
_RELATED_FINALS = (
    "ao/ou ai/ei an/en ang/eng e/uo o/uo uei/ei iou/ou iou/v ong/eng ie/ve i/v ian/van uan/van u/ou a/ia a/ua "
    "ian/in iang/ing uen/en uen/ong uo/ou ian/ie an/ian ang/iang uai/ai uang/ang iao/ao ong/iong"
)

# The same word in another spelling: both are read alike and count as the same characters.
_FOLD = str.maketrans("您0123456789幺〇", "你零一二三四五六七八九一零")
_UNKNOWN = ("unknown sound",)
_TOLERANCE = 1e-8

_LANE, _LANE_BITS, _COST = np.dtype("<u4"), 32, 1 << 16
"""A lane is a cost times `_COST` plus a length: of two alignments the better one is the smaller number."""
_FREE, _DEAR = 1, SYLLABLE * _COST + 1
"""Lanes that skip a particle, or another character."""
_NEVER = 1 << 28
"""A lane that is dearer than any alignment of a phrase, and far from filling its bits."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where a phrase was heard: [start, end) of the normal text.

    `similarity` is 1 − distance ÷ syllables of the phrase. `exact` means: the very characters, not just their sound
    (你 and 您, digits and their names are the same characters; particles do not count). `gaps` are the stretches that
    the gaps of a phrase stand for.
    """

    start: int
    end: int
    similarity: float
    exact: bool
    gaps: tuple[tuple[int, int], ...] = ()


def find(phrase: str, text: NormalText, *, min_similarity: float = 0.8) -> tuple[Match, ...]:
    """The places where `text` has `phrase` or something that sounds like it: the best that do not overlap, in order.

    A phrase of one syllable is found by its character only, one of two syllables by its exact sound only: shorter
    phrases have too many neighbours. Raises ValueError for a phrase without letters, digits or characters.
    """
    if _wanted(phrase, min_similarity).cannot_be_in(_sound(text.chars)):
        return ()
    return _found(phrase, text.chars, min_similarity)


@lru_cache(maxsize=16384)
def _found(phrase: str, chars: str, min_similarity: float) -> tuple[Match, ...]:
    """Items of a standard look for the same words in the same places."""
    wanted, heard = _wanted(phrase, min_similarity), _sound(chars)
    chosen: list[tuple[int, int, int]] = []
    for hit in sorted(_align(wanted, heard), key=lambda hit: (hit[0], hit[2] - hit[1], hit[1])):
        if all(hit[2] <= start or hit[1] >= end for _, start, end in chosen):
            chosen.append(hit)
    matches = tuple(_match(wanted, heard, hit) for hit in sorted(chosen, key=lambda hit: hit[1]))
    return matches if len(wanted.needed) > 1 else tuple(match for match in matches if match.exact)


@dataclass(frozen=True, slots=True)
class Screen:
    """Many phrases at a time, to tell which of them are worth looking for in a text.

    `needed` are the syllables of each as symbols, shape (syllables of the longest, phrases), `limits` the dearest
    alignment accepted of each.
    """

    needed: np.ndarray[Any, np.dtype[np.intp]]
    limits: np.ndarray[Any, np.dtype[np.uint16]]

    def passing(self, text: NormalText) -> list[int]:
        """The numbers of the phrases that may be in the text; `find` finds nothing of the others."""
        least = np.frombuffer(_sound(text.chars).least, np.uint8)
        costs = np.add.reduce(least.take(self.needed), axis=0, dtype=np.uint16)
        passing: list[int] = (costs <= self.limits).nonzero()[0].tolist()
        return passing


@lru_cache(maxsize=1024)
def screen(phrases: tuple[tuple[str, float], ...]) -> Screen:
    """The screen of at least one phrase, each with its least similarity."""
    wanted = [_wanted(phrase, min_similarity) for phrase, min_similarity in phrases]
    longest = max(len(one.needed) for one in wanted)
    needed = [(*one.needed, *(longest - len(one.needed)) * (len(_symbols()),)) for one in wanted]
    return Screen(np.array(needed).T.copy(), np.array([one.limit for one in wanted], np.uint16))


def similarity(phrase: str, other: str) -> float:
    """How alike two whole phrases sound: 1 for homophones, 0 for nothing in common."""
    left, right = _sound(normalise(phrase).chars), _sound(normalise(other).chars)
    longest = max(len(left.symbols), len(right.symbols))
    if not longest:
        return 1.0
    costs = _costs()
    row = [SYLLABLE * column for column in range(len(right.symbols) + 1)]
    for symbol in left.symbols:
        above, row[0] = row[0], row[0] + SYLLABLE
        for column, other_symbol in enumerate(right.symbols, 1):
            above, row[column] = (
                row[column],
                min(above + costs[symbol][other_symbol], row[column] + SYLLABLE, row[column - 1] + SYLLABLE),
            )
    return max(0.0, 1 - row[-1] / SYLLABLE / longest)


def sounds_like(one: str, other: str) -> bool:
    """Are two characters homophones, in any of their readings?"""
    return _costs()[_symbol(one)][_symbol(other)] == 0


@dataclass(frozen=True, slots=True)
class _Sound:
    """A normal text as symbols (indices into `_symbols`), `codes` the same behind one for no symbol at all.

    `least` says of every symbol there is, and of no symbol, what it costs at least to hear it in the text. Rows of an
    alignment have a lane for each place in the text: `ones` has a 1 in each, `skipping` what it costs to leave out the
    character before the place.
    """

    folded: str
    symbols: tuple[int, ...]
    free: tuple[bool, ...]
    codes: np.ndarray[Any, np.dtype[np.intp]]
    least: bytes
    ones: int
    skipping: int
    _hearing: dict[int, int] = field(default_factory=dict)

    def hearing(self, symbol: int) -> int:
        """What it costs to hear the symbol in the character before each place, as lanes."""
        if (lanes := self._hearing.get(symbol)) is None:
            lanes = self._hearing[symbol] = _as_row(_steps()[symbol].take(self.codes))
        return lanes

    def lanes(self, row: int) -> list[int]:
        lanes: list[int] = np.frombuffer(row.to_bytes(len(self.codes) * _LANE.itemsize, "little"), _LANE).tolist()
        return lanes


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A phrase to look for: `bare` and `needed` are its characters and symbols without particles.

    `limit` is the dearest alignment that is accepted.
    """

    sound: _Sound
    bare: str
    needed: tuple[int, ...]
    limit: int

    def cannot_be_in(self, heard: _Sound) -> bool:
        """Is it too dear even with each syllable where it costs least? Cheap, and true of most pairs."""
        return sum(map(heard.least.__getitem__, self.needed)) > self.limit


@lru_cache(maxsize=16384)
def _wanted(phrase: str, min_similarity: float) -> _Wanted:
    sound = _sound(normalise(phrase).chars)
    if not sound.symbols:
        raise ValueError(f"the phrase {phrase!r} has no letters, digits or Chinese characters to look for")
    if all(sound.free):  # a phrase of nothing but particles: then they are what is meant
        sound = replace(sound, free=(False,) * len(sound.symbols))
    needed = tuple(symbol for symbol, free in zip(sound.symbols, sound.free, strict=True) if not free)
    limit = 0 if len(needed) <= 2 else int(SYLLABLE * len(needed) * (1 - min_similarity) + _TOLERANCE)
    return _Wanted(sound, _without(sound.folded, sound.free), needed, limit)


@lru_cache(maxsize=1024)
def _sound(chars: str) -> _Sound:
    symbols, free = tuple(map(_symbol, chars)), fillers(chars)
    codes = np.array((len(_symbols()), *symbols))
    return _Sound(
        folded=chars.translate(_FOLD),
        symbols=symbols,
        free=free,
        codes=codes,
        least=np.minimum.reduce(_least_costs().take(codes, axis=0)).tobytes(),
        ones=_as_row(np.ones(len(codes), _LANE)),
        skipping=_as_row(np.array((_NEVER, *(_FREE if skip else _DEAR for skip in free)), _LANE)),
    )


def _align(wanted: _Wanted, heard: _Sound) -> Iterator[tuple[int, int, int]]:
    """Every end of an alignment within the limit, as (cost, start, end); on a tie the shortest stretch.

    A row for each syllable of the phrase says of every place in the text what the best alignment costs that ends there.
    """
    whole, highest = heard.ones * ((1 << _LANE_BITS) - 1), heard.ones << _LANE_BITS - 1
    too_dear = heard.ones * (wanted.limit + 1) * _COST
    dropping = heard.ones * SYLLABLE * _COST
    most_skipped = wanted.limit // SYLLABLE + sum(heard.free)
    row = 0
    for symbol, free in zip(wanted.sound.symbols, wanted.sound.free, strict=True):
        above, row = row, (row << _LANE_BITS & whole) + heard.hearing(symbol)
        if free or wanted.limit >= SYLLABLE:
            row = _better(row, above if free else above + dropping, highest)
        if (row | highest) - too_dear & highest == highest:  # in every lane
            return
        for _ in range(most_skipped):
            row, before = _better(row, (row << _LANE_BITS & whole) + heard.skipping, highest), row
            if row == before:
                break
    for end, lane in enumerate(heard.lanes(row)):
        cost, length = divmod(lane, _COST)
        if length and cost <= wanted.limit:
            yield cost, end - length, end


def _better(one: int, other: int, highest: int) -> int:
    """Of two rows the smaller number in each lane; `highest` are the highest bits of all lanes, clear in both."""
    smaller = (one | highest) - other & highest  # set where the other one is not the larger
    return one ^ (one ^ other) & smaller - (smaller >> _LANE_BITS - 1)


def _as_row(lanes: np.ndarray[Any, Any]) -> int:
    return int.from_bytes(lanes.tobytes(), "little")


def _match(wanted: _Wanted, heard: _Sound, hit: tuple[int, int, int]) -> Match:
    cost, start, end = hit
    said = _without(heard.folded[start:end], heard.free[start:end])
    exact = wanted.bare in (said, heard.folded[start:end])
    similarity = 1.0 if exact else max(0.0, 1 - cost / SYLLABLE / len(wanted.needed))
    return Match(start, end, similarity, exact)


def _without(chars: str, free: tuple[bool, ...]) -> str:
    return "".join(char for char, skip in zip(chars, free, strict=True) if not skip)


@lru_cache(maxsize=65536)
def _symbol(char: str) -> int:
    """The symbol of a normal character, by its readings; letters of the alphabet stand for themselves."""
    table = _symbols()
    if char in ascii_lowercase:
        return table[(f"letter {char}",)]
    readings = _polyphones().get(char) or (reading(char.translate(_FOLD)),)
    return table.get(readings, table[_UNKNOWN])


@cache
def _symbols() -> dict[tuple[str, ...], int]:
    """Sets of readings -> symbol, an index into `_costs`: syllables, polyphones, letters, and the unknown."""
    syllables = [(reading,) for line in lexicon("syllables") for reading in line]
    polyphones = sorted({readings for readings in _polyphones().values() if len(readings) > 1})
    letters = [(f"letter {letter}",) for letter in ascii_lowercase]
    return {readings: index for index, readings in enumerate((*syllables, *polyphones, *letters, _UNKNOWN))}


@cache
def _costs() -> tuple[tuple[int, ...], ...]:
    """The cost of hearing one symbol for another, as a square matrix; polyphones count by their closest readings."""
    initials = _half_costs(_NEAR_INITIALS, _RELATED_INITIALS)
    finals = _half_costs(_NEAR_FINALS, _RELATED_FINALS)
    readings = sorted({reading for several in _symbols() for reading in several})
    halves = [(to_initials(reading, strict=True), to_finals(reading, strict=True)) for reading in readings]
    place = {reading: index for index, reading in enumerate(readings)}
    single = []
    for row, (initial, final) in enumerate(halves):
        if " " in readings[row]:  # a letter or the unknown resembles nothing
            single.append([SYLLABLE] * len(readings))
            single[row][row] = 0
            continue
        to_initial = {other: _half(initials, initial, other) for other, _ in halves}
        to_final = {other: _half(finals, final, other) for _, other in halves}
        single.append([to_initial[one] + to_final[two] for one, two in halves])
    single[place[_UNKNOWN[0]]] = [SYLLABLE] * len(readings)
    columns = [[place[reading] for reading in several] for several in _symbols()]
    return tuple(
        tuple(min(single[one][other] for one in left for other in right) for right in columns) for left in columns
    )


def _half(costs: dict[tuple[str, str], int], left: str, right: str) -> int:
    return 0 if left == right else costs.get((left, right), HALF)


def _half_costs(near: str, related: str) -> dict[tuple[str, str], int]:
    """Costs of confusing two initials, or two finals; pairs that are not listed cost `HALF`."""
    costs = {}
    for pairs, cost in ((related, RELATED), (near, NEAR)):
        for pair in pairs.split():
            one, other = pair.split("/")
            costs[one, other] = costs[other, one] = cost
    return costs


@cache
def _least_costs() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """`_costs` by what was heard, with a row and a column for no symbol at all: it costs nothing, and gives nothing."""
    costs = np.pad(np.array(_costs(), np.uint8), (0, 1), constant_values=255)
    costs[:, -1] = 0
    return costs


@cache
def _steps() -> np.ndarray[Any, np.dtype[np.uint32]]:
    """`_costs` as lanes that go one character further, with a column for no symbol at all, which is never heard."""
    return np.pad(np.array(_costs(), _LANE) * _COST + 1, ((0, 0), (0, 1)), constant_values=_NEVER)


@cache
def _polyphones() -> dict[str, tuple[str, ...]]:
    return {char: tuple(readings) for char, *readings in lexicon("polyphones")}
