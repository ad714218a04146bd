"""Recordings as sound: taken in block by block, refused where they cannot be judged fairly, cut into clips.

A recording's samples, 16-bit at 16 kHz whatever its file's own rate, lie in a temporary file without a name, mapped
into memory: hours of sound need no more memory than what is looked at, as long as who reads much lets it go.
"""

import hashlib
import mmap
import struct
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from zhijian.models.engines.decoding import BLOCK_SAMPLES, MISSING, AudioError, Block, Samples, blocks
from zhijian.models.engines.memory import let_go
from zhijian.models.records.recording import Recording
from zhijian.models.records.span import Span

__all__ = [
    "FULL_SCALE",
    "MISSING",
    "RATE_HZ",
    "AudioError",
    "Pcm",
    "Samples",
    "Sound",
    "as_floats",
    "clip_wav",
    "level_dbfs",
    "load",
]

Pcm = npt.NDArray[np.int16]

RATE_HZ = 16_000
FULL_SCALE = 32_768
MIN_DURATION_MS = 1_000
SILENCE_DBFS = -120.0
# A-law knows no zero: its silence swings between -8 and +8 of 32768.
DIGITAL_SILENCE = 16 / FULL_SCALE
# looked at in one go
PIECE_SAMPLES = 1 << 20


@dataclass(frozen=True, eq=False, slots=True)
class Sound:
    """A decoded recording.

    `samples`: (channels, num_samples) int16 at 16 kHz without direct current, exactly as many as the whole milliseconds
    of the recording have; on disk until they are read. The rest tells what the file held, at its own rate; `sha256` is
    taken over its rate (uint32), channels (uint16), and samples rounded to int16 and interleaved, little-endian:
    rounding to 16 bits makes one sound one recording, be it stored as wav or flac, as integers or as floats.
    """

    samples: Pcm
    file_rate_hz: int
    file_num_samples: int
    sha256: str

    @classmethod
    def of(cls, samples: npt.NDArray[np.floating[Any]], sample_rate_hz: int) -> "Sound":
        """What `load` makes of a file that holds `samples`: (channels, num_samples) in [-1, 1]; fit to judge or not."""
        interleaved = samples.T.astype(np.float32)
        starts = range(0, max(1, len(interleaved)), BLOCK_SAMPLES)
        blocks = (Block(interleaved[start : start + BLOCK_SAMPLES], sample_rate_hz) for start in starts)
        with tempfile.TemporaryFile() as file:
            return _intake(blocks, file).sound()

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def duration_ms(self) -> int:
        return self.file_num_samples * 1000 // self.file_rate_hz

    def recording(self, uri: str) -> Recording:
        """What is known of this sound under the name `uri`."""
        return Recording(
            uri=uri,
            sha256=self.sha256,
            sample_rate_hz=self.file_rate_hz,
            num_samples=self.file_num_samples,
            channels=self.channels,
        )


def load(path: Path) -> Sound:
    """Decode wav (PCM, float, A-law, mu-law), flac, mp3, ogg (vorbis, opus) or m4a (aac), mono or stereo, 8-48 kHz.

    The content decides what a file is, not its suffix. The samples take space in the folder of temporary files, and no
    memory.

    Raises:
        AudioError: no sound that could be judged: missing, broken, cut short, silent, too short, too many channels …
        OSError: the file is there but the system cannot read it now, or the disk is full; worth another try.
    """
    with tempfile.TemporaryFile() as file:
        intake = _intake(blocks(path), file)
        intake.refuse_unfit()
        return intake.sound()


def clip_wav(sound: Sound, span: Span, *, margin_ms: int) -> bytes:
    """`span` and `margin_ms` on both sides of it, as far as there is sound, as a 16-bit PCM wav at 16 kHz.

    Raises:
        ValueError: the span lies wholly behind the end of the sound.
    """
    start = max(0, span.start_ms - margin_ms) * RATE_HZ // 1000
    end = (span.end_ms + margin_ms) * RATE_HZ // 1000
    clip = sound.samples[:, start:end]
    if clip.shape[1] == 0:
        raise ValueError(f"no sound in {span.start_ms}..{span.end_ms} ms of a sound of {sound.duration_ms} ms")
    wav = BytesIO()
    soundfile.write(wav, clip.T, RATE_HZ, subtype="PCM_16", format="WAV")
    return wav.getvalue()


def as_floats(samples: Pcm) -> Samples:
    """Same shape, in [-1, 1): what the engines take. The samples it was made of do not stay in memory."""
    floats = np.divide(samples, FULL_SCALE, dtype=np.float32)
    let_go(samples)
    return floats


