"""Sound files of every accepted kind and the broken ones that must be refused with a reason."""

import errno
import hashlib
import io
import os
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines import audio, decoding
from zhijian.models.engines.audio import FULL_SCALE, RATE_HZ, AudioError, Samples, level_dbfs, load

Encoder = Callable[[Path, Samples, int], None]


def tones(rate_hz: int, channels: int, seconds: float = 3.0) -> Samples:
    """A tone of its own in each channel, coming and going, and a little noise: (channels, num_samples)."""
    time_s = np.arange(int(rate_hz * seconds)) / rate_hz
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 1.3 * time_s)
    noise = np.random.default_rng(7).standard_normal((channels, len(time_s)))
    return np.stack(
        [0.4 * swell * np.sin(2 * np.pi * (440 + 310 * c) * time_s) + 0.01 * noise[c] for c in range(channels)]
    ).astype(np.float32)


def with_soundfile(container: str, subtype: str) -> Encoder:
    def encode(path: Path, samples: Samples, rate_hz: int) -> None:
        soundfile.write(path, samples.T, rate_hz, format=container, subtype=subtype)

    return encode


def with_av(codec: str, container: str, **options: str) -> Encoder:
    def encode(path: Path, samples: Samples, rate_hz: int) -> None:
        layout = "stereo" if len(samples) == 2 else "mono"
        packed = np.ascontiguousarray((samples.T * 32767).astype(np.int16).reshape(1, -1))
        frame = av.AudioFrame.from_ndarray(packed, format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        with av.open(str(path), "w", format=container, options=options) as file:
            stream: Any = file.add_stream(codec, rate=rate_hz)
            stream.layout = layout
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                file.mux(packet)

    return encode


def flac_of_unknown_length(path: Path, samples: Samples, rate_hz: int) -> None:
    """What a recorder writes that cannot go back to the head of the file."""
    with_soundfile("FLAC", "PCM_16")(path, samples, rate_hz)
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)


def wav_of_unknown_length(path: Path, samples: Samples, rate_hz: int) -> None:
    with_soundfile("WAV", "PCM_16")(path, samples, rate_hz)
    content = bytearray(path.read_bytes())
    size = content.index(b"data") + 4
    content[size : size + 4] = b"\xff" * 4
    path.write_bytes(content)


def aiff_of_unknown_length(path: Path, samples: Samples, rate_hz: int) -> None:
    with_soundfile("AIFF", "PCM_16")(path, samples, rate_hz)
    content = bytearray(path.read_bytes())
    content[4:8] = b"\x7f\xff\xff\xff"
    path.write_bytes(content)


ENCODERS: dict[str, Encoder] = {
    "pcm8.wav": with_soundfile("WAV", "PCM_U8"),
    "pcm16.wav": with_soundfile("WAV", "PCM_16"),
    "pcm24.wav": with_soundfile("WAV", "PCM_24"),
    "pcm32.wav": with_soundfile("WAV", "PCM_32"),
    "float.wav": with_soundfile("WAV", "FLOAT"),
    "alaw.wav": with_soundfile("WAV", "ALAW"),
    "ulaw.wav": with_soundfile("WAV", "ULAW"),
    "extensible.wav": with_soundfile("WAVEX", "PCM_16"),
    "streamed.wav": wav_of_unknown_length,
    "long.wav": with_soundfile("RF64", "PCM_16"),
    "16.w64": with_soundfile("W64", "PCM_16"),
    "16.aiff": with_soundfile("AIFF", "PCM_16"),
    "streamed.aiff": aiff_of_unknown_length,
    "ulaw.au": with_soundfile("AU", "ULAW"),
    "16.flac": with_soundfile("FLAC", "PCM_16"),
    "streamed.flac": flac_of_unknown_length,
    "lame.mp3": with_av("libmp3lame", "mp3"),
    "headless.mp3": with_av("libmp3lame", "mp3", write_xing="0"),
    "vorbis.ogg": with_soundfile("OGG", "VORBIS"),
    "opus.ogg": with_soundfile("OGG", "OPUS"),
    "opus.opus": with_av("libopus", "ogg"),
    "aac.m4a": with_av("aac", "mp4"),
    "streamable.m4a": with_av("aac", "mp4", movflags="faststart"),
    "aac.aac": with_av("aac", "adts"),
}


RATES_HZ = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)
FILES = [
    (name, rate_hz)
    for name in ENCODERS
    for rate_hz in RATES_HZ
    if "opus" not in name or rate_hz in (8_000, 16_000, 48_000)  # the only ones of these that opus knows
]


