"""What is said, without how it is said: the characters of a text that tell what it is about, and how much two share.

Courtesies and function words go (`empty_words`), words that mean the same on a power hotline become one
(`same_meaning`). Two gists share a character that is the same, and more surely a pair of neighbours that sounds alike,
for a recogniser may have written other characters.

    gist("那个我家厨房没得电").chars      # 厨房停电
    gist("您是说厨房停电了").chars        # 厨房停电
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

from zhijian.rules.words.digits import DIGITS
from zhijian.rules.words.numbers import with_arabic_numbers
from zhijian.rules.words.sounds import sounds
from zhijian.rules.words.text import lexicon

BREAK = "|"
_EVERYDAY, _EVERYDAY_WEIGHT = frozenset("电家用户费表网国师傅"), 0.5
"""Characters of every second sentence on a power hotline tell half as much as others."""
_ALONE = 0.7
"""How far a character is shared that has no neighbour in common."""


@dataclass(frozen=True)
class Gist:
    """The telling characters of a text, with `BREAK` where a number stood, and its numbers from three on."""

    chars: str
    numbers: frozenset[str] = frozenset()

    def __add__(self, other: Gist) -> Gist:
        return Gist(f"{self.chars}{BREAK}{other.chars}", self.numbers | other.numbers)

    def __bool__(self) -> bool:
        return self.weight > 0

    @cached_property
    def weight(self) -> float:
        """How much it tells: about 2 for a word."""
        return sum(map(_weight, self._characters))

    def shared(self, other: Gist) -> float:
        """How much of this gist the other one tells too: 0 .. `weight`."""
        characters, heard = other._characters, other._sounds
        shared = dict.fromkeys((char for char in self.chars if char in characters), _ALONE)
        for pair, sound in self._pairs:
            if sound in heard:
                shared |= dict.fromkeys(pair, 1.0)
        return sum(share * _weight(char) for char, share in shared.items())

    def without(self, other: Gist) -> Gist:
        """What the other one does not tell."""
        told = other._characters
        return Gist("".join(char for char in self.chars if char not in told), self.numbers - other.numbers)

    @cached_property
    def _characters(self) -> frozenset[str]:
        return frozenset(self.chars) - {BREAK}

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        """Neighbours, and how they sound."""
        chars, heard = self.chars, sounds(self.chars)
        return tuple(
            (chars[at : at + 2], heard[at : at + 2])
            for at in range(len(chars) - 1)
            if chars[at] != BREAK and chars[at + 1] != BREAK
        )

    @cached_property
    def _sounds(self) -> frozenset[str]:
        return frozenset(sound for _, sound in self._pairs)


EMPTY = Gist("")
_NUMERALS = frozenset((*DIGITS, *"十百千万"))


@lru_cache(maxsize=4096)
def gist(chars: str) -> Gist:
    """The gist of normal characters."""
    return Gist("".join(_telling(chars.replace("您", "你"))), frozenset(_numbers(chars)))


def all_of(gists: Iterable[Gist]) -> Gist:
    return sum(gists, start=EMPTY)


def _telling(chars: str) -> Iterable[str]:
    """From left to right the longest words that mean the same as others or nothing; else the character itself.

    Words of one character are found as they are written, longer ones by their sound.
    """
    meanings, sizes = _meanings(), _sizes()
    heard = sounds(chars)
    at = 0
    while at < len(chars):
        size = next((size for size in sizes.get(heard[at], ()) if heard[at : at + size] in meanings), 1)
        char = chars[at]
        meaning = BREAK if char in _NUMERALS else char
        yield meanings.get(heard[at : at + size] if size > 1 else char, meaning)
        at += size


def _numbers(chars: str) -> Iterable[str]:
    """一 and 两 are mostly no numbers: 一下, 两边."""
    digits = "".join(char if char.isascii() and char.isdigit() else " " for char in with_arabic_numbers(chars))
    return (number for number in digits.split() if number.lstrip("0") not in ("", "1", "2"))


def _weight(char: str) -> float:
    return _EVERYDAY_WEIGHT if char in _EVERYDAY else 1.0


@cache
def _meanings() -> Mapping[str, str]:
    """What each word of the lists stands for; nothing for those that tell nothing."""
    empty = {_key(word): "" for line in lexicon("empty_words") for word in line}
    return empty | {_key(word): line[0] for line in lexicon("same_meaning") for word in line}


@cache
def _sizes() -> Mapping[str, Sequence[int]]:
    """How long the words are that begin with a sound, from the longest down to two characters."""
    sizes = defaultdict(set)
    for word in _meanings():
        if len(word) > 1:
            sizes[word[0]].add(len(word))
    return {sound: sorted(found, reverse=True) for sound, found in sizes.items()}


def _key(word: str) -> str:
    return sounds(word) if len(word) > 1 else word
