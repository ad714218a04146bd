"""Looking for phrases in what was heard: by sound, with gaps, and with the doubt that a recogniser deserves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from zhijian.models.records.dialogue import Utterance
from zhijian.models.records.span import Span
from zhijian.rules import pinyin
from zhijian.rules.terms import Phrase
from zhijian.rules.text import NormalText, normalise

MAX_GAP_CHARS = 10
"""How many characters … may stand for."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A stretch of an utterance that sounds like `phrase`; `match` counts in the normal form of its text."""

    phrase: str
    utterance: Utterance
    match: pinyin.Match

    @property
    def text(self) -> NormalText:
        return normalise(self.utterance.text)

    @property
    def quote(self) -> str:
        return self.text.quote(self.match.start, self.match.end)

    @property
    def span(self) -> Span:
        return self.utterance.time_of(*self.text.raw_slice(self.match.start, self.match.end))

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
    def confidence(self) -> float:
        """Similarity times the recogniser's confidence in those words, 0..1."""
        return self.match.similarity * self.word_confidence


def best_hit(phrases: Sequence[Phrase], utterances: Iterable[Utterance], *, said: float) -> Hit | None:
    """The best of what counts as said: `said` is the least similarity, unless the phrase brings its own."""
    best: Hit | None = None
    for utterance in utterances:
        for phrase in phrases:
            for hit in hits(phrase, utterance, min_similarity=phrase.accept or said):
                if best is None or hit.match.similarity > best.match.similarity:
                    best = hit
        if best is not None and best.match.similarity == 1:
            return best
    return best


def hits(phrase: Phrase, utterance: Utterance, *, min_similarity: float) -> Iterator[Hit]:
    """Every place of the utterance that sounds like the phrase."""
    for match in find(phrase, normalise(utterance.text), min_similarity=min_similarity):
        yield Hit(phrase.text, utterance, match)


def find(phrase: Phrase, text: NormalText, *, min_similarity: float) -> tuple[pinyin.Match, ...]:
    """Like `pinyin.find`, for a phrase that may have gaps; a chain of parts is as similar as its worst part."""
    first, *rest = phrase.parts
    chains = tuple(
        match
        for match in pinyin.find(first, text, min_similarity=min_similarity)
        if not text.chars[: match.start].endswith(phrase.not_after)
    )
    for part in rest:
        following = pinyin.find(part, text, min_similarity=min_similarity) if chains else ()
        chains = tuple(joined for chain in chains if (joined := _join_nearest(chain, following)) is not None)
    return tuple(chain for chain in chains if not text.chars[chain.end :].startswith(phrase.not_before))


def _join_nearest(chain: pinyin.Match, following: Iterable[pinyin.Match]) -> pinyin.Match | None:
    for match in following:
        if 0 <= match.start - chain.end <= MAX_GAP_CHARS:
            return pinyin.Match(
                chain.start, match.end, min(chain.similarity, match.similarity), chain.exact and match.exact
            )
    return None
