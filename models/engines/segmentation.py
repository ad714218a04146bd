"""Where somebody speaks, where the speaker changes and where two speak at once, on one channel: pyannote.audio.

pyannote's segmentation network looks at windows of ten seconds and numbers the speakers in each anew. Neighbouring
windows share half of their sound, so that one's numbers can be carried over into the next: what comes out is good
enough to say where a turn ends, not to say who is heard minutes later.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zhijian.models.engines import torchaudio_cpu
from zhijian.models.engines.audio import as_floats
from zhijian.models.records.span import Span, union

torchaudio_cpu.prepare()
with warnings.catch_warnings():
    # pyannote warns that it cannot decode files without torchcodec; it is only ever given samples here
    warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed")
    from pyannote.audio import Model, Pipeline
    from pyannote.audio.utils.powerset import Powerset
    from pyannote.core import Segment

SAMPLE_RATE_HZ = 16_000
SPEAKERS = 2
SEGMENTATION_FILE = "pytorch_model.bin"
PIPELINE_FILE = "config.yaml"

_WINDOW_STEP_RATIO = 0.5
_WINDOWS_AT_ONCE = 4

# (num_samples,) at 16 kHz: float32 in -1..1, or int16
Samples = NDArray[np.float32] | NDArray[np.int16]


@dataclass(frozen=True)
class Speech:
    """`turns`: all speech, cut where the speaker may change; sorted, never overlapping. `overlaps`: where two speak."""

    turns: tuple[Span, ...]
    overlaps: tuple[Span, ...]


class Segmenter(Protocol):
    def __call__(self, samples: Samples) -> Speech: ...


def open_segmenter(folder: Path) -> Segmenter:
    """pyannote's segmentation-3.0, or a user's own pyannote pipeline, which is known by its `config.yaml`.

    Raises ValueError for a pipeline that cannot be loaded without the network.
    """
    if (folder / PIPELINE_FILE).is_file():
        return UsersPipeline(folder)
    return SlidingSegmentation(folder / SEGMENTATION_FILE)


def waveform(samples: Samples) -> Tensor:
    """The same samples as a float32 tensor in -1..1."""
    if samples.dtype == np.int16:
        return torch.from_numpy(as_floats(samples.astype(np.int16, copy=False)))
    return torch.from_numpy(np.ascontiguousarray(samples, dtype=np.float32))


class SlidingSegmentation:
    """A powerset segmentation network over windows that share half of their sound."""

    def __init__(self, weights: Path) -> None:
        network: Any = Model.from_pretrained(weights)
        self._network: Any = network.eval()
        wanted: Any = network.specifications
        powerset: Any = Powerset(len(wanted.classes), wanted.powerset_max_classes)
        # speakers renamed -> classes in the order they then have
        self._renamings = np.array(list(powerset.permutation_mapping.values()))
        self._of_class = powerset.mapping.numpy()  # shape: (num_classes, num_speakers), 1 where one is of a class
        self._window_samples = round(wanted.duration * SAMPLE_RATE_HZ)
        self._frame_samples = round(self._network.receptive_field.step * SAMPLE_RATE_HZ)
        self._first_frame_ms = self._ms(self._network.receptive_field_center(0) / self._frame_samples - 0.5)
        self._step_frames = round(self._window_samples * _WINDOW_STEP_RATIO / self._frame_samples)

    def __call__(self, samples: Samples) -> Speech:
        probabilities = self._stitched(samples)  # shape: (num_frames, num_classes)
        at_once = self._of_class.sum(axis=1)[probabilities.argmax(axis=1)]
        likeliest = (probabilities @ self._of_class).argmax(axis=1)
        end_ms = len(samples) * 1000 // SAMPLE_RATE_HZ
        turns = self._runs(np.where(at_once > 0, likeliest, -1), end_ms)
        return Speech(turns, self._runs(np.where(at_once > 1, 0, -1), end_ms))

    def _stitched(self, samples: Samples) -> NDArray[np.floating]:
        """Class probabilities of the whole sound, the speakers of each window named as in the one before."""
        num_windows = 1 + max(0, -(-(len(samples) - self._window_samples) // (self._step_frames * self._frame_samples)))
        window_frames = self._network.num_frames(self._window_samples)
        num_frames = (num_windows - 1) * self._step_frames + window_frames
        sums = np.zeros((num_frames, len(self._of_class)), dtype=np.float32)
        weights = np.zeros((num_frames, 1), dtype=np.float32)
        # a window knows its middle best
        trust = np.bartlett(window_frames + 2)[1:-1, None].astype(np.float32)
        for number, heard in enumerate(self._windows(samples, num_windows)):
            stretch = slice(number * self._step_frames, number * self._step_frames + window_frames)
            sums[stretch] += trust * self._renamed(heard, sums[stretch])
            weights[stretch] += trust
        return sums / weights

    def _windows(self, samples: Samples, num_windows: int) -> Iterator[NDArray[np.floating]]:
        """Class probabilities of each window, (num_window_frames, num_classes)."""
        step = self._step_frames * self._frame_samples
        for first in range(0, num_windows, _WINDOWS_AT_ONCE):
            batch = torch.zeros(min(_WINDOWS_AT_ONCE, num_windows - first), 1, self._window_samples)
            for number, window in enumerate(batch, first):
                sound = waveform(samples[number * step : number * step + self._window_samples])
                window[0, : len(sound)] = sound
            with torch.inference_mode():
                yield from self._network(batch).exp().numpy()

    def _renamed(self, heard: NDArray[np.floating], before: NDArray[np.floating]) -> NDArray[np.floating]:
        """`heard` with its speakers named so that it agrees best with what is known of the same frames."""
        known = before @ self._of_class
        agreements = [(known * (heard[:, order] @ self._of_class)).sum() for order in self._renamings]
        return heard[:, self._renamings[int(np.argmax(agreements))]]

    def _runs(self, labels: NDArray[np.int64], end_ms: int) -> tuple[Span, ...]:
        """Runs of frames of one label; -1 is nothing."""
        edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
        spans = (
            Span(min(self._first_frame_ms + self._ms(a), end_ms), min(self._first_frame_ms + self._ms(b), end_ms))
            for a, b in pairwise(edges)
            if labels[a] >= 0
        )
        return tuple(span for span in spans if span)

    def _ms(self, frames: float) -> int:
        return round(frames * self._frame_samples * 1000 / SAMPLE_RATE_HZ)


class UsersPipeline:
    """A diarization pipeline of the user's own; whom it takes for whom is not asked, only where."""

    def __init__(self, folder: Path) -> None:
        try:
            pipeline = Pipeline.from_pretrained(folder)
        except Exception as error:
            # the file may name any class, and each fails in its own way
            raise ValueError(f"the pyannote pipeline in {folder} cannot be loaded offline: {error}") from error
        if pipeline is None:
            raise ValueError(f"the pyannote pipeline in {folder} names files that are not in it")
        self._pipeline: Any = pipeline

    def __call__(self, samples: Samples) -> Speech:
        with warnings.catch_warnings():
            # few or no embeddings in short or silent sound: an ordinary case here
            warnings.simplefilter("ignore")
            sound = {"waveform": waveform(samples)[None], "sample_rate": SAMPLE_RATE_HZ}
            output = self._pipeline(sound, num_speakers=SPEAKERS)
        # the last window of ten seconds runs past the end of the sound
        extent = Segment(0, len(samples) / SAMPLE_RATE_HZ)
        turns = output.exclusive_speaker_diarization.crop(extent).itersegments()
        overlaps = output.speaker_diarization.crop(extent).get_overlap()
        return Speech(tuple(sorted(filter(None, map(_span, turns)))), union(map(_span, overlaps)))


def _span(segment: Segment) -> Span:
    return Span(int(segment.start * 1000), int(segment.end * 1000))
