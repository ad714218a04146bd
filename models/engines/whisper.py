"""Speech to words: faster-whisper, deterministic, in simplified Chinese."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt
from faster_whisper import BatchedInferencePipeline, WhisperModel
from opencc import OpenCC

from zhijian.models.engines.weights import WeightsError
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span

RATE_HZ = 16_000
BATCH_SIZE = 8
LANGUAGE = "zh"


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that were decoded together from at most 30 s of sound.

    `compression_ratio` is high where text repeats itself, `no_speech_probability` where the model hears no speech.
    """

    words: tuple[Word, ...]
    mean_log_probability: float
    no_speech_probability: float
    compression_ratio: float


@dataclass(frozen=True)
class Recogniser:
    """Whisper weights in a CTranslate2 folder. Loaded when first used; can be shared by `jobs` threads."""

    folder: Path
    device: str = "cpu"
    compute_type: str = "int8"
    beam_size: int = 5
    threads: int = 2
    jobs: int = 1
    _loading: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def _model(self) -> WhisperModel:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> WhisperModel:
        return WhisperModel(
            str(self.folder),
            device=self.device,
            compute_type=self.compute_type,
            cpu_threads=self.threads,
            num_workers=self.jobs,
            local_files_only=True,
        )

    def load(self) -> None:
        """Loads the weights now. Raises WeightsError where the folder or the settings do not do."""
        try:
            _ = self._model
        except Exception as error:
            wanted = f"{self.device}/{self.compute_type}"
            raise WeightsError(f"{self.folder} 不能作为 Whisper 权重以 {wanted} 载入:{error}") from error

    @cached_property
    def _simplified(self) -> OpenCC:
        return OpenCC("t2s")

    def passages(self, samples: npt.NDArray[np.float32]) -> tuple[Passage, ...]:
        """What is said in mono sound, (num_samples,) at 16 kHz; speech is found first and packed into full windows."""
        return self._decode(samples, vad_filter=True)

    def passage(self, samples: npt.NDArray[np.float32]) -> tuple[Passage, ...]:
        """What is said in at most 30 s of sound, (num_samples,) at 16 kHz, that is known to be speech."""
        return self._decode(samples, clip_timestamps=[{"start": 0.0, "end": len(samples) / RATE_HZ}])

    def language(self, samples: npt.NDArray[np.float32]) -> str:
        """The language most probably spoken in the first 30 s of speech (ISO 639-1)."""
        code, _, _ = self._model.detect_language(samples, vad_filter=True)
        return str(code)

    def _decode(self, samples: npt.NDArray[np.float32], **where: Any) -> tuple[Passage, ...]:
        # a pipeline keeps state between segments, so each decoding has its own; it weighs nothing beside the model
        segments, _ = BatchedInferencePipeline(self._model).transcribe(
            samples,
            language=LANGUAGE,
            beam_size=self.beam_size,
            batch_size=BATCH_SIZE,
            temperature=0.0,
            word_timestamps=True,
            **where,
        )
        end_ms = len(samples) * 1000 // RATE_HZ
        return tuple(
            Passage(
                words=tuple(word for raw in segment.words or () if (word := self._word(raw, end_ms)).text),
                mean_log_probability=float(segment.avg_logprob),
                no_speech_probability=float(segment.no_speech_prob),
                compression_ratio=float(segment.compression_ratio),
            )
            for segment in segments
        )

    def _word(self, raw: Any, end_ms: int) -> Word:
        start = min(max(0, round(raw.start * 1000)), end_ms)
        end = min(max(start, round(raw.end * 1000)), end_ms)
        return Word(self._simplified.convert(raw.word), Span(start, end), min(1.0, max(0.0, float(raw.probability))))
