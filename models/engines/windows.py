"""Speech packed into windows: what a recogniser reads at one time, without the pauses between.

A window knows where its sound lies in the recording, so that what is heard in it gets the recording's times. It copies
nothing: its samples are cut out, and channels mixed, when they are asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zhijian.models.engines.audio import RATE_HZ, Pcm, Samples, as_floats
from zhijian.models.records.span import Span

# as much as Whisper reads at once, with a second of silence behind it
LONGEST_MS = 28_500
KEPT_PAUSE_MS = 500
QUIET_FRAME_SAMPLES = RATE_HZ // 100
QUIET_FRAMES = 10

_PER_MS = RATE_HZ // 1000


@dataclass(frozen=True, eq=False, slots=True, weakref_slot=True)
class Window:
    """Parts of a recording, one after the other.

    `channels`: (channels, num_samples) int16 at 16 kHz, of the whole recording; `parts`: sorted, in samples.
    """

    channels: Pcm
    parts: tuple[range, ...]

    @property
    def num_samples(self) -> int:
        return sum(map(len, self.parts))

    @property
    def span(self) -> Span:
        """Where it lies in the recording, from the first part to the last."""
        return Span(self.parts[0].start // _PER_MS, self.parts[-1].stop // _PER_MS)

    def samples(self) -> Samples:
        """The mean of the channels, (num_samples,)."""
        return np.concatenate([as_floats(self.channels[:, p.start : p.stop]).mean(axis=0) for p in self.parts])

    def moment_ms(self, offset_s: float) -> int:
        """The recording's time of a moment of this window; one between two parts belongs to the first."""
        left = round(offset_s * RATE_HZ)
        for part in self.parts:
            if left <= len(part):
                break
            left -= len(part)
        else:
            left = len(part)
        return (part.start + max(0, left)) // _PER_MS


def pack(channels: Pcm, voiced: Sequence[Span]) -> list[Window]:
    """Windows of at most 28.5 s, as full as they go, cut at pauses, or at the quietest moment where there is none.

    `voiced` is sorted and does not overlap. Up to half a second of each pause stays, so that words do not run together.
    """
    windows: list[Window] = []
    parts: list[range] = []
    for piece in (piece for span in voiced for piece in _short_enough(channels, span)):
        pause = min(piece.start - parts[-1].stop, KEPT_PAUSE_MS * _PER_MS) if parts else 0
        if parts and sum(map(len, parts)) + pause + len(piece) > LONGEST_MS * _PER_MS:
            windows.append(Window(channels, tuple(parts)))
            parts, pause = [], 0
        parts.append(range(piece.start - pause, piece.stop))
    return [*windows, Window(channels, tuple(parts))] if parts else windows


def _short_enough(channels: Pcm, span: Span) -> list[range]:
    """The span in samples, cut where it is quietest as long as it does not fit into a window."""
    longest, cuts = LONGEST_MS * _PER_MS, [span.start_ms * _PER_MS]
    end = min(span.end_ms * _PER_MS, channels.shape[1])
    while end - cuts[-1] > longest:
        first = cuts[-1] + longest // 2
        sound = as_floats(channels[:, first : cuts[-1] + longest]).mean(axis=0)
        frames = sound[: len(sound) // QUIET_FRAME_SAMPLES * QUIET_FRAME_SAMPLES].reshape(-1, QUIET_FRAME_SAMPLES)
        power = np.convolve(np.square(frames).mean(axis=1), np.ones(QUIET_FRAMES), mode="valid")
        cuts.append(first + (int(power.argmin()) + QUIET_FRAMES // 2) * QUIET_FRAME_SAMPLES)
    return [range(a, b) for a, b in pairwise([*cuts, end]) if b > a]
