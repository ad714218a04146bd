"""Looking for phrases in what was heard: by sound, with gaps, and with the doubt that a recogniser deserves."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from statistics import fmean

from zhijian.models.records.dialogue import Utterance
from zhijian.models.records.span import Span
from zhijian.rules.call.terms import GAP, Phrase
from zhijian.rules.words import pinyin
from zhijian.rules.words.numbers import NUMERAL
from zhijian.rules.words.text import NormalText, normalise

MAX_GAP_CHARS = 10
"""How many characters … may stand for."""
_NUMERAL = re.compile(f"{NUMERAL}|幺")
_WITHIN_NUMBER = re.compile(f"(?<={NUMERAL}|幺)(?={NUMERAL}|幺)")


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of an utterance that sounds like `phrase`; `match` counts in the normal form of its text.

    `belief`: how probable it is (0..1) that the phrase was said, where the sound was asked.
    """

    phrase: str
    utterance: Utterance
    match: pinyin.Match
    belief: float | None = None

    @property
    def text(self) -> NormalText:
        return normalise(self.utterance.text)

    @property
    def quote(self) -> str:
        return self.text.quote(self.match.start, self.match.end)

    @property
    def wording(self) -> str:
        """The phrase, with what was heard in its gaps."""
        heard = [self.text.quote(start, end) for start, end in self.match.gaps]
        return "".join(part + gap for part, gap in zip_longest(self.phrase.split(GAP), heard, fillvalue=""))

    @property
    def span(self) -> Span:
        return self.utterance.time_of(*self.text.raw_slice(self.match.start, self.match.end))

    def overlaps(self, other: Hit) -> bool:
        return (
            self.utterance == other.utterance
            and self.match.start < other.match.end
            and other.match.start < self.match.end
        )

    @property
    def word_confidence(self) -> float:
        """Mean probability of the words it lies in; the utterance's own confidence without word times."""
        start, end = self.text.raw_slice(self.match.start, self.match.end)
        probabilities, offset = [], 0
        for word in self.utterance.words:
            if offset < end and start < offset + len(word.text):
                probabilities.append(word.probability)
            offset += len(word.text)
        return fmean(probabilities) if probabilities else self.utterance.confidence

    @property
    def likelihood(self) -> float:
        """The belief; without one the similarity; 0..1."""
        return self.match.similarity if self.belief is None else self.belief

    @property
    def confidence(self) -> float:
        """The belief; without one the similarity times the recogniser's confidence in those words; 0..1."""
        return self.match.similarity * self.word_confidence if self.belief is None else self.belief


def best_hit(hits: Iterable[Hit]) -> Hit | None:
    """The most alike, the first of equals."""
    best: Hit | None = None
    for hit in hits:
        if best is None or hit.match.similarity > best.match.similarity:
            best = hit
        if best.match.similarity == 1:
            return best
    return best


def hits(phrase: Phrase, utterance: Utterance, *, min_similarity: float) -> tuple[Hit, ...]:
    """Every place of the utterance that sounds like the phrase."""
    matches = find(phrase, normalise(utterance.text), min_similarity=min_similarity)
    return tuple(Hit(phrase.text, utterance, match) for match in matches)


def apart(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Of hits that overlap only the likeliest, of equals the very characters, then the longest; in order of time."""
    chosen: list[Hit] = []
    for hit in sorted(hits, key=lambda hit: (-hit.likelihood, not hit.match.exact, hit.match.start - hit.match.end)):
        if not any(hit.overlaps(other) for other in chosen):
            chosen.append(hit)
    return tuple(sorted(chosen, key=lambda hit: (hit.utterance.span, hit.match.start)))


def find(phrase: Phrase, text: NormalText, *, min_similarity: float) -> tuple[pinyin.Match, ...]:
    """Like `pinyin.find`, for a phrase that may have gaps; a chain of parts is as similar as its worst part."""
    chains = _in_one_piece(phrase.parts[0], text, min_similarity)
    if not chains:  # true of most phrases: the rest costs more than to know this
        return ()
    chains = tuple(match for match in chains if not text.chars[: match.start].endswith(phrase.not_after))
    for part in phrase.parts[1:]:
        following = _in_one_piece(part, text, min_similarity) if chains else ()
        chains = tuple(joined for chain in chains if (joined := _join_nearest(chain, following)) is not None)
    return tuple(chain for chain in chains if not text.chars[chain.end :].startswith(phrase.not_before))


def _in_one_piece(part: str, text: NormalText, min_similarity: float) -> tuple[pinyin.Match, ...]:
    """Without what only sounds like it and goes over the end of a sentence (琢磨。电), or has a digit of a number."""
    matches = pinyin.find(part, text, min_similarity=min_similarity)
    return tuple(
        match for match in matches if match.exact or not (_is_broken(match, text) or _parts_number(part, match, text))
    )


def _is_broken(match: pinyin.Match, text: NormalText) -> bool:
    """Does a sentence end in it, or a clause in so few syllables that they may be anything?"""
    starts = text.clause_starts if match.end - match.start <= pinyin.SHORT else text.sentence_starts
    return bisect_right(starts, match.start) < bisect_left(starts, match.end)


def _parts_number(part: str, match: pinyin.Match, text: NormalText) -> bool:
    """电费五百八 has no 废物."""
    begins = _is_within_number(text, match.start) and not _NUMERAL.match(part)
    ends = _is_within_number(text, match.end) and not _NUMERAL.match(part, len(part) - 1)
    return begins or ends


def _is_within_number(text: NormalText, index: int) -> bool:
    return index not in text.clause_starts and _WITHIN_NUMBER.match(text.chars, index) is not None


def _join_nearest(chain: pinyin.Match, following: Iterable[pinyin.Match]) -> pinyin.Match | None:
    for match in following:
        if 0 <= match.start - chain.end <= MAX_GAP_CHARS:
            return pinyin.Match(
                chain.start,
                match.end,
                min(chain.similarity, match.similarity),
                chain.exact and match.exact,
                (*chain.gaps, (chain.end, match.start)),
            )
    return None
