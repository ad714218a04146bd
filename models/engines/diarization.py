"""Who spoke when, in a recording with both speakers on one channel: pyannote.audio with local weights.

pyannote finds the speech, the places where the speaker changes and the overlaps; it decides who speaks over windows of
ten seconds, though, and now and then takes two similar telephone voices in such a window for one. So its turns are cut
into pieces of at most 1.5 s, each piece gets a CAM++ embedding of its own, and all pieces of the call are parted into
two voices. On 24 labelled calls this brought the speech given to the wrong speaker from 6.6 % to 0.2 %.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from pyannote.core import Annotation, Segment
from sklearn.cluster import AgglomerativeClustering
from torch import Tensor

from zhijian.models.engines import campplus, torchaudio_cpu
from zhijian.models.records.span import Span, union

torchaudio_cpu.prepare()
with warnings.catch_warnings():
    # pyannote warns that it cannot decode files without torchcodec; it is only ever given samples here
    warnings.filterwarnings("ignore", message=r"\s*torchcodec is not installed")
    from pyannote.audio import Model, Pipeline
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization

SAMPLE_RATE_HZ = campplus.SAMPLE_RATE_HZ
SPEAKERS = 2
SEGMENTATION_FILE = "pytorch_model.bin"
EMBEDDING_FILE = "campplus_cn_en_common.pt"
PIPELINE_FILE = "config.yaml"
# two voices came out 0.24 to 0.49 apart (24 calls); one voice cut in half up to 0.21, or None (38 of 40 channels with
# one speaker; the other two 0.25 and 0.32)
SAME_VOICE_SEPARABILITY = 0.22

_MIN_SOUND_MS = 500
_WINDOW_STEP_RATIO = 0.5
_MAX_PIECE_S = 1.5
_MIN_EMBEDDED_FRAMES = 20
# shorter pieces do not shape a voice, they are only given to one
_MIN_SHAPING_S = 0.5
# what is heard for less in a whole call is a cough, a laugh or the line, not the second speaker
_MIN_VOICE_S = 2.0
# what a change of speaker must gain without a pause, in similarity times seconds, and the pause that halves it
_CHANGE_COST = 0.05
_CHANGE_PAUSE_S = 0.3


@dataclass(frozen=True, order=True)
class SpeakerTurn:
    """One speaker's stretch; speakers are numbered from 0 in the order of their first words."""

    span: Span
    speaker: int


@dataclass(frozen=True)
class Diarization:
    """Who spoke when.

    `turns` keeps overlaps: two speakers may have the same milliseconds. `exclusive` gives every millisecond of speech
    to one speaker, for giving words to speakers. Both are sorted.
    `separability` is the cosine distance (0..2) between the two voices, None when only one was heard for 2 s or more.
    Below `SAME_VOICE_SEPARABILITY` the two are probably one voice cut in half and the speakers should not be trusted.
    """

    turns: tuple[SpeakerTurn, ...]
    exclusive: tuple[SpeakerTurn, ...]
    separability: float | None

    @property
    def separable(self) -> bool:
        return self.separability is not None and self.separability >= SAME_VOICE_SEPARABILITY


NOBODY = Diarization(turns=(), exclusive=(), separability=None)


@dataclass(frozen=True)
class _Voices:
    labels: NDArray[np.int64]
    separability: float | None


