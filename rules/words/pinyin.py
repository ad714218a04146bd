"""Finding phrases by sound: 收等 for 稍等, 供号 for 工号, 就5598 for 九五五九八.

A phrase is slid along the text and aligned syllable by syllable (semi-global edit distance after Sellers 1980, given
up where it gets too dear, as Ukkonen 1985 does), tones ignored. A syllable is an initial and a final, half of the
syllable each; pairs that speakers or recognisers confuse (n/l, zh/z, in/ing …) cost little, homophones cost nothing.
Particles (啊 呢 呀 …) come and go free of charge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from string import ascii_lowercase
from typing import Any

import numpy as np
from pypinyin.contrib.tone_convert import to_finals, to_initials

from zhijian.rules.words.sounds import reading
from zhijian.rules.words.text import NormalText, fillers, lexicon, normalise

HALF, RELATED, NEAR = 0.5, 0.3, 0.1
"""Cost of a wrong initial or final: unlike, alike, and commonly confused. An extra or missing syllable costs 1."""

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
SHORT = 2
"""Phrases up to so many syllables need their exact sound."""
TOLERANCE = 1e-9
"""How much dearer than its limit an alignment may be, in syllables: sums of tenths are not exact."""


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
    return _found(phrase, text.chars, min_similarity)


@lru_cache(maxsize=16384)
def _found(phrase: str, chars: str, min_similarity: float) -> tuple[Match, ...]:
    """Items of a standard look for the same words in the same places."""
    wanted, heard = wanted_of(phrase, min_similarity), sound_of(chars)
    if wanted.cannot_be_in(heard):
        return ()
    best_first = sorted(
        (_match(wanted, heard, hit) for hit in _align(wanted, heard)),
        key=lambda match: (not match.exact, -round(match.similarity, 6), match.end - match.start, match.start),
    )
    chosen: list[Match] = []
    for match in best_first:
        if all(match.end <= other.start or match.start >= other.end for other in chosen):
            chosen.append(match)
    matches = tuple(sorted(chosen, key=lambda match: match.start))
    return matches if len(wanted.needed) > 1 else tuple(match for match in matches if match.exact)


@lru_cache(maxsize=4096)
def similarity(phrase: str, other: str) -> float:
    """How alike two whole phrases sound: 1 for homophones, 0 for nothing in common."""
    left, right = sound_of(normalise(phrase).chars), sound_of(normalise(other).chars)
    longest = max(len(left.symbols), len(right.symbols))
    if not longest:
        return 1.0
    table = costs()
    row = [float(column) for column in range(len(right.symbols) + 1)]
    for symbol in left.symbols:
        above, row[0] = row[0], row[0] + 1
        for column, other_symbol in enumerate(right.symbols, 1):
            above, row[column] = (
                row[column],
                min(above + table[symbol][other_symbol], row[column] + 1, row[column - 1] + 1),
            )
    return max(0.0, 1 - row[-1] / longest)


def sounds_like(one: str, other: str) -> bool:
    """Are two characters homophones, in any of their readings?"""
    return costs()[_symbol(one)][_symbol(other)] == 0


def likeness(one: str, other: str) -> float:
    """How alike two characters sound in the closest of their readings (0..1)."""
    return 1 - costs()[_symbol(one)][_symbol(other)]


@dataclass(frozen=True, slots=True)
class Sound:
    """A normal text as symbols (indices into `_symbols`).

    `least` says of every symbol there is what it costs at least to hear it in the text: tenths of a syllable, a byte
    each. One more, for no symbol at all, costs nothing.
    """

    folded: str
    symbols: tuple[int, ...]
    free: tuple[bool, ...]
    least: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A phrase to look for: `bare` and `needed` are its characters and symbols without particles.

    `limit` is the dearest alignment that is accepted.
    """

    sound: Sound
    bare: str
    needed: tuple[int, ...]
    limit: float

    def cannot_be_in(self, heard: Sound) -> bool:
        """Is it too dear even with each syllable where it costs least? Cheap, and true of most pairs."""
        return sum(map(heard.least.__getitem__, self.needed)) > 10 * self.limit


@lru_cache(maxsize=16384)
def wanted_of(phrase: str, min_similarity: float) -> Wanted:
    sound = sound_of(normalise(phrase).chars)
    if not sound.symbols:
        raise ValueError(f"the phrase {phrase!r} has no letters, digits or Chinese characters to look for")
    if all(sound.free):  # a phrase of nothing but particles: then they are what is meant
        sound = replace(sound, free=(False,) * len(sound.symbols))
    needed = tuple(symbol for symbol, free in zip(sound.symbols, sound.free, strict=True) if not free)
    limit = 0.0 if len(needed) <= SHORT else len(needed) * (1 - min_similarity) + TOLERANCE
    return Wanted(sound, _without(sound.folded, sound.free), needed, limit)


@lru_cache(maxsize=4096)
def sound_of(chars: str) -> Sound:
    symbols = tuple(map(_symbol, chars))
    least = tenths()[list({*symbols})].min(axis=0, initial=10).tobytes()
    return Sound(chars.translate(_FOLD), symbols, fillers(chars), least)


