"""Correction by sound toward the words of the line: 护号 to 户号, 工店公司 to 供电公司, 就5598 to 95598.

A text is cut into words as a unigram model of Chinese would have it (the dictionary of jieba), where a stretch may also
be read as a word of the lexicon that sounds like it. Such a reading has to pay for each character it changes and for
each sound it changes, so it wins only where what is written there makes poor Chinese. Length and word times stay.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import product
from typing import Any

import yaml
from pypinyin import lazy_pinyin

from zhijian.models.engines.dictated import with_ones
from zhijian.models.engines.roles import tokenizer
from zhijian.models.records.dialogue import Word

EVERYDAY_LOG_PROBABILITY, SPECIAL_LOG_PROBABILITY = -6.0, -8.0
CHARACTER_COST, NEAR_SOUND_COST = 1.5, 3.0
LONGEST_CHARACTERS = 8
# a character that the dictionary does not have
UNKNOWN_LOG_PROBABILITY = -18.0
# a word this common may well have been meant, whatever it sounds like: 何时 is not 核实, nor 合适; nor 登机 登记
COMMON_LOG_PROBABILITY = -13.4
DIGITS = dict(zip("0123456789", ("ling", "yi", "er", "san", "si", "wu", "liu", "qi", "ba", "jiu"), strict=True))
NEAR_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))
NEAR_FINALS = (("ang", "an"), ("eng", "en"), ("ing", "in"))


@dataclass(frozen=True, slots=True)
class Correction:
    """`text[start:end]` was `heard` and is now `meant`; both have the same length."""

    start: int
    end: int
    heard: str
    meant: str


@dataclass(frozen=True, slots=True)
class _Term:
    text: str
    syllables: tuple[str, ...]
    log_probability: float


@dataclass(frozen=True, slots=True)
class _Reading:
    """`text[start:end]` read as `meant`, at this log-probability less what the change costs."""

    start: int
    end: int
    meant: str
    score: float


def corrected(words: Sequence[Word]) -> tuple[Word, ...]:
    """The same words at the same times, spelt as the lexicon spells what they sound like, and numbers as dictated."""
    text = "".join(word.text for word in words)
    meant = list(with_ones(text))
    for correction in corrections(text):
        meant[correction.start : correction.end] = correction.meant
    return spelt(words, "".join(meant))


def spelt(words: Sequence[Word], text: str) -> tuple[Word, ...]:
    """The same words at the same times in another spelling, `text`, which is as long as theirs."""
    result, offset = [], 0
    for word in words:
        now = text[offset : offset + len(word.text)]
        result.append(word if now == word.text else Word(now, word.span, word.probability))
        offset += len(word.text)
    return tuple(result)


def corrections(text: str) -> tuple[Correction, ...]:
    """Where a word of the lexicon was misspelt, in order; none of them overlap."""
    return tuple(
        Correction(reading.start, reading.end, text[reading.start : reading.end], reading.meant)
        for reading in _best_path(text)
        if reading.meant != text[reading.start : reading.end]
    )


def _best_path(text: str) -> list[_Reading]:
    """The most probable words of the text, one after the other (Viterbi)."""
    by_start: dict[int, list[_Reading]] = {}
    for reading in (*_as_written(text), *_as_meant(text)):
        by_start.setdefault(reading.start, []).append(reading)
    best: list[tuple[float, _Reading | None]] = [(0.0, None), *((-math.inf, None) for _ in text)]
    for start in range(len(text)):
        for reading in by_start[start]:
            score = best[start][0] + reading.score
            if score > best[reading.end][0]:
                best[reading.end] = (score, reading)
    path: list[_Reading] = []
    end = len(text)
    while (last := best[end][1]) is not None:
        path.append(last)
        end = last.start
    return path[::-1]


def _as_written(text: str) -> Iterator[_Reading]:
    """Every word of the dictionary that stands in the text, and every single character."""
    for start in range(len(text)):
        for end in range(start + 1, min(len(text), start + LONGEST_CHARACTERS) + 1):
            if (score := _log_probability(text[start:end])) is not None:
                yield _Reading(start, end, text[start:end], score)
            elif end == start + 1:
                yield _Reading(start, end, text[start], UNKNOWN_LOG_PROBABILITY)


def _as_meant(text: str) -> Iterator[_Reading]:
    """Every stretch that sounds like a word of the lexicon, and is not a common word itself."""
    readings = _readings(text)
    terms = _terms()
    for start in range(len(text)):
        for end in range(start + 2, min(len(text), start + LONGEST_CHARACTERS) + 1):
            if not all(readings[start:end]):
                break
            common = (_log_probability(text[start:end]) or -math.inf) >= COMMON_LOG_PROBABILITY
            for syllables in set(product(*readings[start:end])):
                for term in terms.get(tuple(map(_folded, syllables)), ()):
                    changed = sum(a != b for a, b in zip(term.text, text[start:end], strict=True))
                    near = sum(a != b for a, b in zip(term.syllables, syllables, strict=True))
                    # of two syllables, both count
                    if not (changed and common) and not (near and len(syllables) == 2):
                        cost = CHARACTER_COST * changed + NEAR_SOUND_COST * near
                        yield _Reading(start, end, term.text, term.log_probability - cost)


def _log_probability(word: str) -> float | None:
    """None if the dictionary does not have it."""
    dictionary = tokenizer()
    count = dictionary.FREQ.get(word)  # 0 for the beginning of a longer word
    return math.log(count / dictionary.total) if count else None


def _readings(text: str) -> list[tuple[str, ...]]:
    """How each character is read: in its context, and alone; nothing for what has no sound."""
    in_context = lazy_pinyin(text, errors=_silent, v_to_u=False)
    return [
        (DIGITS[char],) if char in DIGITS else tuple(dict.fromkeys(filter(None, (sound, *_alone(char)))))
        for char, sound in zip(text, in_context, strict=True)
    ]


def _silent(run: str) -> Any:
    """For characters without a sound; pypinyin also takes one for each, which its types do not say."""
    return [""] * len(run)


@lru_cache(maxsize=8192)
def _alone(char: str) -> tuple[str, ...]:
    return tuple(lazy_pinyin(char, errors="ignore"))


@lru_cache(maxsize=2048)
def _folded(syllable: str) -> str:
    """What is left of a syllable for those who do not tell apart what is often confused."""
    for one, other in NEAR_INITIALS:
        if syllable.startswith(one):
            syllable = other + syllable.removeprefix(one)
            break
    for one, other in NEAR_FINALS:
        if syllable.endswith(one):
            return syllable.removesuffix(one) + other
    return syllable


@cache
def _terms() -> dict[tuple[str, ...], list[_Term]]:
    """The lexicon by folded sound."""
    table: dict[str, Any] = yaml.safe_load(
        files("zhijian.models.engines").joinpath("lexicon.yaml").read_text(encoding="utf-8")
    )
    found: dict[tuple[str, ...], list[_Term]] = {}
    for group, score in (("everyday", EVERYDAY_LOG_PROBABILITY), ("special", SPECIAL_LOG_PROBABILITY)):
        for text in table[group].split():
            syllables = tuple(readings[0] for readings in _readings(text))
            found.setdefault(tuple(map(_folded, syllables)), []).append(_Term(text, syllables, score))
    return found
