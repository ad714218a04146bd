"""Sound files to blocks of samples: tell the containers apart, refuse what was cut short, decode as one goes."""

import io
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
import numpy.typing as npt
import soundfile

Samples = npt.NDArray[np.float32]

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 48_000
MAX_DURATION_H = 24
MAX_CHANNELS = 2
BLOCK_SAMPLES = 65_536
# Encoders count their padding differently; a cut recording misses more than this.
LENGTH_TOLERANCE_MS = 500
LENGTH_TOLERANCE_BYTES = 4096
# Recorders that write into a pipe cannot know the length and leave (nearly) the largest number instead.
OPEN_ENDED_BYTES = 0x7FFF_0000
# of a wav file: linear, floats, A-law, µ-law, and those with an extended head
PLAIN_FORMATS = {1, 3, 6, 7, 0xFFFE}
END_OF_OGG_STREAM = 4
# head, table of 255 segments, 255 segments of 255 bytes
LONGEST_OGG_PAGE_BYTES = 27 + 255 + 255 * 255

MISSING = "录音文件不存在"
INCOMPLETE = "录音不完整(文件在结束之前中断或损坏),请重新导出该录音"
UNDECODABLE = "录音无法解码(文件不完整或不是音频)"


class AudioError(Exception):
    """The recording cannot be judged; `reason` is Chinese, for people, and never holds a path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """The next piece of a recording, at the file's own rate.

    `samples`: (num_samples, channels) float32; full scale is 1, which files of floats may exceed.
    """

    samples: Samples
    sample_rate_hz: int


def blocks(path: Path) -> Iterator[Block]:
    """All the sound of a file in blocks of one rate and one or two channels: at least one block, which may be empty.

    The content decides what a file is, not its suffix.

    Raises, perhaps only after the last block:
        AudioError: the file is missing or no sound, not all of it is there, or it has too many channels …
        OSError: the file is there but the system cannot read it now; worth another try.
    """
    with _opened(path) as file:
        _refuse_cut_container(file)
        container = _av_container(file)
        file.seek(0)
        yield from _blocks_of_av(file, container) if container else _blocks_of_soundfile(file)


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        file = path.open("rb", buffering=0)
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(MISSING) from None
    except IsADirectoryError:
        raise AudioError("录音路径是文件夹,不是录音文件") from None
    with file:
        quiet = _QuietFile(file)
        if quiet.size_bytes == 0:
            raise AudioError("录音文件是空的(0 字节)")
        try:
            yield io.BufferedReader(quiet)
        finally:
            if quiet.fault:
                raise quiet.fault


class _QuietFile(io.RawIOBase):
    """A file as the decoders' libraries need it: for them a fault is the end of the file, `fault` tells them apart.

    It has no name either: soundfile would take a format from it.
    """

    def __init__(self, file: io.FileIO) -> None:
        self.size_bytes = os.fstat(file.fileno()).st_size
        self.fault: OSError | None = None
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size_bytes}[whence]
        self._position = max(0, start + offset)  # heads of broken files lead anywhere
        return self._position

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        try:
            self._file.seek(self._position)
            num_bytes = self._file.readinto(buffer) or 0
        except OSError as fault:
            self.fault = fault
            return 0
        self._position += num_bytes
        return num_bytes


def _refuse_layout(channels: int, rate_hz: int) -> None:
    if channels > MAX_CHANNELS:
        raise AudioError(f"录音有 {channels} 个声道,只支持单声道和双声道")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioError(f"采样率 {rate_hz} Hz 不在 8–48 kHz 之内")


def _refuse_cut(num_samples: int, promised: int, rate_hz: int) -> None:
    if (promised - num_samples) * 1000 > LENGTH_TOLERANCE_MS * rate_hz:
        raise AudioError(INCOMPLETE)


class _Forward(soundfile.SoundFile):
    """Read once from beginning to end. A seekable one seeks after each block, and not every codec gets back exactly."""

    def seekable(self) -> bool:
        return False


def _blocks_of_soundfile(file: BinaryIO) -> Iterator[Block]:
    try:
        sound = _Forward(file)
    except soundfile.LibsndfileError:
        raise AudioError(UNDECODABLE) from None
    with sound:
        _refuse_layout(sound.channels, sound.samplerate)
        if sound.frames > MAX_DURATION_H * 3600 * sound.samplerate:
            raise AudioError(f"录音的文件头有误(长度超过 {MAX_DURATION_H} 小时)")
        num_samples, ended = 0, False
        while not ended:
            try:
                samples = sound.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)
            except soundfile.LibsndfileError:
                raise AudioError(INCOMPLETE) from None
            yield Block(samples, sound.samplerate)
            num_samples += len(samples)
            ended = len(samples) == 0
        _refuse_cut(num_samples, sound.frames, sound.samplerate)


def _blocks_of_av(file: BinaryIO, container: str) -> Iterator[Block]:
    num_samples = rate_hz = promised = 0
    interleaved = av.AudioResampler(format="flt", frame_size=BLOCK_SAMPLES)
    try:
        # The container is named, never guessed: guessing would let a play list open other files and addresses.
        with av.open(file, mode="r", format=container) as media:
            stream = media.streams.audio[0]
            for frame in chain(media.decode(stream), (None,)):  # None: no more to come
                if frame is not None:
                    rate_hz, channels = frame.sample_rate, frame.layout.nb_channels
                    _refuse_layout(channels, rate_hz)
                for part in interleaved.resample(frame):
                    samples = cast(Samples, part.to_ndarray()).reshape(-1, channels)
                    num_samples += len(samples)
                    yield Block(samples, rate_hz)
            if container == "mp4" and stream.duration and stream.time_base:
                promised = int(stream.duration * stream.time_base * rate_hz)
    except (av.FFmpegError, ValueError, IndexError):
        raise AudioError(INCOMPLETE if rate_hz else UNDECODABLE) from None
    if num_samples == 0:
        raise AudioError(UNDECODABLE)
    _refuse_cut(num_samples, promised, rate_hz)


def _bytes_at(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)


def _size_bytes(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)


def _av_container(file: BinaryIO) -> str | None:
    """FFmpeg's name of the container where libsndfile cannot read it (in full), else None."""
    head = _bytes_at(file, 0, 26)
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[0] == 0xFF and head[1:2] and head[1] & 0xF6 == 0xF0:  # ADTS: sync word, layer 0
        return "aac"
    if head[:4] == b"fLaC" and _flac_length(head) == 0:  # written into a pipe: length unknown
        return "flac"
    if _is_mpeg_layer(head) and not _mp3_knows_its_length(file, head):
        return "mp3"
    return None


