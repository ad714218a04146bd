"""Sound files to samples: decode, refuse what cannot be judged fairly, resample, cut clips."""

import hashlib
import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from zhijian.models.records.recording import Recording
from zhijian.models.records.span import Span

Samples = npt.NDArray[np.float32]

MIN_RATE_HZ, MAX_RATE_HZ = 8_000, 48_000
MIN_DURATION_MS = 1_000
MAX_DURATION_H = 24
MAX_CHANNELS = 2
SILENCE_DBFS = -120.0
# A-law knows no zero: its silence swings between -8 and +8 of 32768.
DIGITAL_SILENCE = 16 / 32768
# Encoders count their padding differently; a cut recording misses more than this.
LENGTH_TOLERANCE_MS = 500
# Recorders that write into a pipe cannot know the length and leave (nearly) the largest number instead.
OPEN_ENDED_BYTES = 0x7FFF_0000

MISSING = "录音文件不存在"
INCOMPLETE = "录音不完整(文件在结束之前中断或损坏),请重新导出该录音"
UNDECODABLE = "录音无法解码(文件不完整或不是音频)"


class AudioError(Exception):
    """The recording cannot be judged; `reason` is Chinese, for people, and never holds a path."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, eq=False, slots=True)
class Sound:
    """A decoded recording.

    `samples`: (channels, num_samples) float32 in [-1, 1], `sample_rate_hz`: that of the file.
    """

    samples: Samples
    sample_rate_hz: int

    @property
    def channels(self) -> int:
        return int(self.samples.shape[0])

    @property
    def num_samples(self) -> int:
        return int(self.samples.shape[1])

    @property
    def duration_ms(self) -> int:
        return self.num_samples * 1000 // self.sample_rate_hz

    def recording(self, uri: str) -> Recording:
        """What is known of this sound under the name `uri`."""
        return Recording(
            uri=uri,
            sha256=self._sha256(),
            sample_rate_hz=self.sample_rate_hz,
            num_samples=self.num_samples,
            channels=self.channels,
        )

    def _sha256(self) -> str:
        """Hash of rate (uint32), channels (uint16), then the samples rounded to int16 and interleaved, little-endian.

        Rounding to 16 bits makes one sound one recording, be it stored as wav or flac, as integers or as floats.
        """
        digest = hashlib.sha256(struct.pack("<IH", self.sample_rate_hz, self.channels))
        digest.update(_interleaved_int16(self.samples).tobytes())
        return digest.hexdigest()


def load(path: Path) -> Sound:
    """Decode wav (PCM, float, A-law, mu-law), flac, mp3, ogg (vorbis, opus) or m4a (aac), mono or stereo, 8-48 kHz.

    The content decides what a file is, not its suffix.

    Raises:
        AudioError: no sound that could be judged: missing, broken, cut short, silent, too short, too many channels …
        OSError: the file is there but the system cannot read it now; worth another try.
    """
    content = _content(path)
    sound = _decoded(content)
    _refuse_unfit(sound)
    return Sound(np.clip(sound.samples, -1.0, 1.0), sound.sample_rate_hz)


def resample(samples: Samples, from_hz: int, to_hz: int) -> Samples:
    """(channels, num_samples) at `from_hz` → the same stretch of time at `to_hz`, (channels, about n · to / from)."""
    if from_hz == to_hz:
        return samples
    if samples.shape[1] == 0:
        return samples.copy()
    resampled = soxr.resample(np.ascontiguousarray(samples.T), from_hz, to_hz)  # shape: (num_samples, channels)
    return np.ascontiguousarray(resampled.T, dtype=np.float32)


def clip_wav(sound: Sound, span: Span, *, margin_ms: int) -> bytes:
    """`span` and `margin_ms` on both sides of it, as far as there is sound, as a 16-bit PCM wav.

    Channels and rate stay those of the sound.

    Raises:
        ValueError: the span lies wholly behind the end of the sound.
    """
    start = max(0, span.start_ms - margin_ms) * sound.sample_rate_hz // 1000
    end = (span.end_ms + margin_ms) * sound.sample_rate_hz // 1000
    clip = sound.samples[:, start:end]
    if clip.shape[1] == 0:
        raise ValueError(f"no sound in {span.start_ms}..{span.end_ms} ms of a sound of {sound.duration_ms} ms")
    wav = BytesIO()
    soundfile.write(wav, _interleaved_int16(clip), sound.sample_rate_hz, subtype="PCM_16", format="WAV")
    return wav.getvalue()


def level_dbfs(samples: Samples) -> float:
    """Root mean square of all samples in dB of full scale (a full-scale sine is -3); -120 for silence or no samples."""
    if samples.size == 0:
        return SILENCE_DBFS
    mean_square = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DBFS, 10 * float(np.log10(mean_square))) if mean_square > 0 else SILENCE_DBFS


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise AudioError(MISSING) from None
    except IsADirectoryError:
        raise AudioError("录音路径是文件夹,不是录音文件") from None
    if not content:
        raise AudioError("录音文件是空的(0 字节)")
    return content


def _decoded(content: bytes) -> Sound:
    """Samples as the file has them, after making sure that the file holds all it promises."""
    _refuse_cut_container(content)
    container = _av_container(content)
    return _decode_with_av(content, container) if container else _decode_with_soundfile(content)


def _refuse_unfit(sound: Sound) -> None:
    _refuse_layout(sound.channels, sound.sample_rate_hz)
    if sound.duration_ms < MIN_DURATION_MS:
        raise AudioError(f"录音太短(不足 {MIN_DURATION_MS // 1000} 秒)")
    if not np.isfinite(sound.samples).all():
        raise AudioError("录音含有无效的采样值(文件已损坏)")
    if np.ptp(sound.samples, axis=1).max() <= DIGITAL_SILENCE:
        raise AudioError("录音没有声音(全程静音)")


def _refuse_layout(channels: int, rate_hz: int) -> None:
    if channels > MAX_CHANNELS:
        raise AudioError(f"录音有 {channels} 个声道,只支持单声道和双声道")
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioError(f"采样率 {rate_hz} Hz 不在 8–48 kHz 之内")


def _decode_with_soundfile(content: bytes) -> Sound:
    try:
        file = soundfile.SoundFile(BytesIO(content))
    except soundfile.LibsndfileError:
        raise AudioError(UNDECODABLE) from None
    with file:
        _refuse_layout(file.channels, file.samplerate)
        if file.frames > MAX_DURATION_H * 3600 * file.samplerate:  # a broken header would ask for all memory
            raise AudioError(f"录音的文件头有误(长度超过 {MAX_DURATION_H} 小时)")
        try:
            samples = file.read(dtype="float32", always_2d=True)  # shape: (num_samples, channels)
        except soundfile.LibsndfileError:
            raise AudioError(INCOMPLETE) from None
        _refuse_cut(len(samples), file.frames, file.samplerate)
        return Sound(np.ascontiguousarray(samples.T), file.samplerate)


def _decode_with_av(content: bytes, container: str) -> Sound:
    blocks: list[Samples] = []
    rate_hz = 0
    promised: int | None = None
    planar = av.AudioResampler(format="fltp")
    try:
        # The container is named, never guessed: guessing would let a play list open other files and addresses.
        with av.open(BytesIO(content), mode="r", format=container) as file:
            stream = file.streams.audio[0]
            for frame in file.decode(stream):
                rate_hz = frame.sample_rate
                _refuse_layout(frame.layout.nb_channels, rate_hz)
                blocks += [np.asarray(block.to_ndarray(), dtype=np.float32) for block in planar.resample(frame)]
            if container == "mp4" and stream.duration and stream.time_base:
                promised = int(stream.duration * stream.time_base * rate_hz)
    except (av.FFmpegError, ValueError, IndexError):
        raise AudioError(INCOMPLETE if blocks else UNDECODABLE) from None
    if not blocks:
        raise AudioError(UNDECODABLE)
    samples = np.concatenate(blocks, axis=1)  # shape: (channels, num_samples)
    if promised is not None:
        _refuse_cut(samples.shape[1], promised, rate_hz)
    return Sound(samples, rate_hz)


def _av_container(content: bytes) -> str | None:
    """FFmpeg's name of the container where libsndfile cannot read it (in full), else None."""
    if content[4:8] == b"ftyp":
        return "mp4"
    if content[0] == 0xFF and content[1:2] and content[1] & 0xF6 == 0xF0:  # ADTS: sync word, layer 0
        return "aac"
    if content[:4] == b"fLaC" and _flac_length(content) == 0:  # written into a pipe: length unknown
        return "flac"
    if _is_mpeg_layer(content) and not _mp3_knows_its_length(content):
        return "mp3"
    return None


