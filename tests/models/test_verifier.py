"""Asking the sound whether something was said: real speech, real weights."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.audio import RATE_HZ, Sound
from zhijian.models.engines.verifier import Reading, _context, phrase_scores
from zhijian.models.engines.whisper import Passage, Recogniser
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Word
from zhijian.models.records.questions import PhraseQuery
from zhijian.models.records.span import RecordError, Span

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def recogniser(folder) -> Recogniser:
    return Recogniser(folder)


@pytest.fixture(scope="module")
def reading(recogniser, sample_sound) -> Reading:
    """A window with one sentence, as it was recognised."""
    window = Window(Sound.of(sample_sound[np.newaxis], RATE_HZ).samples, (range(len(sample_sound)),))
    return Reading(window, recogniser.read([window])[0])


def dialogue_of(passage: Passage) -> Dialogue:
    """All of it as one utterance."""
    span = Span(0, max(word.span.end_ms for word in passage.words) + 1)
    text = "".join(word.text for word in passage.words)
    utterance = Utterance(Role.AGENT, span, text, 1.0, words=passage.words)
    return Dialogue(span.end_ms, Separation.CHANNELS, "test", "zh", (utterance,))


def misheard(passage: Passage, position: int, text: str) -> Passage:
    words = list(passage.words)
    words[position] = replace(words[position], text=text)
    return replace(passage, words=tuple(words))


def ratio(recogniser: Recogniser, reading: Reading, query: PhraseQuery) -> float:
    (score,) = phrase_scores(recogniser, [reading], dialogue_of(reading.passage), [query])
    assert score.query == query
    return score.log_likelihood_ratio


def test_what_was_recognised_fits_as_well_as_itself(recogniser, reading):
    text = dialogue_of(reading.passage).utterances[0].text
    assert ratio(recogniser, reading, PhraseQuery(0, 1, 4, text[1:4])) == 0


def test_what_was_said_fits_better_than_what_was_misheard(recogniser, reading):
    position = len(reading.passage.words) // 2
    said = reading.passage.words[position].text
    start = sum(len(word.text) for word in reading.passage.words[:position])
    garbled = Reading(reading.window, misheard(reading.passage, position, "苹果"))
    assert ratio(recogniser, garbled, PhraseQuery(0, start, start + 2, said)) > 3


def test_what_was_not_said_fits_worse(recogniser, reading):
    assert ratio(recogniser, reading, PhraseQuery(0, 0, 4, "我的苹果熟了")) < -10


def test_the_sound_is_encoded_once_for_reading_and_asking(recogniser, reading, monkeypatch):
    monkeypatch.setattr(type(recogniser._features), "__call__", None)  # whoever computes features fails
    assert ratio(recogniser, reading, PhraseQuery(0, 0, 2, "苹果")) < 0


def test_a_stretch_outside_all_windows_has_no_answer(recogniser, reading):
    late = Utterance(Role.AGENT, Span(500_000, 510_000), "请稍等", 1.0)
    dialogue = Dialogue(600_000, Separation.CHANNELS, "test", "zh", (late,))
    assert phrase_scores(recogniser, [reading], dialogue, [PhraseQuery(0, 0, 3, "请稍等")]) == ()


@pytest.mark.parametrize(("start", "end", "wording"), [(-1, 2, "请"), (3, 2, "请"), (0, 1, "")])
def test_a_query_without_a_stretch_or_a_wording_is_refused(start, end, wording):
    with pytest.raises(RecordError):
        PhraseQuery(0, start, end, wording)


@given(st.lists(st.text("请稍等一下马上", min_size=1, max_size=3), min_size=1, max_size=8), st.data())
def test_the_words_around_a_stretch_stay(texts, data):
    """Of an utterance that begins and ends within the window."""
    words = tuple(Word(text, Span(1000 * i + 100, 1000 * i + 900), 1.0) for i, text in enumerate(texts))
    text = "".join(texts)
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    utterance = Utterance(Role.AGENT, Span(0, 1000 * len(words)), text, 1.0, words=words)
    passage = Passage(words, -0.1, 0.0, 1.0)
    before, after = _context(passage, utterance, PhraseQuery(0, start, end, "您好"))
    assert before + text[start:end] + after == text
