"""Who spoke when, in a recording with both speakers on one channel: pyannote.audio with local weights."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from torch import Tensor

from zhijian.models.engines import campplus, torchaudio_cpu
from zhijian.models.records.span import Span

torchaudio_cpu.prepare()
from pyannote.audio import Model, Pipeline  # noqa: E402 (importable only after prepare())
from pyannote.audio.pipelines import SpeakerDiarization  # noqa: E402
from pyannote.audio.core.plda import PLDA  # noqa: E402
from pyannote.core import Annotation  # noqa: E402


@dataclass(frozen=True)
class SpeakerTurn:
    speaker: int
    span: Span


@dataclass(frozen=True)
class Diarization:
    turns: tuple[SpeakerTurn, ...]
    exclusive: tuple[SpeakerTurn, ...]
    separability: float | None


class _NoPlda(PLDA):
    def __init__(self) -> None:
        pass


class _CampPlusModel(Model):
    def __init__(self, network: campplus.CampPlus) -> None:
        super().__init__(sample_rate=campplus.SAMPLE_RATE_HZ)
        self.network = network

    @property
    def dimension(self) -> int:
        return campplus.DIMENSION

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
        out = []
        for i, w in enumerate(waveforms):
            f = campplus.fbank(w[0])
            if len(f) < 25:
                raise ValueError("too short")
            if weights is not None:
                m = torch.nn.functional.interpolate(weights[i][None, None], size=len(f), mode="nearest")[0, 0] > 0.5
                f = f[m]
            out.append(campplus.embed(self.network, f) if len(f) >= 25 else torch.full((192,), torch.nan))
        return torch.stack(out)


class Diarizer:
    def __init__(self, segmentation: Path, embedding: Path, step=0.5, params=None, seg_batch=8, emb_batch=3) -> None:
        self.pipeline = SpeakerDiarization(
            segmentation=Model.from_pretrained(segmentation),
            segmentation_step=step,
            embedding=_CampPlusModel(campplus.load(embedding)),
            embedding_exclude_overlap=True,
            plda=_NoPlda(),
            clustering="AgglomerativeClustering",
            embedding_batch_size=emb_batch,
            segmentation_batch_size=seg_batch,
        )
        self.pipeline.instantiate(params or {"segmentation": {"min_duration_off": 0.0},
            "clustering": {"method": "centroid", "min_cluster_size": 1, "threshold": 0.7}})