def _is_mpeg_layer(head: bytes) -> bool:
    return head[:3] == b"ID3" or (head[0] == 0xFF and head[1:2] >= b"\xe0")


def _mp3_knows_its_length(file: BinaryIO, head: bytes) -> bool:
    """A Xing or Info header in the first frame; without it libsndfile guesses the length and stops reading there."""
    first_frame = 0
    if head[:3] == b"ID3" and len(head) >= 10:  # the size of the tag is four times seven bits
        high, upper, lower, low = head[6:10]
        first_frame = 10 + (high << 21 | upper << 14 | lower << 7 | low)
    start = _bytes_at(file, first_frame, 200)
    return b"Xing" in start or b"Info" in start


def _flac_length(head: bytes) -> int:
    """Number of samples in the stream information, the first block of every flac file; 0 = unknown."""
    return int.from_bytes(head[21:26].ljust(5, b"\xff"), "big") & 0xF_FFFF_FFFF


def _refuse_cut_container(file: BinaryIO) -> None:
    """Decoders read a file of these kinds that was cut short to where it stops and say nothing."""
    head = _bytes_at(file, 0, 24)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        is_cut = _wav_is_cut(file)
    elif head[:4] == b"OggS":
        is_cut = _ogg_is_cut(file)
    else:
        is_cut = _promised_bytes(head) - _size_bytes(file) > LENGTH_TOLERANCE_BYTES
    if is_cut:
        raise AudioError(INCOMPLETE)


def _promised_bytes(head: bytes) -> int:
    """The size that the head of an aiff, au or w64 file gives the file; 0 where it gives none."""
    if head[:4] == b"riff":
        return int.from_bytes(head[16:24], "little")
    size = {b"FORM": head[4:8], b".snd": head[8:12]}.get(head[:4], b"")
    return promised if (promised := int.from_bytes(size)) < OPEN_ENDED_BYTES else 0


def _wav_is_cut(file: BinaryIO) -> bool:
    """The data chunk promises more sound than follows, or none at all although the rest of the file is sound."""
    size_bytes = _size_bytes(file)
    position = 12
    bytes_per_s = long_size = 0
    while position + 8 <= size_bytes:
        name, size = struct.unpack("<4sI", _bytes_at(file, position, 8))
        position += 8
        if name == b"fmt " and position + 16 <= size_bytes:
            bytes_per_s = _bytes_per_s(_bytes_at(file, position, 16))
        if name == b"ds64" and position + 16 <= size_bytes:
            (long_size,) = struct.unpack("<8xQ", _bytes_at(file, position, 16))
        if name == b"data":
            promised = long_size or size
            follows = size_bytes - position
            never_closed = promised == 0 and follows >= bytes_per_s > 0
            missing_ms = (promised - follows) * 1000 // max(bytes_per_s, 1)
            is_open_ended = not long_size and size >= OPEN_ENDED_BYTES
            return never_closed or (not is_open_ended and missing_ms > LENGTH_TOLERANCE_MS)
        if not any(name):  # zeros that were reserved for sound
            return True
        position += size + size % 2  # chunks start at even positions
    return True


def _bytes_per_s(fmt: bytes) -> int:
    """By a wav file's format. Where it follows from the other fields it is not believed: some recorders lie there."""
    kind, channels, rate_hz, bytes_per_s, _, bits = struct.unpack("<HHIIHH", fmt)
    return channels * rate_hz * bits // 8 if kind in PLAIN_FORMATS else bytes_per_s


def _ogg_is_cut(file: BinaryIO) -> bool:
    """The last page promises more bytes than follow, or is not marked as the end."""
    tail = _bytes_at(file, max(0, _size_bytes(file) - LONGEST_OGG_PAGE_BYTES), LONGEST_OGG_PAGE_BYTES)
    page = tail.rfind(b"OggS")
    if page < 0:  # it began so long ago that it must have ended
        return False
    flags, segments = tail[page + 5 : page + 6], tail[page + 26 : page + 27]
    table = tail[page + 27 : page + 27 + segments[0]] if segments else b""
    if not segments or len(table) < segments[0] or page + 27 + len(table) + sum(table) > len(tail):
        return True
    return not flags[0] & END_OF_OGG_STREAM