def decoded_at_once(path: Path) -> tuple[Samples, int]:
    """All samples of a file as its decoder has them, (channels, num_samples), and their rate."""
    if path.name.endswith((".m4a", ".aac", "streamed.flac", "headless.mp3")):
        planar, container = av.AudioResampler(format="fltp"), path.suffix[1:].replace("m4a", "mp4")
        with av.open(str(path), format=container) as file:
            parts = [part for frame in file.decode(audio=0) for part in planar.resample(frame)]
        return np.concatenate([part.to_ndarray() for part in parts], axis=1), parts[0].sample_rate
    with soundfile.SoundFile(path) as file:
        return file.read(dtype="float32", always_2d=True).T, file.samplerate


def expected_sha256(samples: Samples, rate_hz: int) -> str:
    rounded = np.clip(np.rint(samples.T.astype(np.float64) * 32768), -32768, 32767).astype("<i2")
    return hashlib.sha256(struct.pack("<IH", rate_hz, len(samples)) + rounded.tobytes()).hexdigest()


def expected_samples(samples: Samples, rate_hz: int, duration_ms: int) -> Samples:
    """Resampled in one go, without direct current, in steps of int16."""
    resampled = soxr.resample(np.clip(samples, -1, 1).T, rate_hz, RATE_HZ)[: duration_ms * 16].T * FULL_SCALE
    return np.clip(resampled - resampled.mean(axis=1, keepdims=True), -FULL_SCALE, FULL_SCALE - 1)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("name", "rate_hz"), FILES)
def test_a_file_in_blocks_is_the_file_at_once(tmp_path: Path, name: str, rate_hz: int, channels: int) -> None:
    path = tmp_path / name
    ENCODERS[name](path, tones(rate_hz, channels, seconds=3.4567), rate_hz)
    sound, (whole, whole_rate_hz) = load(path), decoded_at_once(path)
    assert sound.file_rate_hz == whole_rate_hz == rate_hz
    assert (sound.channels, sound.file_num_samples) == whole.shape
    assert sound.sha256 == expected_sha256(whole, rate_hz)
    assert sound.samples.dtype == np.int16
    assert sound.samples.shape == (channels, sound.duration_ms * 16)
    assert np.abs(sound.samples - expected_samples(whole, rate_hz, sound.duration_ms)).max() <= 2


def best_lag(heard: Samples, source: Samples, most: int) -> tuple[int, float]:
    """Shift of `heard` against `source` in samples, and the correlation there; both mono."""
    middle = slice(len(source) // 4, len(source) // 4 * 3)
    reference = source[middle] / np.linalg.norm(source[middle])
    scores = {}
    for lag in range(-most, most + 1):
        piece = heard[middle.start + lag : middle.stop + lag]
        scores[lag] = float(piece @ reference / np.linalg.norm(piece))
    lag = max(scores, key=lambda key: scores[key])
    return lag, scores[lag]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("name", ENCODERS)
def test_every_format_comes_back_as_it_went_in(tmp_path: Path, name: str, channels: int) -> None:
    source = tones(8_000, channels)
    ENCODERS[name](tmp_path / name, source, 8_000)
    sound = load(tmp_path / name)
    assert sound.channels == channels
    assert abs(sound.file_num_samples - source.shape[1]) <= 2400
    for channel in range(channels):
        heard = sound.samples[channel, ::2].astype(np.float32)  # 8 kHz again: there is nothing above 4 kHz
        lag, correlation = best_lag(heard, source[channel], 1300)
        assert correlation > 0.9
        if name not in ("headless.mp3", "aac.aac"):  # these two say nothing of their encoder's delay
            assert abs(lag) <= 8


@settings(max_examples=40)
@given(
    st.sampled_from(["alaw.wav", "pcm16.wav", "16.flac", "streamed.flac", "lame.mp3", "headless.mp3", "aac.m4a"]),
    st.sampled_from(RATES_HZ),
    st.integers(1, 2),
    st.integers(500, 50_000),
    st.integers(1, 20_000),
)
def test_where_a_block_ends_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, name: str, rate_hz: int, channels: int, block: int, piece: int
) -> None:
    path = tmp_path_factory.mktemp("sound") / name
    ENCODERS[name](path, tones(rate_hz, channels, seconds=1.5), rate_hz)
    usual = load(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "BLOCK_SAMPLES", block)
        patch.setattr(audio, "PIECE_SAMPLES", piece)
        other = load(path)
    assert other.recording("call") == usual.recording("call")
    assert np.array_equal(other.samples, usual.samples)


