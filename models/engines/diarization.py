"""Who spoke when, in a recording with all speakers on one channel: pyannote.audio's segmentation, CAM++ voices.

The segmentation finds the speech, the places where the speaker may change and the overlaps. Its turns are cut into
pieces of at most 1.5 s, each piece gets a CAM++ embedding of its own, and all pieces are parted into voices.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray

from zhijian.models.engines import campplus
from zhijian.models.engines.segmentation import SAMPLE_RATE_HZ, Samples, open_segmenter, waveform
from zhijian.models.engines.voiceprints import SAME_VOICE_SEPARABILITY, part
from zhijian.models.records.span import Span, union

EMBEDDING_FILE = "campplus_cn_en_common.pt"

_MIN_SOUND_MS = 500
_MAX_PIECE_MS = 1500
# pieces are embedded in batches of one length: each without the frames beyond a multiple of ten
_MIN_EMBEDDED_FRAMES = 20
_LENGTH_STEP_FRAMES = 10
_PIECES_AT_ONCE = 8
# the longer, the fuller the batches; so much sound is held as features at a time
_BLOCK_MS = 300_000
# margin -> probability that a turn is its speaker's: logistic regression on 1863 turns of 234 conversations of two
# (tests/benchmarks/diarization.py), 10 of them wrong; log loss 0.024 in five-fold cross-validation, 0.034 without it
_RIGHT_INTERCEPT, _RIGHT_SLOPE = 1.1, 16.3
# who joins in while another speaks is not known from the voice, only from who else is near
_OVERLAP_CONFIDENCE = 0.5


@dataclass(frozen=True, order=True)
class SpeakerTurn:
    """One speaker's stretch: 0 and 1 are the main speakers in the order of their first words, 2 is a third voice.

    `confidence` is the probability (0..1) that it is this speaker's voice, by how much more alike it is than the next;
    1 where only one voice was heard.
    """

    span: Span
    speaker: int
    confidence: float


@dataclass(frozen=True)
class Diarization:
    """Who spoke when.

    `turns` keeps overlaps: two speakers may have the same milliseconds. `exclusive` gives every millisecond of speech
    to one speaker, for giving words to speakers. Both are sorted.
    `separability` is the cosine distance (0..2) between the two main voices, None when there was too little of a
    second one. Below `SAME_VOICE_SEPARABILITY` they are probably one voice cut in half: then do not trust the speakers.
    """

    turns: tuple[SpeakerTurn, ...]
    exclusive: tuple[SpeakerTurn, ...]
    separability: float | None

    @property
    def separable(self) -> bool:
        return self.separability is not None and self.separability >= SAME_VOICE_SEPARABILITY


NOBODY = Diarization(turns=(), exclusive=(), separability=None)


class Diarizer:
    """Loads once, then tells the speakers of any number of recordings apart. Deterministic; never asks the network."""

    def __init__(self, segmentation: Path, embedding: Path) -> None:
        """`segmentation` is the folder of pyannote's segmentation-3.0, or of a user's own pyannote pipeline, which is
        known by its `config.yaml`; `embedding` is the folder of CAM++. Raises ValueError for a pipeline that cannot be
        loaded without the network."""
        # one is as fast as two here, leaves the rest to other calls, and results do not hang on the number of cores
        torch.set_num_threads(1)
        self._network = campplus.load(embedding / EMBEDDING_FILE)
        self._segment = open_segmenter(segmentation)

    def __call__(self, samples: Samples, sample_rate_hz: int) -> Diarization:
        """Diarize (num_samples,) mono sound, float32 in -1..1 or int16. Silence and sound under half a second give an
        empty result."""
        if samples.ndim != 1:
            raise ValueError(f"diarization needs mono samples of shape (num_samples,), got {samples.shape}")
        if len(samples) * 1000 < _MIN_SOUND_MS * sample_rate_hz:
            return NOBODY
        # resampling to the same rate would copy hours of sound
        sound = samples if sample_rate_hz == SAMPLE_RATE_HZ else soxr.resample(samples, sample_rate_hz, SAMPLE_RATE_HZ)
        speech = self._segment(sound)
        pieces = _pieces(speech.turns)
        if not pieces:
            return NOBODY
        voices = part(pieces, self._embed(pieces, sound))
        rightness = 1 / (1 + np.exp(-_RIGHT_INTERCEPT - _RIGHT_SLOPE * voices.margins))
        exclusive = _joined(map(SpeakerTurn, pieces, voices.speakers.tolist(), rightness.tolist()))
        turns = _joined([*exclusive, *_talking_over(exclusive, speech.overlaps)])
        return Diarization(turns, exclusive, voices.separability)

    def _embed(self, pieces: Sequence[Span], sound: Samples) -> NDArray[np.float32]:
        """(num_pieces, 192), each of length one; zeros, which are like no voice, for a piece too short to tell."""
        embeddings = np.zeros((len(pieces), campplus.DIMENSION), dtype=np.float32)
        for _, block in groupby(range(len(pieces)), key=lambda number: pieces[number].start_ms // _BLOCK_MS):
            numbers = np.array(list(block))
            start_ms, end_ms = pieces[numbers[0]].start_ms, pieces[numbers[-1]].end_ms + campplus.FRAME_LENGTH_MS
            features = campplus.fbank(waveform(sound[_sample(start_ms) : _sample(end_ms)]))
            stretches = [_frames(pieces[number], start_ms, len(features)) for number in numbers]
            for batch in _batches([len(stretch) for stretch in stretches]):
                voices = campplus.embed(self._network, torch.stack([features[stretches[i]] for i in batch]))
                embeddings[numbers[batch]] = torch.nn.functional.normalize(voices).numpy()
        return embeddings


def _pieces(turns: Sequence[Span]) -> list[Span]:
    """The turns, each cut into equal pieces of at most 1.5 s."""
    pieces: list[Span] = []
    for turn in turns:
        count = -(-turn.duration_ms // _MAX_PIECE_MS)
        edges = [turn.start_ms + turn.duration_ms * number // count for number in range(count + 1)]
        pieces.extend(Span(start_ms, end_ms) for start_ms, end_ms in pairwise(edges))
    return pieces


def _frames(piece: Span, start_ms: int, num_frames: int) -> range:
    """A piece's frames in features that begin at `start_ms`; their number is a multiple of ten."""
    first, last = ((ms - start_ms) // campplus.FRAME_STEP_MS for ms in (piece.start_ms, piece.end_ms))
    length = min(last, num_frames) - first
    spare = length % _LENGTH_STEP_FRAMES
    return range(first + spare // 2, first + spare // 2 + length - spare)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Indices of equal lengths, a few at a time; what is too short to be embedded is in none."""
    for length in sorted(set(lengths)):
        if length >= _MIN_EMBEDDED_FRAMES:
            alike = [index for index, own in enumerate(lengths) if own == length]
            for first in range(0, len(alike), _PIECES_AT_ONCE):
                yield alike[first : first + _PIECES_AT_ONCE]


def _joined(parts: Iterable[SpeakerTurn]) -> tuple[SpeakerTurn, ...]:
    """One speaker's parts joined where they touch or overlap, with the mean of their confidences by duration."""
    joined = []
    for speaker, of_speaker in groupby(
        sorted(parts, key=lambda part: (part.speaker, part.span)), lambda part: part.speaker
    ):
        own = list(of_speaker)
        spans = union(part.span for part in own)
        starts_ms = [span.start_ms for span in spans]
        by_span = groupby(own, key=lambda part: bisect(starts_ms, part.span.start_ms))
        joined += [SpeakerTurn(span, speaker, _mean(inside)) for span, (_, inside) in zip(spans, by_span, strict=True)]
    return tuple(sorted(joined))


def _mean(parts: Iterable[SpeakerTurn]) -> float:
    confidences, durations_ms = zip(*((part.confidence, part.span.duration_ms) for part in parts), strict=True)
    return float(np.average(confidences, weights=durations_ms))


def _talking_over(exclusive: Sequence[SpeakerTurn], overlaps: Sequence[Span]) -> Iterator[SpeakerTurn]:
    """Where two were heard at once, the two speakers next to it speak."""
    speakers = sorted({turn.speaker for turn in exclusive})
    for overlap in overlaps:
        near = {who: min(overlap.gap_ms(turn.span) for turn in exclusive if turn.speaker == who) for who in speakers}
        for speaker in sorted(speakers, key=lambda who: near[who])[:2]:
            yield SpeakerTurn(overlap, speaker, _OVERLAP_CONFIDENCE)


def _sample(ms: int) -> int:
    return ms * SAMPLE_RATE_HZ // 1000
