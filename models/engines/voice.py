"""Where somebody's voice is: Silero's voice activity, and between two channels the louder one where both carry it.

A telephone leaks: what one side says comes back on the other channel 30 to 50 dB weaker. A voice is therefore a
channel's own only where it is not much weaker there than on the other channel around that moment: between the other's
syllables the leak may be the louder one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from faster_whisper.vad import get_vad_model
from scipy.ndimage import maximum_filter1d

from zhijian.models.engines.audio import RATE_HZ, Pcm, Samples, as_floats, level_dbfs
from zhijian.models.records.span import Span, together, union

FRAME_MS = 20
VAD_WINDOW = 512  # samples, Silero's own
# looked at in one go: two minutes, so that hours need no more memory; a multiple of both kinds of frames
BLOCK_SAMPLES = 1_920_000
VOICE_PROBABILITY = 0.3
LEAK_MARGIN_DB = 12.0
LEAK_REACH_FRAMES = 15  # 300 ms around a frame, about a syllable to each side
LEAK_FROM_DB = 30.0
SMOOTHING_FRAMES = 5
SHORTEST_MS, SHORTEST_PAUSE_MS, PADDING_MS = 100, 300, 100
DEAD_DBFS = -70.0
DUPLICATE_CORRELATION = 0.98
COPY_OVERLAP_RATIO = 0.8

Frames = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Channels:
    """How many voices' worth of channels a recording has: (1 or 2, num_samples) int16 at 16 kHz."""

    samples: Pcm

    @property
    def separate(self) -> bool:
        return len(self.samples) == 2


def distinct_channels(samples: Pcm) -> Channels:
    """Two channels that hold one sound, or of which one is dead, are one. `samples`: (channels, num_samples)."""
    if len(samples) == 1:
        return Channels(samples)
    levels = [level_dbfs(channel) for channel in samples]
    if min(levels) < DEAD_DBFS:
        loudest = int(np.argmax(levels))
        return Channels(samples[loudest : loudest + 1])
    if abs(_correlation(samples)) > DUPLICATE_CORRELATION:
        return Channels(samples[:1])
    return Channels(samples)


def voices(channels: Channels) -> tuple[tuple[Span, ...], ...]:
    """For each channel, where its own voice is heard: sorted, pauses of 300 ms and more left out."""
    levels = [_frame_levels_db(channel) for channel in channels.samples]
    found = []
    for index, channel in enumerate(channels.samples):
        own = _voice_probability(channel, len(levels[index])) > VOICE_PROBABILITY  # shape: (num_frames,)
        if channels.separate:
            own &= levels[index] > maximum_filter1d(levels[1 - index], LEAK_REACH_FRAMES) - LEAK_MARGIN_DB
        duration_ms = channel.shape[0] * 1000 // RATE_HZ
        found.append(_spans(own, duration_ms))
    return tuple(found)


def are_two_sides(voices: Sequence[Sequence[Span]]) -> bool:
    """Both channels carry a voice, and not always at the same time: a copy that comes a little later is no speaker."""
    if not all(voices):
        return False
    together_ms = sum(span.duration_ms for span in together(*voices))
    shorter_ms = min(sum(span.duration_ms for span in spans) for spans in voices)
    return together_ms < COPY_OVERLAP_RATIO * shorter_ms


def is_leak_of_the_other(channel: Pcm, first: Sequence[Span], second: Sequence[Span]) -> bool:
    """One of two voices on one channel, (num_samples,) at 16 kHz, is as weak beside the other as what a line leaks."""
    levels = [
        level_dbfs(*(channel[s.start_ms * RATE_HZ // 1000 : s.end_ms * RATE_HZ // 1000] for s in spans))
        for spans in (first, second)
    ]
    return abs(levels[0] - levels[1]) > LEAK_FROM_DB


def _blocks(channel: Pcm) -> Iterator[Samples]:
    return (as_floats(channel[first : first + BLOCK_SAMPLES]) for first in range(0, len(channel), BLOCK_SAMPLES))


def _correlation(channels: Pcm) -> float:
    """Of two channels without direct current, -1..1."""
    products = np.zeros((2, 2))
    for first, second in zip(*map(_blocks, channels), strict=True):
        both = np.stack([first, second])
        products += both @ both.T
    return float(products[0, 1] / np.sqrt(products[0, 0] * products[1, 1]))


def _voice_probability(channel: Pcm, num_frames: int) -> Frames:
    """Silero's probability for each frame of 20 ms. shape: (num_frames,)"""
    model = get_vad_model()
    found = [model(np.pad(block, (0, -len(block) % VAD_WINDOW))) for block in _blocks(channel)]
    probability = np.concatenate([np.asarray(one).reshape(-1) for one in found])  # shape: (num_windows,)
    centres = (np.arange(num_frames) + 0.5) * FRAME_MS * RATE_HZ / 1000
    return probability[np.minimum((centres / VAD_WINDOW).astype(int), len(probability) - 1)]


def _frame_levels_db(channel: Pcm) -> Frames:
    """Smoothed level of each frame. shape: (num_frames,)"""
    hop = FRAME_MS * RATE_HZ // 1000
    power = np.concatenate(
        [
            np.square(block[: len(block) // hop * hop].reshape(-1, hop), dtype=np.float64).mean(axis=1)
            for block in _blocks(channel)
        ]
    )
    decibel = 10 * np.log10(power + 1e-10)
    kernel = np.ones(SMOOTHING_FRAMES) / SMOOTHING_FRAMES
    return np.convolve(decibel, kernel, mode="same") if len(power) >= SMOOTHING_FRAMES else decibel


def _spans(voiced: npt.NDArray[np.bool_], duration_ms: int) -> tuple[Span, ...]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(int)))
    raw = [Span(int(start) * FRAME_MS, int(end) * FRAME_MS) for start, end in edges.reshape(-1, 2)]
    joined = close_pauses(raw, SHORTEST_PAUSE_MS)
    return union(
        Span(max(0, s.start_ms - PADDING_MS), min(duration_ms, s.end_ms + PADDING_MS))
        for s in joined
        if s.duration_ms >= SHORTEST_MS
    )


def close_pauses(spans: list[Span], shorter_than_ms: int) -> list[Span]:
    """Sorted spans with the shorter pauses between them closed."""
    closed: list[Span] = []
    for span in spans:
        if closed and span.start_ms - closed[-1].end_ms < shorter_than_ms:
            closed[-1] = closed[-1].hull(span)
        else:
            closed.append(span)
    return closed