def test_the_suffix_does_not_matter(tmp_path: Path) -> None:
    ENCODERS["aac.m4a"](tmp_path / "call.wav", tones(16_000, 1), 16_000)
    assert load(tmp_path / "call.wav").file_rate_hz == 16_000


def test_variable_mp3_without_a_length_is_read_to_its_end(tmp_path: Path) -> None:
    """Ten loud seconds, then nine times as much silence: a length guessed from the first frames is far too short."""
    loud, quiet = 0.3 * np.random.default_rng(1).standard_normal(160_000), np.zeros(16_000 * 60)
    path = tmp_path / "call.mp3"
    soundfile.write(
        path,
        np.clip(np.concatenate([loud, quiet, loud]), -1, 1),
        16_000,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="VARIABLE",
    )
    content = path.read_bytes()
    second_frame = content.index(content[:2], content.index(b"Xing") + 100)
    path.write_bytes(content[second_frame:])
    sound = load(path)
    assert abs(sound.duration_ms - 80_000) < 300
    assert level_dbfs(sound.samples[:, -80_000:]) > -20


def cut(name: str, share: float) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        ENCODERS[name](path, tones(8_000, 2, seconds=8), 8_000)
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return write


def cut_between_pages(name: str) -> Callable[[Path], None]:
    """What a recorder leaves that was killed: it writes page by page."""

    def write(path: Path) -> None:
        ENCODERS[name](path, tones(8_000, 2, seconds=20), 8_000)
        content = path.read_bytes()
        path.write_bytes(content[: content.rindex(b"OggS")])

    return write