class Diarizer:
    """Loads once, then tells two speakers apart in any number of recordings. Deterministic; never asks the network."""

    def __init__(self, segmentation: Path, embedding: Path) -> None:
        """`segmentation` is the folder of pyannote's segmentation-3.0, or of a user's own pyannote pipeline, which is
        known by its `config.yaml`; `embedding` is the folder of CAM++. Raises ValueError for a pipeline that cannot be
        loaded without the network."""
        # one is as fast as two here, leaves the rest to other calls, and results do not hang on the number of cores
        torch.set_num_threads(1)
        self._network = campplus.load(embedding / EMBEDDING_FILE)
        own = (segmentation / PIPELINE_FILE).is_file()
        self._pipeline = _users_pipeline(segmentation) if own else _pipeline(segmentation, self._network)

    def __call__(self, samples: NDArray[np.float32], sample_rate_hz: int) -> Diarization:
        """Diarize (num_samples,) mono sound in -1..1. Silence and sound under half a second give an empty result."""
        if samples.ndim != 1:
            raise ValueError(f"diarization needs mono samples of shape (num_samples,), got {samples.shape}")
        if len(samples) * 1000 < _MIN_SOUND_MS * sample_rate_hz:
            return NOBODY
        waveform = torch.from_numpy(soxr.resample(samples.astype(np.float32), sample_rate_hz, SAMPLE_RATE_HZ))
        heard, spoken = self._listen(waveform)
        pieces = _pieces(spoken)
        if not pieces:
            return NOBODY
        voices = self._part(pieces, campplus.fbank(waveform))
        exclusive = _turns(pieces, voices.labels)
        overlaps = [_span(segment) for segment in heard.get_overlap()]
        return Diarization(_with_overlaps(exclusive, overlaps), exclusive, voices.separability)

    def _listen(self, waveform: Tensor) -> tuple[Annotation, Annotation]:
        """pyannote's speech turns with and without overlaps."""
        with warnings.catch_warnings():
            # few or no embeddings in short or silent sound: an ordinary case here
            warnings.simplefilter("ignore")
            sound = {"waveform": waveform[None], "sample_rate": SAMPLE_RATE_HZ}
            output: Any = self._pipeline(sound, num_speakers=SPEAKERS)
        # the last window of ten seconds runs past the end of the sound
        extent = Segment(0, len(waveform) / SAMPLE_RATE_HZ)
        return output.speaker_diarization.crop(extent), output.exclusive_speaker_diarization.crop(extent)

    def _part(self, pieces: Sequence[Segment], features: Tensor) -> _Voices:
        """Two voices out of the pieces; one where there is too little speech for two."""
        one = _Voices(np.zeros(len(pieces), dtype=np.int64), None)
        seconds = np.array([piece.duration for piece in pieces])
        embeddings = np.stack([self._embed(piece, features) for piece in pieces])  # shape: (num_pieces, 192)
        shaping = (seconds >= _MIN_SHAPING_S) & embeddings.any(axis=1)
        if shaping.sum() < SPEAKERS:
            return one
        own = AgglomerativeClustering(SPEAKERS, linkage="ward").fit_predict(embeddings[shaping])
        weighted = embeddings[shaping] * seconds[shaping, None]
        centroids = np.stack([_unit(weighted[own == voice].sum(axis=0)) for voice in range(SPEAKERS)])
        likeness = embeddings @ centroids.T * seconds[:, None]  # shape: (num_pieces, 2)
        labels = _likeliest_path(likeness, _change_costs(pieces))
        if np.bincount(labels, weights=seconds, minlength=SPEAKERS).min() < _MIN_VOICE_S:
            return one
        return _Voices(labels, float(1 - centroids[0] @ centroids[1]))

    def _embed(self, piece: Segment, features: Tensor) -> NDArray[np.float32]:
        """(192,) of length one; zeros, which are like no voice, when the piece is too short to tell."""
        frames = features[_frame(piece.start) : _frame(piece.end)]
        if len(frames) < _MIN_EMBEDDED_FRAMES:
            return np.zeros(campplus.DIMENSION, dtype=np.float32)
        return _unit(campplus.embed(self._network, frames).numpy())


def _pipeline(segmentation: Path, network: campplus.CampPlus) -> Pipeline:
    pipeline = SpeakerDiarization(
        segmentation=str(segmentation / SEGMENTATION_FILE),
        segmentation_step=_WINDOW_STEP_RATIO,
        segmentation_batch_size=8,
        embedding=_CampPlusModel(network),
        embedding_batch_size=3,
        embedding_exclude_overlap=True,
        clustering="AgglomerativeClustering",
        plda=_NoPlda(),
    )
    return pipeline.instantiate(
        {
            "segmentation": {"min_duration_off": 0.0},
            "clustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.7},
        }
    )


def _users_pipeline(folder: Path) -> Pipeline:
    try:
        pipeline = Pipeline.from_pretrained(folder)
    except Exception as error:
        # the file may name any class, and each fails in its own way
        raise ValueError(f"the pyannote pipeline in {folder} cannot be loaded offline: {error}") from error
    if pipeline is None:
        raise ValueError(f"the pyannote pipeline in {folder} names files that are not in it")
    return pipeline


