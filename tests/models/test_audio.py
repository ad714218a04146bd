"""Sound as it is heard: at 16 kHz, without direct current, under the hash of what its file held; clips and levels."""

import wave
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines.audio import FULL_SCALE, RATE_HZ, AudioError, Sound, clip_wav, level_dbfs, load
from zhijian.models.records.span import Span

Signal = npt.NDArray[np.float64]
RATES = st.sampled_from([8_000, 11_025, 16_000, 22_050, 44_100, 48_000])


def tones(rate_hz: int, channels: int, seconds: float = 3.0) -> Signal:
    """A tone of its own in each channel, -9 dBFS: (channels, num_samples)."""
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.stack([0.5 * np.sin(2 * np.pi * (440 + 310 * channel) * time_s) for channel in range(channels)])


def test_a_sound_is_what_its_file_would_be_loaded_as(tmp_path: Path) -> None:
    samples = tones(44_100, 2)
    soundfile.write(tmp_path / "call.wav", samples.T, 44_100, subtype="FLOAT")
    loaded, made = load(tmp_path / "call.wav"), Sound.of(samples, 44_100)
    assert made.recording("call") == loaded.recording("call")
    assert np.array_equal(made.samples, loaded.samples)


@settings(max_examples=40)
@given(st.integers(1, 2), st.integers(0, 20_000), RATES)
def test_any_length_has_its_whole_milliseconds(channels: int, num_samples: int, rate_hz: int) -> None:
    sound = Sound.of(np.zeros((channels, num_samples)), rate_hz)
    assert sound.file_num_samples == num_samples
    assert sound.duration_ms == num_samples * 1000 // rate_hz
    assert sound.samples.shape == (channels, sound.duration_ms * 16)


@settings(max_examples=40)
@given(st.integers(1, 2), st.integers(1_000, 200_000), RATES, st.integers(0, 2**32 - 1))
def test_samples_are_those_of_one_resampling(channels: int, num_samples: int, rate_hz: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, (channels, num_samples)).astype(np.float32)
    sound = Sound.of(samples, rate_hz)
    expected = soxr.resample(samples.T, rate_hz, RATE_HZ)[: sound.duration_ms * 16].T * FULL_SCALE
    assert np.abs(sound.samples - (expected - expected.mean(axis=1, keepdims=True))).max() <= 2


def test_direct_current_is_taken_out_of_each_channel() -> None:
    clean, shifted = (Sound.of(tones(8_000, 2) + offset, 8_000) for offset in (0, np.array([[0.2], [-0.4]])))
    assert np.abs(shifted.samples.mean(axis=1)).max() <= 1
    assert np.abs(shifted.samples[:, 400:-400] - clean.samples[:, 400:-400].astype(float)).max() <= 2
    assert shifted.sha256 != clean.sha256


def test_no_sample_changes_its_sign_where_direct_current_is_taken_out() -> None:
    """Full swings around a mean far from zero: what leaves the range stays at its edge."""
    samples = np.where(np.arange(32_000) % 160 < 20, -1.0, 1.0)[None]
    for sign in (1, -1):
        sound = Sound.of(sign * samples, RATE_HZ)
        assert np.array_equal(np.sign(sound.samples), np.sign(sign * samples))


def test_overdriven_sound_is_kept_at_full_scale() -> None:
    sound = Sound.of(8 * tones(16_000, 1), 16_000)
    assert (sound.samples.min(), sound.samples.max()) == (-FULL_SCALE, FULL_SCALE - 1)
    assert np.corrcoef(sound.samples[0], tones(16_000, 1)[0])[0, 1] > 0.9


def test_quiet_sound_keeps_its_level() -> None:
    quiet = tones(8_000, 2) * 10 ** (-36 / 20)
    assert level_dbfs(Sound.of(quiet, 8_000).samples) == pytest.approx(-45.03, abs=0.05)


def test_samples_that_are_no_numbers_are_refused() -> None:
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(AudioError, match="无效"):
            Sound.of(np.full((1, 8_000), value), 8_000)


def test_the_hash_never_changes() -> None:
    """What was heard is found again by it, years later."""
    samples = (np.arange(24_000) * 7919 % 65_536 - 32_768).reshape(2, -1) / 32_768
    assert Sound.of(samples, 8_000).sha256 == "31346848eac09d4dcf24fb3d69680bbc80334088d42a5d2e85702237178d6d03"


def test_other_samples_rate_or_channels_are_another_recording() -> None:
    samples = tones(8_000, 2)
    changed = samples.copy()
    changed[1, 100] += 2 / 32768
    variants = [
        Sound.of(samples, 8_000),
        Sound.of(samples, 16_000),
        Sound.of(changed, 8_000),
        Sound.of(samples[::-1], 8_000),
        Sound.of(samples[:1], 8_000),
        Sound.of(samples[:, :-1], 8_000),
    ]
    assert len({sound.sha256 for sound in variants}) == len(variants)


def test_recording_tells_the_facts_of_the_file() -> None:
    recording = Sound.of(tones(8_000, 2), 8_000).recording("audio/a.wav")
    assert (recording.uri, recording.channels, recording.sample_rate_hz) == ("audio/a.wav", 2, 8_000)
    assert (recording.num_samples, recording.duration_ms) == (24_000, 3_000)


def frames_of(clip: bytes) -> npt.NDArray[np.int16]:
    """(channels, num_samples) of a PCM wav at 16 kHz, which the standard library reads as well."""
    with wave.open(BytesIO(clip)) as file:
        assert (file.getframerate(), file.getsampwidth()) == (RATE_HZ, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()).T


def test_a_clip_holds_the_span_and_its_margin() -> None:
    sound = Sound.of(tones(8_000, 2), 8_000)
    clip = frames_of(clip_wav(sound, Span(1_000, 2_000), margin_ms=250))
    assert np.array_equal(clip, sound.samples[:, 12_000:36_000])


def test_a_clip_ends_where_the_sound_ends() -> None:
    sound = Sound.of(tones(8_000, 1), 8_000)
    assert np.array_equal(frames_of(clip_wav(sound, Span(100, 2_900), margin_ms=500)), sound.samples)
    with pytest.raises(ValueError, match="3000 ms"):
        clip_wav(sound, Span(9_000, 9_500), margin_ms=500)


def test_levels() -> None:
    sine = np.sin(2 * np.pi * 440 * np.arange(8_000) / 8_000).astype(np.float32)[None]
    assert level_dbfs(sine) == pytest.approx(-3.01, abs=0.02)
    assert level_dbfs(sine / np.float32(10)) == pytest.approx(-23.01, abs=0.02)
    assert level_dbfs(sine[0]) == level_dbfs(np.repeat(sine, 2, axis=0))
    assert level_dbfs((sine * 32_767).astype(np.int16)) == pytest.approx(-3.01, abs=0.02)
    assert level_dbfs(np.zeros((2, 100), np.float32)) == -120
    assert level_dbfs(np.zeros((2, 0), np.float32)) == -120