def cut_with_false_rate(bytes_per_s: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        cut("pcm16.wav", 0.8)(path)
        content = bytearray(path.read_bytes())
        struct.pack_into("<I", content, content.index(b"fmt ") + 16, bytes_per_s)
        path.write_bytes(content)

    return write


def written(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def encoded(samples: Samples, rate_hz: int, subtype: str = "PCM_16") -> Callable[[Path], None]:
    return lambda path: soundfile.write(path, samples.T, rate_hz, format="WAV", subtype=subtype)


def unfinished_header(path: Path) -> None:
    """A recorder that died: sound, but the length in the head is still nought."""
    ENCODERS["pcm16.wav"](path, tones(8_000, 1), 8_000)
    content = bytearray(path.read_bytes())
    size = content.index(b"data") + 4
    content[size : size + 4] = bytes(4)
    path.write_bytes(content)


NOISE = np.random.default_rng(3).bytes(40_000)
CUT = ("pcm16.wav", "alaw.wav", "float.wav", "long.wav", "16.w64", "16.aiff", "ulaw.au")
CUT += ("16.flac", "lame.mp3", "vorbis.ogg", "opus.opus")
BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "不存在"),
    "a folder": (lambda path: path.mkdir(), "文件夹"),
    "empty": (written(b""), "空"),
    "one byte": (written(b"\xff"), "无法解码"),
    "text": (written("这不是录音,是一段文字。\n".encode() * 500), "无法解码"),
    "text in UTF-16": (written("这不是录音。\r\n".encode("utf-16") * 500), "无法解码"),
    "a play list": (written(b"#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/other.wav\n"), "无法解码"),
    "noise": (written(NOISE), "无法解码"),
    "noise after an mp3 sync word": (written(b"\xff\xfb" + NOISE), "无法解码"),
    "noise after an m4a head": (written(b"\0\0\0\x18ftypM4A " + NOISE), "无法解码"),
    "only a wav head": (written(b"RIFF\x24\0\0\0WAVE"), "不完整"),
    "head never finished": (unfinished_header, "不完整"),
    **{f"{name} cut at {share:.0%}": (cut(name, share), "不完整") for name in CUT for share in (0.9, 0.4)},
    **{
        f"{name} cut between pages": (cut_between_pages(name), "不完整")
        for name in ("vorbis.ogg", "opus.ogg", "opus.opus")
    },
    **{f"cut, {rate} bytes a second": (cut_with_false_rate(rate), "不完整") for rate in (1, 256_000, 0xFFFF_FFFF)},
    "streamable m4a cut": (cut("streamable.m4a", 0.6), "不完整"),
    "m4a cut before its index": (cut("aac.m4a", 0.6), "不完整"),
    "0.2 s": (encoded(tones(8_000, 1, 0.2), 8_000), "太短"),
    "no samples": (encoded(np.zeros((1, 0), np.float32), 8_000), "太短"),
    "silence": (encoded(np.zeros((2, 16_000), np.float32), 8_000), "没有声音"),
    "A-law silence": (encoded(np.zeros((2, 16_000), np.float32), 8_000, "ALAW"), "没有声音"),
    "a constant": (encoded(np.full((1, 16_000), 0.25, np.float32), 8_000), "没有声音"),
    "not a number": (encoded(np.full((1, 16_000), np.nan, np.float32), 8_000, "FLOAT"), "无效"),
    "three channels": (encoded(tones(8_000, 3), 8_000), "3 个声道"),
    "6 kHz": (encoded(tones(6_000, 1), 6_000), "6000 Hz"),
    "96 kHz": (encoded(tones(96_000, 1), 96_000), "96000 Hz"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_judged_is_refused_with_a_reason(tmp_path: Path, case: str) -> None:
    make, reason = BROKEN[case]
    path = tmp_path / "13800000000.wav"
    make(path)
    with pytest.raises(AudioError) as error:
        load(path)
    assert reason in error.value.reason
    assert "13800000000" not in str(error.value)
    assert str(tmp_path) not in str(error.value)


def test_a_header_wrong_by_a_few_bytes_is_not_a_cut_recording(tmp_path: Path) -> None:
    """Some recorders count their own header into the length of the sound."""
    path = tmp_path / "call.wav"
    ENCODERS["pcm16.wav"](path, tones(8_000, 1), 8_000)
    content = bytearray(path.read_bytes())
    size = content.index(b"data") + 4
    struct.pack_into("<I", content, size, len(content))
    path.write_bytes(content)
    assert load(path).file_num_samples == 24_000


def test_zeros_that_were_reserved_for_sound_are_no_chunks_to_look_through(tmp_path: Path) -> None:
    path = tmp_path / "call.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE")
    os.truncate(path, 1 << 32)
    with pytest.raises(AudioError, match="不完整"):
        load(path)


int16_sound = st.tuples(
    st.integers(1, 2), st.sampled_from([8_000, 16_000, 44_100]), st.integers(0, 2**32 - 1), st.integers(1, 400)
)


@settings(max_examples=25)
@given(int16_sound)
def test_one_sound_is_one_recording_as_wav_and_as_flac(
    tmp_path_factory: pytest.TempPathFactory, drawn: tuple[int, int, int, int]
) -> None:
    channels, rate_hz, seed, extra = drawn
    folder = tmp_path_factory.mktemp("sound")
    samples = np.random.default_rng(seed).integers(-32768, 32768, (rate_hz + extra, channels), dtype=np.int16)
    files = {
        "a.wav": ("WAV", "PCM_16"),
        "b.flac": ("FLAC", "PCM_16"),
        "c.wav": ("WAV", "FLOAT"),
        "d.wav": ("WAV", "PCM_24"),
    }
    for name, (container, subtype) in files.items():
        # soundfile writes integers into float files without scaling them
        data = samples / np.float32(32768) if subtype == "FLOAT" else samples
        soundfile.write(folder / name, data, rate_hz, format=container, subtype=subtype)
    assert len({load(folder / name).recording("call").sha256 for name in files}) == 1


HEADS = [b"RIFF\x24\0\0\0WAVE", b"OggS", b"fLaC", b"ID3", b"\xff\xf1", b"xxxxftyp", b""]


@settings(max_examples=60)
@given(st.binary(max_size=300), st.sampled_from(HEADS))
def test_no_bytes_at_all_do_more_than_be_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes
) -> None:
    path = tmp_path_factory.mktemp("bytes") / "call.wav"
    path.write_bytes(head + content)
    with pytest.raises(AudioError):
        load(path)


def test_reading_trouble_of_the_system_is_not_the_recordings_fault(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="too long"):
        load(tmp_path / ("长" * 300))


class FailingFile(io.FileIO):
    """A file on a disk or share that stops answering after a few thousand bytes."""

    def readinto(self, buffer: bytearray) -> int | None:  # type: ignore[override]
        if self.tell() >= 16_384:
            raise OSError(errno.EIO, "Input/output error")
        return super().readinto(buffer)


@pytest.mark.parametrize("name", ["pcm16.wav", "16.flac", "lame.mp3", "vorbis.ogg", "aac.m4a", "headless.mp3"])
def test_a_disk_that_fails_halfway_is_not_the_recordings_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / name
    ENCODERS[name](path, tones(16_000, 2, seconds=8), 16_000)
    monkeypatch.setattr(Path, "open", lambda path, mode, buffering: FailingFile(path, mode))
    with pytest.raises(OSError, match="Input/output error"):
        load(path)
    assert "Traceback" not in capfd.readouterr().err
