"""The normal form of an utterance: what is left to compare when spelling and punctuation are taken away.

Letters, digits and Chinese characters stay (NFKC, lower case, simplified); punctuation and white space go. Every normal
character knows its place in the raw text, so that whatever a rule finds can be quoted as an exact slice of the raw.

    text = normalise("您好,國家電網95598!")
    text.chars                        # 您好国家电网95598
    text.quote(2, 6)                  # 國家電網
    text.clauses()                    # ((0, 2), (2, 11))
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise

import opencc

CLAUSE_MARKS = frozenset(",、;:。.!?…—~\n")
SENTENCE_MARKS = frozenset(";。.!?…\n")

# OpenCC keeps these apart because written Chinese does; in speech they are the same word.
_SPOKEN_VARIANTS = {"著": "着", "妳": "你"}

# Small words that carry no meaning of their own; matching may skip them or find them added.
_PARTICLES = frozenset("啊呢呀儿嘛哦呃嗯哎诶唉")
FILLER_WORDS = ("那个",)

_simplified = opencc.OpenCC("t2s").convert


@dataclass(frozen=True, slots=True)
class NormalText:
    """A raw text and its normal form. All positions are indices into `chars`, all ranges half-open.

    `offsets[i]` is the index in `raw` of the character that `chars[i]` came from; it never decreases. (One raw
    character may give several normal ones: ㎏ gives k and g.)
    """

    raw: str
    chars: str
    offsets: tuple[int, ...]
    clause_starts: tuple[int, ...] = field(repr=False)
    sentence_starts: tuple[int, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self.chars)

    def raw_slice(self, start: int, end: int) -> tuple[int, int]:
        """The raw offsets [start, end) that hold the normal characters [start, end), punctuation inside included."""
        if not 0 <= start <= end <= len(self.chars):
            raise ValueError(f"range {start}:{end} lies outside a normal text of {len(self.chars)} characters")
        if start == end:
            at = self.offsets[start] if start < len(self.offsets) else len(self.raw)
            return at, at
        return self.offsets[start], self.offsets[end - 1] + 1

    def quote(self, start: int, end: int) -> str:
        """The raw text of the normal characters [start, end)."""
        raw_start, raw_end = self.raw_slice(start, end)
        return self.raw[raw_start:raw_end]

    def gap(self, index: int) -> str:
        """What normalising dropped right before `chars[index]`: punctuation, white space or nothing.

        `index` may be `len(self)`: what stands after the last character.
        """
        before = self.offsets[index - 1] + 1 if index else 0
        after = self.offsets[index] if index < len(self.offsets) else len(self.raw)
        return unicodedata.normalize("NFKC", self.raw[before:after]) if before < after else ""

    def has_mark(self, mark: str) -> bool:
        """Does the raw text have it anywhere, in any width?"""
        return mark in unicodedata.normalize("NFKC", self.raw)

    def clauses(self) -> tuple[tuple[int, int], ...]:
        """The stretches between commas, stops and the like."""
        return _stretches(self.clause_starts, len(self.chars))

    def clause_of(self, index: int) -> tuple[int, int]:
        """The clause that holds `chars[index]`."""
        return _stretch_of(self.clause_starts, len(self.chars), index)

    def sentences(self) -> tuple[tuple[int, int], ...]:
        """The stretches between stops, question and exclamation marks."""
        return _stretches(self.sentence_starts, len(self.chars))

    def sentence_of(self, index: int) -> tuple[int, int]:
        """The sentence that holds `chars[index]`."""
        return _stretch_of(self.sentence_starts, len(self.chars), index)


@lru_cache(maxsize=16384)
def normalise(raw: str) -> NormalText:
    """The normal form of `raw`; any string will do, also an empty one."""
    chars = [*map(_normal_chars, raw)]
    normal, offsets = "".join(chars), tuple(offset for offset, several in enumerate(chars) for _ in several)
    clause_starts, sentence_starts = [0], [0]
    for index, (before, after) in enumerate(pairwise(offsets), 1):
        if after - before <= 1:
            continue
        dropped = raw[before + 1 : after]
        if _breaks_clause(dropped, normal[index - 1], normal[index]):
            clause_starts.append(index)
        if _breaks_sentence(dropped, normal[index - 1], normal[index]):
            sentence_starts.append(index)
    return NormalText(raw, normal, offsets, tuple(clause_starts), tuple(sentence_starts))


@lru_cache(maxsize=4096)
def fillers(chars: str) -> tuple[bool, ...]:
    """For each character of a normal text: is it a particle (啊 呢 呀 儿 …) or part of a filler word (那个)?"""
    marks = [char in _PARTICLES for char in chars]
    for word in FILLER_WORDS:
        start = chars.find(word)
        while start >= 0:
            marks[start : start + len(word)] = [True] * len(word)
            start = chars.find(word, start + len(word))
    return tuple(marks)


def without_fillers(chars: str) -> str:
    """The characters of a normal text that are neither particles nor filler words."""
    return "".join(char for char, skip in zip(chars, fillers(chars), strict=True) if not skip)


@cache
def lexicon(name: str) -> tuple[tuple[str, ...], ...]:
    """The lines of a file of `rules/lexicon`, each as its words; lines with # are comments."""
    lines = files("zhijian.rules").joinpath("lexicon", f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.split()) for line in lines if line and not line.startswith("#"))


@lru_cache(maxsize=65536)
def _normal_chars(raw_char: str) -> str:
    lowered = _simplified(unicodedata.normalize("NFKC", raw_char).lower())
    kept = (_SPOKEN_VARIANTS.get(char, char) for char in unicodedata.normalize("NFKC", lowered))
    return "".join(char for char in kept if unicodedata.category(char)[0] in "LN")


def _breaks_clause(dropped: str, before: str, after: str) -> bool:
    """A mark between two clauses; white space counts too, since recognisers write it for a pause."""
    marks = unicodedata.normalize("NFKC", dropped)
    if _inside_number(marks, before, after):
        return False
    if any(mark in CLAUSE_MARKS for mark in marks):
        return True
    return any(mark.isspace() for mark in marks) and not (before.isascii() and after.isascii())


def _breaks_sentence(dropped: str, before: str, after: str) -> bool:
    marks = unicodedata.normalize("NFKC", dropped)
    return any(mark in SENTENCE_MARKS for mark in marks) and not _inside_number(marks, before, after)


def _inside_number(marks: str, before: str, after: str) -> bool:
    """126.5, 5:30, 1,280: a mark between two Arabic digits belongs to the number."""
    return before.isascii() and after.isascii() and before.isdigit() and after.isdigit() and marks in {".", ":", ","}


def _stretches(starts: tuple[int, ...], length: int) -> tuple[tuple[int, int], ...]:
    return tuple(zip(starts, (*starts[1:], length), strict=True)) if length else ()


def _stretch_of(starts: tuple[int, ...], length: int, index: int) -> tuple[int, int]:
    if not 0 <= index < length:
        raise IndexError(f"index {index} lies outside a normal text of {length} characters")
    place = bisect_right(starts, index)
    return starts[place - 1], starts[place] if place < len(starts) else length