def _is_mpeg_layer(content: bytes) -> bool:
    return content[:3] == b"ID3" or (content[0] == 0xFF and content[1:2] >= b"\xe0")


def _mp3_knows_its_length(content: bytes) -> bool:
    """A Xing or Info header in the first frame; without it libsndfile guesses the length and stops reading there."""
    first_frame = 0
    if content[:3] == b"ID3" and len(content) >= 10:  # the size of the tag is four times seven bits
        high, upper, lower, low = content[6:10]
        first_frame = 10 + (high << 21 | upper << 14 | lower << 7 | low)
    head = content[first_frame : first_frame + 200]
    return b"Xing" in head or b"Info" in head


def _flac_length(content: bytes) -> int:
    """Number of samples in the stream information, the first block of every flac file; 0 = unknown."""
    return int.from_bytes(content[21:26].ljust(5, b"\xff"), "big") & 0xF_FFFF_FFFF


def _refuse_cut(num_samples: int, promised: int, rate_hz: int) -> None:
    if (promised - num_samples) * 1000 > LENGTH_TOLERANCE_MS * rate_hz:
        raise AudioError(INCOMPLETE)


def _refuse_cut_container(content: bytes) -> None:
    """Decoders read a wav or ogg that was cut short to where it stops and say nothing."""
    if content[:4] == b"RIFF" and content[8:12] == b"WAVE" and _wav_is_cut(content):
        raise AudioError(INCOMPLETE)
    if content[:4] == b"OggS" and _ogg_is_cut(content):
        raise AudioError(INCOMPLETE)


