"""Was a phrase said where the recogniser wrote something that sounds like it? The sound itself is asked.

Whisper is forced to say a whole window twice, as it was recognised and with the phrase in its place; the difference of
the two log likelihoods tells which of them the sound supports, and how probable the phrase's own tokens are, whether it
supports any of them. All else that was said in the window stays: it is the context of both.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from zhijian.models.engines.whisper import Recogniser
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.span import Span


class _Word(NamedTuple):
    """`text[start:end]` of the utterance with this number, whose last sound was at `end_ms`."""

    end_ms: int
    utterance: int
    start: int
    end: int
    text: str

    def is_asked_about(self, query: PhraseQuery) -> bool:
        """Also before which something may be missing."""
        end = max(query.end, query.start + 1)
        return self.utterance == query.utterance and self.start < end and query.start < self.end


def phrase_scores(
    recogniser: Recogniser, windows: Sequence[Window], dialogue: Dialogue, queries: Sequence[PhraseQuery]
) -> tuple[PhraseScore, ...]:
    """The answers to the queries, in their order; none for a stretch that no window holds."""
    said = [list(_words(number, utterance)) for number, utterance in enumerate(dialogue.utterances)]
    spans = [window.span for window in windows]
    asked: defaultdict[int, list[PhraseQuery]] = defaultdict(list)
    for query in queries:
        about = [word for word in said[query.utterance] if word.is_asked_about(query)]
        if about and (number := _window_of(about[-1], spans)) is not None:
            asked[number].append(query)
    words = sorted(itertools.chain.from_iterable(said))
    ends_ms = [word.end_ms for word in words]
    scores: dict[PhraseQuery, PhraseScore] = {}
    for number, about_window in asked.items():
        first, last = (bisect_right(ends_ms, moment) for moment in (spans[number].start_ms, spans[number].end_ms))
        found = _scores(recogniser, windows[number], words[first:last], about_window)
        scores |= {score.query: score for score in found}
    return tuple(scores[query] for query in queries if query in scores)


def _words(number: int, utterance: Utterance) -> Iterator[_Word]:
    start = 0
    for word in utterance.words:
        end = start + len(word.text)
        yield _Word(word.span.end_ms, number, start, end, word.text)
        start = end


def _window_of(word: _Word, spans: Sequence[Span]) -> int | None:
    """The end decides: a word that follows a pause is timed from where the word before it ended."""
    number = bisect_left(spans, word.end_ms, key=lambda span: span.end_ms)
    return number if number < len(spans) and spans[number].start_ms < word.end_ms else None


def _scores(
    recogniser: Recogniser, window: Window, said: Sequence[_Word], queries: Sequence[PhraseQuery]
) -> Iterator[PhraseScore]:
    """Of queries about one window, in which these words were said."""
    contexts = [_context(said, query) for query in queries]
    recognised = ["".join(context) for context in contexts]
    asked = [before + query.wording + after for query, (before, _, after) in zip(queries, contexts, strict=True)]
    texts = list(dict.fromkeys(recognised + asked))
    forced = dict(zip(texts, recogniser.forced(window, texts), strict=True))
    for query, (before, _, _), was, text in zip(queries, contexts, recognised, asked, strict=True):
        own = slice(recogniser.num_tokens(before), recogniser.num_tokens(before + query.wording))
        yield PhraseScore(
            query,
            log_likelihood_ratio=round(float(forced[text].sum() - forced[was].sum()), 4),
            mean_log_probability=round(float(forced[text][own].mean()), 4),
        )


def _context(said: Sequence[_Word], query: PhraseQuery) -> tuple[str, str, str]:
    """What was said before the stretch, in it and after it. It may begin or end within a word."""
    own = [place for place, word in enumerate(said) if word.is_asked_about(query)]
    words = "".join(said[place].text for place in own)
    start, end = max(0, query.start - said[own[0]].start), query.end - said[own[0]].start
    before = "".join(word.text for word in said[: own[0]])
    after = "".join(word.text for word in said[own[-1] + 1 :])
    return before + words[:start], words[start:end], words[end:] + after