def level_dbfs(*parts: Samples | Pcm) -> float:
    """Root mean square of all samples in dB of full scale (a full-scale sine is -3); -120 for silence or no samples.

    `parts`: each (channels, num_samples) or (num_samples,), int16, or all of them floats in [-1, 1].
    """
    num_samples = sum(part.size for part in parts)
    if num_samples == 0:
        return SILENCE_DBFS
    full_scale = FULL_SCALE if parts[0].dtype == np.int16 else 1
    pieces = (piece for part in parts for channel in np.atleast_2d(part) for piece in _pieces(channel))
    squares = sum(float(np.einsum("i,i", piece, piece, dtype=np.float64)) for piece in pieces)
    mean_square = squares / num_samples / full_scale**2
    return max(SILENCE_DBFS, 10 * float(np.log10(mean_square))) if mean_square > 0 else SILENCE_DBFS


def _pieces(channel: npt.NDArray[Any]) -> Iterator[npt.NDArray[Any]]:
    """A channel, (num_samples,), piece by piece, of which none stays in memory."""
    for start in range(0, len(channel), PIECE_SAMPLES):
        piece = channel[start : start + PIECE_SAMPLES]
        yield piece
        let_go(piece)


class _Intake:
    """Takes a recording in, block by block: hashed as it is, kept in an empty file at 16 kHz."""

    def __init__(self, channels: int, rate_hz: int, file: BinaryIO) -> None:
        self._rate_hz = rate_hz
        self._num_samples = 0
        self._digest = hashlib.sha256(struct.pack("<IH", rate_hz, channels))
        self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, channels, dtype="float32", quality="HQ")
        self._channels = channels
        self._file = file
        self._num_kept = 0
        self._lowest = np.full(channels, np.inf)
        self._highest = np.full(channels, -np.inf)
        self._silent = True

    def take(self, samples: Samples) -> None:
        """`samples`: (num_samples, channels)"""
        if not np.isfinite(samples).all():
            raise AudioError("录音含有无效的采样值(文件已损坏)")
        clipped = np.clip(samples, -1.0, 1.0)
        self._digest.update(_int16(clipped).tobytes())
        self._keep(self._resampler.resample_chunk(clipped))
        self._num_samples += len(samples)
        if self._silent:
            self._lowest = np.minimum(self._lowest, clipped.min(axis=0, initial=np.inf))
            self._highest = np.maximum(self._highest, clipped.max(axis=0, initial=-np.inf))
            self._silent = bool((self._highest - self._lowest).max() <= DIGITAL_SILENCE)

    def refuse_unfit(self) -> None:
        if self._num_samples * 1000 // self._rate_hz < MIN_DURATION_MS:
            raise AudioError(f"录音太短(不足 {MIN_DURATION_MS // 1000} 秒)")
        if self._silent:
            raise AudioError("录音没有声音(全程静音)")

    def sound(self) -> Sound:
        """All that was taken in. Can be asked for once."""
        self._keep(self._resampler.resample_chunk(np.zeros((0, self._channels), dtype=np.float32), last=True))
        samples = self._mapped(self._num_samples * 1000 // self._rate_hz * RATE_HZ // 1000)
        _remove_direct_current(samples[:, : self._num_kept])
        return Sound(samples, self._rate_hz, self._num_samples, self._digest.hexdigest())

    def _keep(self, samples: Samples) -> None:
        """`samples`: (num_samples, channels) at 16 kHz"""
        self._file.write(_int16(samples).tobytes())
        self._num_kept += len(samples)

    def _mapped(self, num_samples: int) -> Pcm:
        """(channels, num_samples): what was kept, cut or filled up with zeros. A mapping outlives its file."""
        shape = (num_samples, self._channels)
        if num_samples == 0:
            return np.zeros(shape, dtype=np.int16).T
        self._file.truncate(num_samples * self._channels * np.dtype(np.int16).itemsize)
        return np.ndarray(shape, dtype=np.int16, buffer=mmap.mmap(self._file.fileno(), 0)).T


def _intake(blocks: Iterable[Block], file: BinaryIO) -> _Intake:
    rest = iter(blocks)
    first = next(rest)
    intake = _Intake(first.samples.shape[1], first.sample_rate_hz, file)
    for block in chain((first,), rest):
        intake.take(block.samples)
    return intake


def _int16(samples: Samples) -> Pcm:
    """Rounded, little-endian; same shape."""
    return np.clip(np.rint(samples * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype("<i2")


def _remove_direct_current(samples: Pcm) -> None:
    """Takes each channel's mean from it, in place; what would leave the range of int16 stays at its edge."""
    for channel in samples:
        total = sum(int(piece.sum(dtype=np.int64)) for piece in _pieces(channel))
        mean = round(total / len(channel)) if len(channel) else 0
        lowest, highest = max(-FULL_SCALE, mean - FULL_SCALE), min(FULL_SCALE - 1, mean + FULL_SCALE - 1)
        for piece in _pieces(channel):
            np.clip(piece, lowest, highest, out=piece)
            piece -= mean