def _wav_is_cut(content: bytes) -> bool:
    """The data chunk promises more sound than follows, or none at all although the rest of the file is sound."""
    position = 12
    bytes_per_s = 0
    while position + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, position)
        position += 8
        if name == b"fmt " and position + 12 <= len(content):
            (bytes_per_s,) = struct.unpack_from("<I", content, position + 8)
        if name == b"data":
            follows = len(content) - position
            never_closed = size == 0 and follows >= bytes_per_s > 0
            missing_ms = (size - follows) * 1000 // max(bytes_per_s, 1)
            return never_closed or (size < OPEN_ENDED_BYTES and missing_ms > LENGTH_TOLERANCE_MS)
        position += size + size % 2  # chunks start at even positions
    return True


def _ogg_is_cut(content: bytes) -> bool:
    """The last page promises more bytes than follow."""
    page = content.rfind(b"OggS")
    segments = content[page + 26 : page + 27]
    table = content[page + 27 : page + 27 + segments[0]] if segments else b""
    return not segments or len(table) < segments[0] or page + 27 + len(table) + sum(table) > len(content)


def _interleaved_int16(samples: Samples) -> npt.NDArray[np.int16]:
    """(channels, num_samples) → (num_samples, channels), little-endian."""
    scaled = np.rint(samples.T.astype(np.float64) * 32768)
    return np.ascontiguousarray(np.clip(scaled, -32768, 32767), dtype="<i2")
