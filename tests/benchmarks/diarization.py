#!/usr/bin/env python3
"""Who spoke when, on one channel: the product beside pyannote's own pipeline, on the same sound in one run.

usage: diarization.py SHARED_DIR [MOST]
  SHARED_DIR   holds calls/dev (labelled calls) and real (people's clips)
  MOST         so many pairs of people in each band; all (105) take about an hour

The peers use the same weights on one thread: segmentation-3.0 at a step of 0.1 and 0.25, CAM++, agglomerative
clustering, num_speakers=2. Confusion, missed and false alarm are shares of the speech of the labels; RTF is CPU seconds
a second of sound. "thirds": conversations in which a third voice was found. Where three speak, the peers are told two.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from conversations import RATE_HZ, Conversation, Errors, errors_of, heard_and_right, joined, labelled

from zhijian.models.engines import campplus, weights
from zhijian.models.engines.diarization import EMBEDDING_FILE, Diarizer, SpeakerTurn
from zhijian.models.engines.segmentation import SEGMENTATION_FILE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyannote.audio import Model
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization

Turns = list[tuple[int, int, int]]  # speaker, start_ms, end_ms
TRIPLES = 10
CONFIDENCES = (0.0, 0.8, 0.9, 0.95, 0.98, 0.99, 1.0)


class CampPlusModel(Model):
    """CAM++ as pyannote wants an embedding model: a chunk of sound and the frames in which a speaker is active."""

    def __init__(self, network: campplus.CampPlus) -> None:
        super().__init__(sample_rate=RATE_HZ)
        self.network = network

    @property
    def dimension(self) -> int:
        return campplus.DIMENSION

    def forward(self, waveforms: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
        """(batch, 1, num_samples), (batch, num_frames) -> (batch, 192); NaN for a speaker with too little speech."""
        if weights is None:
            weights = torch.ones(len(waveforms), 1)
        return torch.stack([self._embed(waveform[0], mask) for waveform, mask in zip(waveforms, weights, strict=True)])

    def _embed(self, waveform: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        features = campplus.fbank(waveform)
        active = torch.nn.functional.interpolate(mask[None, None], size=len(features))[0, 0] > 0.5
        if active.sum() < 20:
            return torch.full((campplus.DIMENSION,), torch.nan)
        return campplus.embed(self.network, features[active][None])[0]


class NoPlda(PLDA):
    """pyannote asks for a PLDA and would fetch one, though agglomerative clustering uses none."""

    def __init__(self) -> None:
        pass


class Peer:
    """pyannote's own pipeline with the same weights."""

    def __init__(self, step_ratio: float) -> None:
        segmentation, embedding = weights.locate("segmentation-3.0"), weights.locate("campplus")
        self._pipeline: Any = SpeakerDiarization(
            segmentation=str(segmentation / SEGMENTATION_FILE),
            segmentation_step=step_ratio,
            segmentation_batch_size=8,
            embedding=CampPlusModel(campplus.load(embedding / EMBEDDING_FILE)),
            embedding_batch_size=3,
            embedding_exclude_overlap=True,
            clustering="AgglomerativeClustering",
            plda=NoPlda(),
        ).instantiate(
            {
                "segmentation": {"min_duration_off": 0.0},
                "clustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.7},
            }
        )

    def __call__(self, conversation: Conversation) -> Turns:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            sound = {"waveform": torch.from_numpy(conversation.samples)[None], "sample_rate": RATE_HZ}
            found = self._pipeline(sound, num_speakers=2).exclusive_speaker_diarization
        names = found.labels()
        return [
            (names.index(name), int(segment.start * 1000), int(segment.end * 1000))
            for segment, _, name in found.itertracks(yield_label=True)
        ]


class Ours:
    def __init__(self) -> None:
        self._diarizer = Diarizer(weights.locate("segmentation-3.0"), weights.locate("campplus"))
        self.turns: Sequence[SpeakerTurn] = ()

    def __call__(self, conversation: Conversation) -> Turns:
        self.turns = self._diarizer(conversation.samples, RATE_HZ).exclusive
        return [(turn.speaker, turn.span.start_ms, turn.span.end_ms) for turn in self.turns]


def conversations(shared: Path, most: int | None) -> Iterator[Conversation]:
    yield from labelled(shared / "calls/dev")
    for people, at_most in ((2, most), (3, TRIPLES)):
        for telephone in (False, True):
            yield from joined(shared / "real", people=people, telephone=telephone, most=at_most)


def rightness(conversation: Conversation, turns: Sequence[SpeakerTurn]) -> list[tuple[float, bool]]:
    """Of every turn with speech in it: its confidence, and whether most of it is its speaker's."""
    found = [(turn.speaker, turn.span.start_ms, turn.span.end_ms) for turn in turns]
    _, right = heard_and_right(conversation, found)
    spoken = conversation.spoken.any(axis=0)
    stretches = [slice(turn.span.start_ms // 10, turn.span.end_ms // 10) for turn in turns]
    return [
        (turn.confidence, bool(right[stretch].sum() > spoken[stretch].sum() / 2))
        for turn, stretch in zip(turns, stretches, strict=True)
        if spoken[stretch].any()
    ]


def main(shared: Path, most: int | None) -> None:
    torch.set_num_threads(1)
    ours = Ours()
    ways: dict[str, Callable[[Conversation], Turns]] = {"ours": ours, "step 0.1": Peer(0.1), "step 0.25": Peer(0.25)}
    errors: dict[tuple[str, str], Errors] = {}
    cpu_s: dict[tuple[str, str], float] = {}
    count: dict[str, list[float]] = {}
    thirds: dict[tuple[str, str], int] = {}
    turns: list[tuple[float, bool]] = []
    for conversation in conversations(shared, most):
        kind = conversation.kind
        count.setdefault(kind, []).append(conversation.seconds)
        for name, way in ways.items():
            started = time.process_time()
            found = way(conversation)
            key = kind, name
            cpu_s[key] = cpu_s.get(key, 0.0) + time.process_time() - started
            errors[key] = errors.get(key, Errors()) + errors_of(conversation, found)
            thirds[key] = thirds.get(key, 0) + any(speaker > 1 for speaker, _, _ in found)
        if len(conversation.spoken) == 2:
            turns += rightness(conversation, ours.turns)
    print(f"{'kind':36} {'way':10} {'n':>4} {'s':>6}  confusion  missed  false alarm  thirds     RTF")
    for (kind, name), e in errors.items():
        seconds, number = sum(count[kind]), len(count[kind])
        shares = [f"{100 * part / e.spoken:.2f}%" for part in (e.confused, e.missed, e.false_alarm)]
        print(
            f"{kind:36} {name:10} {number:4} {seconds:6.0f}  {shares[0]:>9} {shares[1]:>7} {shares[2]:>12}"
            f" {thirds[kind, name]:7} {cpu_s[kind, name] / seconds:7.4f}"
        )
    print("turns of two by confidence: turns, confidence, right")
    confidence, right = np.array(turns).T
    for low, high in pairwise(CONFIDENCES):
        inside = (confidence >= low) & (confidence < high) if high < 1 else confidence >= low
        if inside.any():
            print(
                f"  {low:.2f}..{high:.2f} {inside.sum():5} {confidence[inside].mean():.3f} {right[inside].mean():.3f}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else None)
