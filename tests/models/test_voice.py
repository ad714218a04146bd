"""Voices on two channels: cross-talk is nobody's speech, a copy or a dead line is no second speaker."""

import numpy as np
import pytest

from zhijian.models.engines.voice import Channels, are_two_sides, distinct_channels, is_leak_of_the_other, voices
from zhijian.models.records.span import Span

RATE_HZ = 16_000


@pytest.fixture
def speech(sample_sound):
    """Some seconds of one person's real speech, (num_samples,) at 16 kHz."""
    return sample_sound


def pcm(samples):
    """16-bit samples of floats in [-1, 1]."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


def with_pause(speech, before_s, after_s):
    return np.concatenate([np.zeros(int(before_s * RATE_HZ)), speech, np.zeros(int(after_s * RATE_HZ))])


@pytest.mark.parametrize("leak_db", [-30, -40, -50])
def test_leaked_speech_is_not_the_other_channels_voice(speech, leak_db):
    noise = np.random.default_rng(1).normal(0, 10 ** (-60 / 20), (2, 2 * len(speech)))
    first, second = with_pause(speech, 0, len(speech) / RATE_HZ), with_pause(speech, len(speech) / RATE_HZ, 0)
    leak = 10 ** (leak_db / 20)
    both = np.stack([first + leak * second, second + leak * first])[:, : 2 * len(speech)] + noise
    middle_ms = len(speech) * 1000 // RATE_HZ
    agent, customer = voices(Channels(pcm(both)))
    assert agent
    assert customer
    assert max(s.end_ms for s in agent) <= middle_ms + 200
    assert min(s.start_ms for s in customer) >= middle_ms - 200


def test_two_copies_are_one_channel(speech):
    stereo = pcm(np.stack([speech, 0.5 * speech]))
    assert not distinct_channels(stereo).separate


def test_a_dead_line_is_no_channel(speech):
    rest = np.random.default_rng(1).normal(0, 1e-5, len(speech))
    one = distinct_channels(pcm(np.stack([rest, speech])))
    assert not one.separate
    assert np.array_equal(one.samples[0], pcm(speech))


def test_two_speakers_stay_two_channels(speech):
    assert distinct_channels(np.stack([speech, speech[::-1]]).astype(np.float32)).separate


def test_an_inverted_copy_does_not_cancel_the_voice(speech):
    one = distinct_channels(pcm(np.stack([speech, -speech])))
    assert not one.separate
    assert voices(one)[0]


def test_a_copy_that_comes_later_is_no_second_side(speech):
    late = np.roll(speech, 40)
    assert not are_two_sides(voices(Channels(pcm(np.stack([speech, late])))))


def test_silence_holds_no_voice():
    assert voices(Channels(np.zeros((1, 5 * RATE_HZ), np.int16))) == ((),)
    assert voices(Channels(np.zeros((1, 40), np.int16))) == ((),)


@pytest.mark.parametrize(("weaker_db", "leaked"), [(0, False), (20, False), (40, True)])
def test_a_voice_far_below_the_other_on_one_channel_is_a_leak(speech, weaker_db, leaked):
    both = pcm(np.concatenate([speech, speech * 10 ** (-weaker_db / 20)]))
    middle_ms, end_ms = (length * 1000 // RATE_HZ for length in (len(speech), len(both)))
    loud, weak = [Span(0, middle_ms)], [Span(middle_ms, end_ms)]
    assert is_leak_of_the_other(both, loud, weak) is leaked
    assert is_leak_of_the_other(both, weak, loud) is leaked
