"""Voices and words to utterances: who said what, with times measured on the sound."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from statistics import fmean

from zhijian.models.engines.inventions import suspicion_of_words
from zhijian.models.records.dialogue import Role, Utterance, Word
from zhijian.models.records.span import Span

PAUSE_MS = 1000
# words further than this from any voice were not said by anybody we hear
STRAY_MS = 1000


@dataclass(slots=True)
class Stretch:
    """One speaker's voice without a pause of a second or a word of the other between, and what was heard in it."""

    speaker: int
    span: Span
    voiced: list[Span]
    words: list[Word] = field(default_factory=list)
    suspect: str | None = None

    @property
    def voiced_ms(self) -> int:
        return sum(span.duration_ms for span in self.voiced)


def stretches(voices: Sequence[Sequence[Span]]) -> list[Stretch]:
    """The utterances of a conversation, still without words, ordered by time. `voices`: spans of each speaker."""
    found: list[Stretch] = []
    last: dict[int, Stretch] = {}
    spoken = sorted((span, speaker) for speaker, spans in enumerate(voices) for span in spans)
    for span, speaker in spoken:
        before = last.get(speaker)
        if (
            before is not None
            and span.start_ms - before.span.end_ms < PAUSE_MS
            and not _other_spoke(found, before, span)
        ):
            before.span = before.span.hull(span)
            before.voiced.append(span)
        else:
            last[speaker] = Stretch(speaker, span, [span])
            found.append(last[speaker])
    return sorted(found, key=lambda stretch: stretch.span)


def _other_spoke(found: Sequence[Stretch], before: Stretch, span: Span) -> bool:
    """The other speaker began in the pause between `before` and `span`, the latest of all."""
    since = takewhile(lambda other: other.span.start_ms >= before.span.end_ms, reversed(found))
    return any(other.speaker != before.speaker and other.span.start_ms < span.start_ms for other in since)


def give_words(found: Sequence[Stretch], words: Iterable[Word]) -> list[Word]:
    """Gives each word to the stretch it ends in or nearest to; returns the words that nobody can have said.

    `found` is ordered by time. The end decides: a word that follows a pause is timed from where the word before it
    ended.
    """
    starts_ms = [stretch.span.start_ms for stretch in found]
    all_ended_ms = list(accumulate((stretch.span.end_ms for stretch in found), max))  # all up to this one
    stray = []
    for word in words:
        end_ms = word.span.end_ms
        near = found[bisect_left(all_ended_ms, end_ms - STRAY_MS) : bisect_right(starts_ms, end_ms + STRAY_MS)]
        nearest = min(near, key=lambda stretch: _distance_ms(stretch.span, end_ms), default=None)
        if nearest is None or _distance_ms(nearest.span, end_ms) > STRAY_MS:
            stray.append(word)
        else:
            nearest.words.append(word)
    return stray


def _distance_ms(span: Span, moment_ms: int) -> int:
    return max(0, span.start_ms - moment_ms, moment_ms - span.end_ms)


def utterance_of(stretch: Stretch, role: Role, role_confidence: float) -> Utterance:
    """The finished utterance; its words are moved into its span where their times ran over."""
    words = tuple(_inside(word, stretch.span) for word in stretch.words)
    return Utterance(
        role=role,
        span=stretch.span,
        text="".join(word.text for word in words),
        confidence=round(fmean(word.probability for word in words), 4) if words else 0.0,
        suspect=stretch.suspect or suspicion_of_words(words, stretch.voiced_ms),
        words=words,
        role_confidence=round(role_confidence, 4),
    )


def stray_utterance(words: Sequence[Word]) -> Utterance:
    """Words where no voice is: kept, but as an invention."""
    return Utterance(
        role=Role.SYSTEM,
        span=words[0].span.hull(words[-1].span),
        text="".join(word.text for word in words),
        confidence=round(fmean(word.probability for word in words), 4),
        suspect="此处没有听到人声",
        words=tuple(words),
    )


def _inside(word: Word, span: Span) -> Word:
    start = min(max(word.span.start_ms, span.start_ms), span.end_ms)
    end = min(max(word.span.end_ms, start), span.end_ms)
    return Word(word.text, Span(start, end), round(word.probability, 4))
