"""Speech to words: Whisper on CTranslate2, deterministic, in simplified Chinese.

Three things make it fast on a CPU: only speech is encoded, and not padded to 30 s; it is encoded window by window,
which keeps to the caches, but decoded in batches, whoever the windows belong to; the decoder looks at one path, and at
several only where that one was doubtful. What is read in a window never depends on what shares its batch.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from pathlib import Path
from threading import Lock

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
from zhijian.models.engines.weights import WeightsError
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span

LANGUAGE = "zh"
BATCH_SIZE = 8
FRAMES_PER_S, FRAMES_AT_MOST = 100, 3000
# Whisper learnt on windows of 30 s. With less silence than this after the last word it makes up what comes next
SILENCE_FRAMES, FRAMES_AT_LEAST = 100, 1500
# windows of one length share a batch
LENGTH_STEP_FRAMES = 250
STAMP_S = 0.02
TOKENS_AT_MOST, TOKENS_PER_S, MORE_TOKENS = 448, 12, 32
# where the first, narrow look is doubted: the mean of the log-probabilities of its tokens, or text that repeats itself
DOUBTED_BELOW, DOUBTED_COMPRESSION_RATIO = -0.35, 2.4
# so short that there is no context to lean on: looked at widely at once
SHORT_S = 10
# text that ends so much earlier than its window has left something unread
UNREAD_FROM_S = 0.6
LONGEST_CHARACTER_S = 0.5
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


@dataclass(frozen=True, eq=False, slots=True)
class _Reading:
    """What was read in a window; `unread` is what is left of it where the text ended too early."""

    window: Window
    passage: Passage
    unread: Window | None


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

    def load(self) -> None:
        """Loads the weights now. Raises WeightsError where the folder or the settings do not do."""
        try:
            _ = self._model
        except Exception as error:
            wanted = f"{self.device}/{self.compute_type}"
            raise WeightsError(f"{self.folder} 不能作为 Whisper 权重以 {wanted} 载入:{error}") from error

    def read(self, windows: Sequence[Window]) -> list[Passage]:
        """What is said in the windows, ordered by time. What a first reading left unread is read by itself."""
        readings: list[_Reading] = []
        while windows:
            latest = self._batches.run(windows, kind=lambda window: (_frames(window), _is_short(window)))
            readings += latest
            windows = [reading.unread for reading in latest if reading.unread]
        return [reading.passage for reading in sorted(readings, key=lambda reading: reading.window.span)]

    def language(self, window: Window) -> str:
        """The language most probably spoken (ISO 639-1)."""
        ((code, _), *_) = self._model.model.detect_language(_storage(self._encode([window])))[0]
        return code.strip("<|>")

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
            cpu_threads=1,
            num_workers=self.threads,
            local_files_only=True,
        )

    @cached_property
    def _batches(self) -> Batches[Window, _Reading]:
        return Batches(self._read_batch, workers=self.threads, largest=BATCH_SIZE)

    @cached_property
    def _features(self) -> FeatureExtractor:
        return FeatureExtractor(feature_size=self._model.model.n_mels)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        model = self._model
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=LANGUAGE)

    @cached_property
    def _simplified(self) -> OpenCC:
        return OpenCC("t2s")

    def _encode(self, windows: Sequence[Window]) -> npt.NDArray[np.float32]:
        """(num_windows, num_frames / 2, dimension), of windows of one length."""
        model, frames = self._model.model, _frames(windows[0])
        features = np.stack([self._features(_padded(window, frames), padding=0) for window in windows])
        at_once = 1 if model.device == "cpu" else len(windows)
        parts = [features[first : first + at_once] for first in range(0, len(windows), at_once)]
        return np.concatenate([np.array(model.encode(_storage(part), to_cpu=True)) for part in parts])

    def _read_batch(self, windows: Sequence[Window]) -> list[_Reading]:
        encoded = self._encode(windows)
        if _is_short(windows[0]):
            texts = self._generate(encoded, windows, beam_size=self.beam_size)
        else:
            texts = self._generate(encoded, windows, beam_size=1)
            doubted = [number for number, text in enumerate(texts) if self._is_doubtful(text)]
            if doubted and self.beam_size > 1:
                again = self._generate(encoded[doubted], [windows[n] for n in doubted], beam_size=self.beam_size)
                for number, text in zip(doubted, again, strict=True):
                    texts[number] = text
        words = self._words(encoded, windows, texts)
        return [
            _Reading(window, self._passage(text, own), self._unread(window, text))
            for window, text, own in zip(windows, texts, words, strict=True)
        ]

    def _generate(
        self, encoded: npt.NDArray[np.float32], windows: Sequence[Window], *, beam_size: int
    ) -> list["_Text"]:
        longest_s = max(window.num_samples for window in windows) / RATE_HZ
        results = self._model.model.generate(
            _storage(encoded),
            [list(self._tokenizer.sot_sequence)] * len(windows),
            beam_size=beam_size,
            max_length=min(TOKENS_AT_MOST, MORE_TOKENS + ceil(longest_s * TOKENS_PER_S)),
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [_Text(tuple(r.sequences_ids[0]), float(r.scores[0]), float(r.no_speech_prob)) for r in results]

    def _is_doubtful(self, text: "_Text") -> bool:
        return (
            text.mean_log_probability < DOUBTED_BELOW
            or _compression_ratio(self._tokenizer.decode(self._spoken(text))) > DOUBTED_COMPRESSION_RATIO
        )

    def _spoken(self, text: "_Text") -> list[int]:
        return [token for token in text.tokens if token < self._tokenizer.eot]

    def _unread(self, window: Window, text: "_Text") -> Window | None:
        """What follows the text's last time stamp, if that is its end and early."""
        if not self._spoken(text) or text.tokens[-1] < self._tokenizer.timestamp_begin:
            return None
        end_s = (text.tokens[-1] - self._tokenizer.timestamp_begin) * STAMP_S
        if end_s < 1 or end_s > window.num_samples / RATE_HZ - UNREAD_FROM_S:
            return None
        return window.after(end_s)

    def _words(
        self, encoded: npt.NDArray[np.float32], windows: Sequence[Window], texts: Sequence["_Text"]
    ) -> list[tuple[Word, ...]]:
        """The words of each text, at the recording's times."""
        aligned = self._model.find_alignment(
            self._tokenizer,
            [self._spoken(text) for text in texts],
            _storage(encoded),
            [ceil(window.num_samples * FRAMES_PER_S / RATE_HZ) for window in windows],
        )
        for words in aligned:
            merge_punctuations(words, PREPENDED, APPENDED)
        return [
            tuple(self._word(raw, window) for raw in words if raw["word"].strip())
            for window, words in zip(windows, aligned, strict=True)
        ]

    def _word(self, raw: dict[str, float | str], window: Window) -> Word:
        """A word after a pause is timed from where the one before ended: it did not take that long."""
        text = self._simplified.convert(str(raw["word"]).strip())
        end_s = float(raw["end"])
        start_s = max(float(raw["start"]), end_s - LONGEST_CHARACTER_S * len(text))
        start_ms = window.moment_ms(start_s)
        span = Span(start_ms, max(start_ms, window.moment_ms(end_s)))
        return Word(text, span, min(1.0, max(0.0, float(raw["probability"]))))

    def _passage(self, text: "_Text", words: tuple[Word, ...]) -> Passage:
        return Passage(
            words=words,
            mean_log_probability=text.mean_log_probability,
            no_speech_probability=text.no_speech_probability,
            compression_ratio=_compression_ratio("".join(word.text for word in words)),
        )


@dataclass(frozen=True, slots=True)
class _Text:
    """`tokens` with their time stamps."""

    tokens: tuple[int, ...]
    mean_log_probability: float
    no_speech_probability: float


def _frames(window: Window) -> int:
    """How many frames of 10 ms are encoded for a window: its own and silence, in steps."""
    wanted = window.num_samples * FRAMES_PER_S / RATE_HZ + SILENCE_FRAMES
    return min(FRAMES_AT_MOST, max(FRAMES_AT_LEAST, ceil(wanted / LENGTH_STEP_FRAMES) * LENGTH_STEP_FRAMES))


def _padded(window: Window, frames: int) -> Samples:
    samples = window.samples()
    return np.pad(samples, (0, frames * RATE_HZ // FRAMES_PER_S - len(samples)))


def _is_short(window: Window) -> bool:
    return window.num_samples < SHORT_S * RATE_HZ


def _compression_ratio(text: str) -> float:
    written = text.encode()
    return len(written) / len(zlib.compress(written))


def _storage(array: npt.NDArray[np.float32]) -> ctranslate2.StorageView:
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(array, dtype=np.float32))
