"""Pieces of speech parted into voices: embeddings made by hand, as far apart as wanted."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines.voiceprints import part
from zhijian.models.records.span import Span

SCATTER = 0.25


def pieces(seconds: list[float], pause_ms: int = 300) -> list[Span]:
    spans, end_ms = [], 0
    for duration in seconds:
        spans.append(Span(end_ms + pause_ms, end_ms + pause_ms + int(duration * 1000)))
        end_ms = spans[-1].end_ms
    return spans


def voices(speakers: list[int], distance: float, seed: int = 0) -> np.ndarray:
    """Embeddings scattered about voices that are all `distance` apart, (num_pieces, 192) of length one."""
    random = np.random.default_rng(seed)
    axes = np.sqrt(distance) * np.eye(192)[1:4] + np.sqrt(1 - distance) * np.eye(192)[0]
    scattered = axes[speakers] + SCATTER / np.sqrt(192) * random.standard_normal((len(speakers), 192))
    return (scattered / np.linalg.norm(scattered, axis=1, keepdims=True)).astype(np.float32)


def test_two_voices_are_numbered_in_the_order_of_their_first_words():
    speakers = [1, 0, 1, 1, 0, 0, 1, 0]
    found = part(pieces([1.0] * 8), voices(speakers, 0.5))
    assert found.speakers.tolist() == [1 - speaker for speaker in speakers]
    assert found.separability == pytest.approx(0.5, abs=0.1)
    assert (found.margins > 0.2).all()


def test_a_third_voice_is_the_one_heard_in_one_go():
    """An announcement of 6 s, though one of the two main voices says less."""
    speakers = [2] * 6 + [0, 0, 1, 0, 0, 1, 0, 1, 0, 1]
    found = part(pieces([1.0] * len(speakers)), voices(speakers, 0.6))
    assert found.speakers.tolist() == speakers


@pytest.mark.parametrize(("distance", "seconds"), [(0.6, 0.7), (0.3, 1.5)], ids=["too little speech", "too near"])
def test_a_third_voice_must_be_clear(distance, seconds):
    speakers = [0, 1, 0, 1, 0, 1, 0, 1, 2, 2, 0, 1]
    durations = [seconds if speaker == 2 else 1.5 for speaker in speakers]
    found = part(pieces(durations), voices(speakers, distance))
    assert set(found.speakers.tolist()) == {0, 1}


@pytest.mark.parametrize(("distance", "told_apart"), [(0.3, False), (0.8, True)])
def test_with_little_speech_a_second_voice_must_be_farther(distance, told_apart):
    found = part(pieces([1.5] * 6 + [0.8, 0.8]), voices([0] * 6 + [1, 1], distance))
    assert (found.separability is not None) == told_apart
    assert (found.speakers.max() == 1) == told_apart


def test_a_short_piece_goes_with_its_neighbours_unless_it_is_clearly_the_others():
    embeddings = voices([0, 0, 0, 1, 1, 1], 0.5)
    embeddings[1] = 0  # too short to tell
    found = part(pieces([1.5, 0.1, 1.5, 1.5, 1.5, 1.5], pause_ms=0), embeddings)
    assert found.speakers.tolist() == [0, 0, 0, 1, 1, 1]
    assert found.margins[1] == 0


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.floats(0.02, 1.5)), min_size=1, max_size=30),
    st.floats(0.0, 0.9),
    st.booleans(),
)
def test_every_piece_gets_a_speaker_that_first_speaks_in_order(told, distance, too_short_to_tell):
    speakers, seconds = map(list, zip(*told, strict=True))
    embeddings = voices(speakers, distance)
    embeddings[:: 2 if too_short_to_tell else len(told) + 1] = 0
    found = part(pieces(seconds), embeddings)
    assert len(found.speakers) == len(found.margins) == len(told)
    main = [speaker for speaker in dict.fromkeys(found.speakers.tolist()) if speaker < 2]
    assert main == list(range(len(main)))
    assert (found.separability is None) == (found.speakers.max() == 0)
    assert np.isfinite(found.margins).all()


def test_four_hours_of_pieces_need_little_memory():
    speakers = (np.arange(14_000) // 3 % 2).tolist()
    embeddings = voices(speakers, 0.5)
    spans = pieces([1.0] * len(speakers))
    tracemalloc.start()
    found = part(spans, embeddings)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200_000_000
    assert (found.speakers == speakers).mean() > 0.999