def _align(wanted: Wanted, heard: Sound) -> Iterator[tuple[float, int, int]]:
    """Every end of an alignment within the limit, as (distance, start, end); on a tie the shortest stretch.

    A row for each syllable of the phrase leads from columns, places between what was heard, to the distance and the
    length of the alignment that ends there. Columns beyond the limit are left out: it only gets dearer.
    """
    symbols, limit = heard.symbols, wanted.limit
    row = anywhere = dict.fromkeys(range(len(symbols) + 1), (0.0, 0))
    for symbol, free in zip(wanted.sound.symbols, wanted.sound.free, strict=True):
        cost, dropping = costs()[symbol], 0.0 if free else 1.0
        if row is anywhere:  # a shorter way to say the same, for the row that takes longest
            reached = {column: (cost[said], 1) for column, said in enumerate(symbols, 1) if cost[said] <= limit}
        else:
            reached = {
                column + 1: (longer, length + 1)
                for column, (distance, length) in row.items()
                if column < len(symbols) and (longer := distance + cost[symbols[column]]) <= limit
            }
        if dropping <= limit:
            for column, (distance, length) in row.items():
                dropped = distance + dropping, length
                if dropped[0] <= limit and (column not in reached or dropped < reached[column]):
                    reached[column] = dropped
        if not reached:
            return
        row = _with_gaps(reached, heard.free, limit)
    for column, (distance, length) in row.items():
        if length:
            yield distance, column - length, column


def _with_gaps(
    reached: dict[int, tuple[float, int]], free: tuple[bool, ...], limit: float
) -> dict[int, tuple[float, int]]:
    """A row with the columns that can be reached by skipping what was heard."""
    row: dict[int, tuple[float, int]] = {}
    for column in sorted(reached):
        if column not in row or reached[column][0] <= row[column][0]:
            row[column] = reached[column]
        distance, length = row[column]
        while column < len(free):
            distance, length = distance + (0.0 if free[column] else 1.0), length + 1
            column += 1
            if distance > limit:
                break
            row[column] = distance, length
            if column in reached:
                break
    return row


def _match(wanted: Wanted, heard: Sound, hit: tuple[float, int, int]) -> Match:
    distance, start, end = hit
    said = _without(heard.folded[start:end], heard.free[start:end])
    exact = wanted.bare in (said, heard.folded[start:end])
    return Match(start, end, 1.0 if exact else max(0.0, 1 - distance / len(wanted.needed)), exact)


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
    """Sets of readings -> symbol, an index into `costs`: syllables, polyphones, letters, and the unknown."""
    syllables = [(reading,) for line in lexicon("syllables") for reading in line]
    polyphones = sorted({readings for readings in _polyphones().values() if len(readings) > 1})
    letters = [(f"letter {letter}",) for letter in ascii_lowercase]
    return {readings: index for index, readings in enumerate((*syllables, *polyphones, *letters, _UNKNOWN))}


@cache
def costs() -> tuple[tuple[float, ...], ...]:
    """The cost of hearing one symbol for another, as a square matrix; polyphones count by their closest readings."""
    initials = _half_costs(_NEAR_INITIALS, _RELATED_INITIALS)
    finals = _half_costs(_NEAR_FINALS, _RELATED_FINALS)
    readings = sorted({reading for several in _symbols() for reading in several})
    halves = [(to_initials(reading, strict=True), to_finals(reading, strict=True)) for reading in readings]
    place = {reading: index for index, reading in enumerate(readings)}
    rows = []
    for initial, final in halves:
        to_initial = {other: _half(initials, initial, other) for other, _ in halves}
        to_final = {other: _half(finals, final, other) for _, other in halves}
        rows.append([to_initial[one] + to_final[two] for one, two in halves])
    single = np.array(rows)
    for number in (place[name] for name in readings if " " in name):
        single[number] = single[:, number] = 1.0  # a letter or the unknown resembles nothing but itself
        single[number, number] = 0.0
    single[place[_UNKNOWN[0]]] = 1.0
    places = [[place[reading] for reading in several] for several in _symbols()]
    by_symbol = np.array([single[several].min(axis=0) for several in places])
    table = np.stack([by_symbol[:, several].min(axis=1) for several in places], axis=1)
    return tuple(map(tuple, table.tolist()))


def _half(table: dict[tuple[str, str], float], left: str, right: str) -> float:
    return 0.0 if left == right else table.get((left, right), HALF)


def _half_costs(near: str, related: str) -> dict[tuple[str, str], float]:
    """Costs of confusing two initials, or two finals; pairs that are not listed cost `HALF`."""
    table = {}
    for pairs, cost in ((related, RELATED), (near, NEAR)):
        for pair in pairs.split():
            one, other = pair.split("/")
            table[one, other] = table[other, one] = cost
    return table


@cache
def tenths() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """`costs` in tenths of a syllable, with a column for no symbol at all."""
    return np.pad(np.rint(10 * np.array(costs())).astype(np.uint8), ((0, 0), (0, 1)))


@cache
def _polyphones() -> dict[str, tuple[str, ...]]:
    return {char: tuple(readings) for char, *readings in lexicon("polyphones")}
