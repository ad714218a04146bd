"""Asking the sound whether something was said: real speech, real weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.audio import RATE_HZ, Sound
from zhijian.models.engines.verifier import phrase_scores
from zhijian.models.engines.whisper import Forced, Recogniser
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Word
from zhijian.models.records.questions import PhraseQuery
from zhijian.models.records.span import RecordError, Span

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def recogniser(folder) -> Recogniser:
    return Recogniser(folder)


@pytest.fixture(scope="module")
def window(sample_sound) -> Window:
    """One with a sentence."""
    return Window(Sound.of(sample_sound[np.newaxis], RATE_HZ).samples, (range(len(sample_sound)),))


@pytest.fixture(scope="module")
def words(recogniser, window) -> tuple[Word, ...]:
    """As they were recognised."""
    return recogniser.read([window])[0].words


def dialogue_of(*utterances: Sequence[Word]) -> Dialogue:
    """Of agent and customer in turns, or at once."""
    found = [
        Utterance(
            (Role.AGENT, Role.CUSTOMER)[number % 2],
            Span(words[0].span.start_ms, words[-1].span.end_ms),
            "".join(word.text for word in words),
            1.0,
            words=tuple(words),
        )
        for number, words in enumerate(utterances)
    ]
    end_ms = max(utterance.span.end_ms for utterance in found)
    return Dialogue(end_ms, Separation.CHANNELS, "test", "zh", tuple(sorted(found, key=lambda one: one.span)))


def ratio(recogniser: Recogniser, window: Window, words: Sequence[Word], query: PhraseQuery) -> float:
    (score,) = phrase_scores(recogniser, [window], dialogue_of(words), [query])
    assert score.query == query
    return score.log_likelihood_ratio


def test_what_was_recognised_fits_as_well_as_itself(recogniser, window, words):
    text = "".join(word.text for word in words)
    assert ratio(recogniser, window, words, PhraseQuery(0, 1, 4, text[1:4])) == 0


def test_what_was_said_fits_better_than_what_was_misheard(recogniser, window, words):
    position = len(words) // 2
    start = sum(len(word.text) for word in words[:position])
    garbled = [*words[:position], replace(words[position], text="苹果"), *words[position + 1 :]]
    assert ratio(recogniser, window, garbled, PhraseQuery(0, start, start + 2, words[position].text)) > 3


def test_what_was_not_said_fits_worse(recogniser, window, words):
    assert ratio(recogniser, window, words, PhraseQuery(0, 0, 4, "我的苹果熟了")) < -10


def test_the_sound_is_encoded_once_for_reading_and_asking(recogniser, window, words, monkeypatch):
    monkeypatch.setattr(type(recogniser._features), "__call__", None)  # whoever computes features fails
    assert ratio(recogniser, window, words, PhraseQuery(0, 0, 2, "苹果")) < 0


def test_a_stretch_outside_all_windows_has_no_answer(recogniser, window):
    late = dialogue_of([Word("请稍等", Span(500_000, 510_000), 1.0)])
    assert phrase_scores(recogniser, [window], late, [PhraseQuery(0, 0, 3, "请稍等")]) == ()


@pytest.mark.parametrize(("start", "end", "wording"), [(-1, 2, "请"), (3, 2, "请"), (0, 1, "")])
def test_a_query_without_a_stretch_or_a_wording_is_refused(start, end, wording):
    with pytest.raises(RecordError):
        PhraseQuery(0, start, end, wording)


class Listener:
    """Notes what a recogniser is forced to say."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def forced(self, window: Window, texts: Sequence[str]) -> list[Forced]:
        self.texts += texts
        return [np.zeros(len(text)) for text in texts]

    def num_tokens(self, text: str) -> int:
        return len(text)


def texts_asked(dialogue: Dialogue, query: PhraseQuery) -> list[str]:
    """What the sound is compared with: as it was recognised, and with the wording."""
    window = Window(np.zeros((1, dialogue.duration_ms * 16), np.int16), (range(dialogue.duration_ms * 16),))
    listener = Listener()
    assert phrase_scores(cast(Recogniser, listener), [window], dialogue, [query])
    return listener.texts


@given(
    st.lists(st.lists(st.text("请稍等一下马上", min_size=1, max_size=3), min_size=1, max_size=4), min_size=1), st.data()
)
def test_all_else_that_was_said_stays_as_it_was(texts, data):
    """Also at the beginning of an utterance, where a word's time may have been cut down to nothing."""
    moments = iter(range(1000, 1000_000, 1000))
    utterances = []
    for of_one in texts:
        spans = [Span(end - data.draw(st.integers(0, 1000)), end) for _, end in zip(of_one, moments, strict=False)]
        utterances.append([Word(text, span, 1.0) for text, span in zip(of_one, spans, strict=True)])
    number = data.draw(st.integers(0, len(texts) - 1))
    length = len("".join(texts[number]))
    start = data.draw(st.integers(0, length - 1))
    end = data.draw(st.integers(start + 1, length))
    before, after = "".join(map("".join, texts[:number])), "".join(map("".join, texts[number + 1 :]))
    own = "".join(texts[number])
    assert texts_asked(dialogue_of(*utterances), PhraseQuery(number, start, end, "您好")) == [
        before + own + after,
        before + own[:start] + "您好" + own[end:] + after,
    ]


def test_what_the_other_says_meanwhile_is_left_out_of_both():
    agent = [Word("请您", Span(0, 1000), 1.0), Word("稍等", Span(1000, 3000), 1.0)]
    customer = [Word("嗯", Span(1500, 2000), 1.0), Word("好的", Span(3500, 4000), 1.0)]
    assert texts_asked(dialogue_of(agent, customer), PhraseQuery(0, 0, 4, "请销等")) == ["请您稍等好的", "请销等好的"]