class _CampPlusModel(Model):
    """CAM++ as pyannote wants an embedding model: a chunk of sound and the frames in which a speaker is active."""

    def __init__(self, network: campplus.CampPlus) -> None:
        super().__init__(sample_rate=SAMPLE_RATE_HZ)
        self.network = network

    @property
    def dimension(self) -> int:
        return campplus.DIMENSION

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:  # type: ignore[override]
        """(batch, 1, num_samples), (batch, num_frames) -> (batch, 192); NaN for a speaker with too little speech."""
        if weights is None:
            weights = torch.ones(len(waveforms), 1)
        return torch.stack([self._embed(waveform[0], mask) for waveform, mask in zip(waveforms, weights, strict=True)])

    def _embed(self, waveform: Tensor, mask: Tensor) -> Tensor:
        features = campplus.fbank(waveform)
        active = torch.nn.functional.interpolate(mask[None, None], size=len(features))[0, 0] > 0.5
        if active.sum() < _MIN_EMBEDDED_FRAMES:
            return torch.full((campplus.DIMENSION,), torch.nan)
        return campplus.embed(self.network, features[active])


class _NoPlda(PLDA):
    """pyannote asks for a PLDA and would fetch one, though agglomerative clustering uses none."""

    def __init__(self) -> None:
        pass


def _pieces(spoken: Annotation) -> list[Segment]:
    """pyannote's turns in order, each cut into equal pieces of at most 1.5 s."""
    pieces: list[Segment] = []
    for turn in sorted(spoken.itersegments()):
        count = int(np.ceil(turn.duration / _MAX_PIECE_S))
        edges = np.linspace(turn.start, turn.end, count + 1)
        pieces.extend(Segment(start, end) for start, end in pairwise(edges))
    return pieces


def _change_costs(pieces: Sequence[Segment]) -> NDArray[np.float64]:
    """What a change of speaker before each piece but the first costs: less after a pause, shape (num_pieces - 1,)."""
    pauses_s = np.array([max(0.0, later.start - earlier.end) for earlier, later in pairwise(pieces)])
    return _CHANGE_COST / (1 + pauses_s / _CHANGE_PAUSE_S)


def _likeliest_path(likeness: NDArray[np.float64], change_costs: NDArray[np.float64]) -> NDArray[np.int64]:
    """The speaker of each piece (Viterbi): alike in sum, less the costs of the changes."""
    change = 1 - np.eye(SPEAKERS)  # shape: (speaker before, speaker now)
    best = likeness[0]
    came_from = []
    for now, cost in zip(likeness[1:], change_costs, strict=True):
        ways = best[:, None] - cost * change
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + now
    path = [int(best.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def _unit(vector: NDArray[np.float32]) -> NDArray[np.float32]:
    return vector / np.linalg.norm(vector)


def _turns(pieces: Sequence[Segment], labels: NDArray[np.int64]) -> tuple[SpeakerTurn, ...]:
    """Neighbouring pieces of one speaker joined where they touch; speakers numbered as they come."""
    order = list(dict.fromkeys(labels.tolist()))
    return tuple(
        sorted(
            SpeakerTurn(span, number)
            for number, label in enumerate(order)
            for span in union(_span(piece) for piece, own in zip(pieces, labels, strict=True) if own == label)
        )
    )


def _with_overlaps(exclusive: Sequence[SpeakerTurn], overlaps: Sequence[Span]) -> tuple[SpeakerTurn, ...]:
    """Both speakers speak where pyannote heard two at once."""
    speakers = sorted({turn.speaker for turn in exclusive})
    return tuple(
        sorted(
            SpeakerTurn(span, speaker)
            for speaker in speakers
            for span in union([*(turn.span for turn in exclusive if turn.speaker == speaker), *overlaps])
        )
    )


def _span(segment: Segment) -> Span:
    return Span(int(segment.start * 1000), int(segment.end * 1000))


def _frame(seconds: float) -> int:
    return round(seconds * 1000 / campplus.FRAME_STEP_MS)
