"""Was a phrase said where the recogniser wrote something that sounds like it? The sound itself is asked.

Whisper is forced to say the whole window twice, as it was recognised and with the phrase in its place; the difference
of the two log likelihoods tells which of them the sound supports, and how probable the phrase's own tokens are, whether
it supports any of them. The words around stay: they are the context of both.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zhijian.models.engines.whisper import Passage, Recogniser
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.span import Span


@dataclass(frozen=True, slots=True)
class Reading:
    """A window and what was read in it."""

    window: Window
    passage: Passage


def phrase_scores(
    recogniser: Recogniser, readings: Sequence[Reading], dialogue: Dialogue, queries: Sequence[PhraseQuery]
) -> tuple[PhraseScore, ...]:
    """The answers to the queries, in their order; none for a stretch that no window holds."""
    by_window: defaultdict[int, list[PhraseQuery]] = defaultdict(list)
    for query in queries:
        place = dialogue.utterances[query.utterance].time_of(query.start, query.end)
        number = _window_of(place, readings)
        if number is not None:
            by_window[number].append(query)
    scores: dict[PhraseQuery, PhraseScore] = {}
    for number, asked in by_window.items():
        scores |= {score.query: score for score in _scores(recogniser, readings[number], dialogue, asked)}
    return tuple(scores[query] for query in queries if query in scores)


def _scores(
    recogniser: Recogniser, reading: Reading, dialogue: Dialogue, queries: Sequence[PhraseQuery]
) -> Iterator[PhraseScore]:
    """Of the queries that lie in one window."""
    contexts = [_context(reading.passage, dialogue.utterances[query.utterance], query) for query in queries]
    recognised, asked = [], []
    for query, (before, after) in zip(queries, contexts, strict=True):
        recognised.append(before + dialogue.utterances[query.utterance].text[query.start : query.end] + after)
        asked.append(before + query.wording + after)
    texts = list(dict.fromkeys(recognised + asked))
    forced = dict(zip(texts, recogniser.forced(reading.window, texts), strict=True))
    for query, (before, _), was, text in zip(queries, contexts, recognised, asked, strict=True):
        own = slice(recogniser.num_tokens(before), recogniser.num_tokens(before + query.wording))
        yield PhraseScore(
            query,
            log_likelihood_ratio=round(float(forced[text].sum() - forced[was].sum()), 4),
            mean_log_probability=round(float(forced[text][own].mean()), 4),
        )


def _window_of(place: Span, readings: Sequence[Reading]) -> int | None:
    """The window that holds most of a stretch of the recording."""
    overlaps = [reading.window.span.overlap_ms(place) for reading in readings]
    best = max(range(len(readings)), key=overlaps.__getitem__, default=None)
    return best if best is not None and overlaps[best] > 0 else None


def _context(passage: Passage, utterance: Utterance, query: PhraseQuery) -> tuple[str, str]:
    """What was recognised in the window before and after the stretch.

    The stretch may begin or end within a word; and the window's other words are told from its own by their times.
    """
    place, head, tail = utterance.time_of(query.start, query.end), "", ""
    offset = 0
    for word in utterance.words:
        end = offset + len(word.text)
        if offset < query.end and query.start < end:
            head += word.text[: max(0, query.start - offset)]
            tail += word.text[max(0, query.end - offset) :]
        offset = end
    middles = [(word.span.start_ms + word.span.end_ms) / 2 for word in passage.words]
    before = "".join(w.text for w, middle in zip(passage.words, middles, strict=True) if middle < place.start_ms)
    after = "".join(w.text for w, middle in zip(passage.words, middles, strict=True) if middle > place.end_ms)
    return before + head, tail + after
