"""Speech to words: Whisper on CTranslate2, deterministic, in simplified Chinese.

Only speech is encoded, and not padded to 30 s where there is less of it; window by window, which keeps to the caches.
Windows are decoded in batches, whoever they belong to. What shares its batch changes no more of what is read in a
window than rounding does.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import ctranslate2
import numpy as np
import numpy.typing as npt
from faster_whisper import WhisperModel
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import merge_punctuations
from opencc import OpenCC

from zhijian.models.engines.audio import RATE_HZ, Samples
from zhijian.models.engines.batches import Batches
from zhijian.models.engines.chinese_tokens import chinese_files
from zhijian.models.engines.weights import WeightsError
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span

Encoded = npt.NDArray[np.float32]
# the log probabilities of a text's tokens, one after the other
Forced = npt.NDArray[np.float64]

LANGUAGE = "zh"
# more at once cost memory and save next to nothing: each reads its own encoded sound from memory at every step
BATCH_SIZE = 4
FRAMES_PER_S, FRAMES_AT_MOST = 100, 3000
# Whisper learnt on windows of 30 s. With less silence than this after the last word it makes up what comes next
SILENCE_FRAMES, FRAMES_AT_LEAST = 100, 1500
# windows of one length share a batch
LENGTH_STEP_FRAMES = 500
# what the encoder makes one moment of; words cannot be aligned with none
ALIGNED_AT_LEAST = 2
# of a text: as fast as anybody speaks, and as long as the decoder can go on
TOKENS_PER_S, MORE_TOKENS, TOKENS_AT_MOST = 12, 32, 224
LONGEST_CHARACTER_S = 0.5
# as long as somebody may ask how well other words fit a window; 3 MB each
ENCODINGS_KEPT = 16
# texts at a time: of more the keys and values are no longer in the caches
FORCED_AT_ONCE = 4
# the alignment, which nobody needs, is over the frames
FORCED_FRAMES = 2
SMALLEST_PROBABILITY = 1e-10
PREPENDED, APPENDED = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


@dataclass(frozen=True, slots=True)
class Passage:
    """Words that were decoded together, at the recording's times.

    `compression_ratio` is high where text repeats itself, `no_speech_probability` where the model hears no speech.
    """

    words: tuple[Word, ...]
    mean_log_probability: float
    no_speech_probability: float
    compression_ratio: float


@dataclass(frozen=True)
class Recogniser:
    """Whisper weights in a CTranslate2 folder. Loaded when first used; can be shared by any number of threads.

    `threads` windows or batches are worked on at a time, each by one thread.
    """

    folder: Path
    device: str = "cpu"
    compute_type: str = "int8"
    beam_size: int = 5
    threads: int = 2
    _loading: Lock = field(default_factory=Lock, repr=False, compare=False)
    _kept: WeakKeyDictionary[Window, Encoded] = field(default_factory=WeakKeyDictionary, repr=False, compare=False)

    def load(self) -> None:
        """Loads the weights now. Raises WeightsError where the folder or the settings do not do."""
        try:
            _ = self._model
        except Exception as error:
            wanted = f"{self.device}/{self.compute_type}"
            raise WeightsError(f"{self.folder} 不能作为 Whisper 权重以 {wanted} 载入:{error}") from error

    def read(self, windows: Sequence[Window]) -> list[Passage]:
        """What is said in each of the windows."""
        return self._batches.run(windows)

    def forced(self, window: Window, texts: Sequence[str]) -> list[Forced]:
        """How well each text fits the window's sound if it is forced to be said."""
        encoded = self._encoded(window)
        found: list[Forced] = []
        for first in range(0, len(texts), FORCED_AT_ONCE):
            tokens = [self._tokenizer.encode(text) for text in texts[first : first + FORCED_AT_ONCE]]
            batch = _storage(np.repeat(encoded[np.newaxis], len(tokens), axis=0))
            aligned = self._model.model.align(batch, self._tokenizer.sot_sequence, tokens, FORCED_FRAMES)
            found += [np.log(np.maximum(one.text_token_probs, SMALLEST_PROBABILITY)) for one in aligned]
        return found

    def num_tokens(self, text: str) -> int:
        """How many log probabilities a forced text, or the beginning of one, has."""
        return len(self._tokenizer.encode(text))

    def language(self, window: Window) -> str:
        """The language most probably spoken (ISO 639-1).

        Asked so rarely that the model with the tokens of all languages is loaded for it and not kept.
        """
        encoded = _storage(self._encoded(window)[np.newaxis])
        with self._loading:
            ((code, _), *_) = self._load(files=None).model.detect_language(encoded)[0]
        return code.strip("<|>")

    @property
    def _model(self) -> WhisperModel:
        with self._loading:
            return self._loaded

    @cached_property
    def _loaded(self) -> WhisperModel:
        return self._load(files=chinese_files(self.folder))

    def _load(self, files: dict[str, bytes] | None) -> WhisperModel:
        return WhisperModel(
            str(self.folder),
            device=self.device,
            compute_type=self.compute_type,
            cpu_threads=1,
            num_workers=self.threads,
            local_files_only=True,
            files=files,
        )

    @property
    def _batches(self) -> Batches[Window, Encoded, Passage]:
        with self._loading:
            return self._started

    @cached_property
    def _started(self) -> Batches[Window, Encoded, Passage]:
        return Batches(
            kind=_frames, prepare=self._encoded, finish=self._decoded, workers=self.threads, largest=BATCH_SIZE
        )

    @cached_property
    def _features(self) -> FeatureExtractor:
        return FeatureExtractor(feature_size=self._model.model.n_mels)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._model.hf_tokenizer, multilingual=True, task="transcribe", language=LANGUAGE)

    @cached_property
    def _simplified(self) -> OpenCC:
        return OpenCC("t2s")

    def _encoded(self, window: Window) -> Encoded:
        """(num_frames / 2, dimension); once for each window, as long as it is kept."""
        encoded = self._kept.get(window)
        if encoded is None:
            features = self._features(_padded(window), padding=0)[np.newaxis]
            encoded = np.array(self._model.model.encode(_storage(features), to_cpu=True))[0]
            if len(self._kept) < ENCODINGS_KEPT:
                self._kept[window] = encoded
        return encoded

    def _decoded(self, windows: Sequence[Window], encoded: Sequence[Encoded]) -> list[Passage]:
        """What is said in windows of one length."""
        batch = _storage(np.stack(encoded))
        longest_s = _frames(windows[0]) / FRAMES_PER_S
        # times come from the alignment: without time stamps in between, the text is better and never ends early
        prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        results = self._model.model.generate(
            batch,
            [prompt] * len(windows),
            beam_size=self.beam_size,
            # it stops at half of it: the rest would be for the text before
            max_length=2 * min(TOKENS_AT_MOST, MORE_TOKENS + ceil(longest_s * TOKENS_PER_S)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        texts = [[token for token in result.sequences_ids[0] if token < self._tokenizer.eot] for result in results]
        aligned = self._model.find_alignment(self._tokenizer, texts, batch, list(map(_sounding_frames, windows)))
        return [self._passage(*one) for one in zip(windows, results, aligned, strict=True)]

    def _passage(
        self, window: Window, result: ctranslate2.models.WhisperGenerationResult, aligned: list[dict[str, Any]]
    ) -> Passage:
        merge_punctuations(aligned, PREPENDED, APPENDED)
        words = tuple(self._word(raw, window) for raw in aligned if raw["word"].strip())
        return Passage(
            words=words,
            mean_log_probability=float(result.scores[0]),
            no_speech_probability=float(result.no_speech_prob),
            compression_ratio=_compression_ratio("".join(word.text for word in words)),
        )

    def _word(self, raw: dict[str, Any], window: Window) -> Word:
        """A word after a pause is timed from where the one before ended: it did not take that long."""
        text = self._simplified.convert(str(raw["word"]).strip())
        end_s = float(raw["end"])
        start_s = max(float(raw["start"]), end_s - LONGEST_CHARACTER_S * len(text))
        start_ms = window.moment_ms(start_s)
        span = Span(start_ms, max(start_ms, window.moment_ms(end_s)))
        return Word(text, span, min(1.0, max(0.0, float(raw["probability"]))))


def _frames(window: Window) -> int:
    """How many frames of 10 ms are encoded for a window: its own and silence, in steps."""
    wanted = window.num_samples * FRAMES_PER_S / RATE_HZ + SILENCE_FRAMES
    return min(FRAMES_AT_MOST, max(FRAMES_AT_LEAST, ceil(wanted / LENGTH_STEP_FRAMES) * LENGTH_STEP_FRAMES))


def _sounding_frames(window: Window) -> int:
    """How many of them are its own."""
    return max(ALIGNED_AT_LEAST, ceil(window.num_samples * FRAMES_PER_S / RATE_HZ))


def _padded(window: Window) -> Samples:
    samples = window.samples()
    return np.pad(samples, (0, _frames(window) * RATE_HZ // FRAMES_PER_S - len(samples)))


def _compression_ratio(text: str) -> float:
    written = text.encode()
    return len(written) / len(zlib.compress(written))


def _storage(array: npt.NDArray[np.float32]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))
