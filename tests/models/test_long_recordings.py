"""Recordings of hours: their samples stay on disk, whatever looks at them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from zhijian.models.engines import weights
from zhijian.models.engines.audio import RATE_HZ, Sound, as_floats, level_dbfs, load
from zhijian.models.engines.voice import distinct_channels, is_leak_of_the_other
from zhijian.models.records.span import Span

DURATION_S, CHANNELS = 1800, 2
SAMPLES_BYTES = DURATION_S * RATE_HZ * CHANNELS * 2
# for what is under way: blocks of samples, their resampling, the decoder
SPARE_BYTES = 40_000_000
HEAR_TO_THE_WINDOWS = """
import sys
from pathlib import Path
import numpy as np
from zhijian.models.engines.audio import load
from zhijian.models.engines.voice import BLOCK_SAMPLES, Channels, distinct_channels, voices
from zhijian.models.engines.windows import pack
from zhijian.models.records.span import Span

def peak_bytes():
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmHWM:") + 1]) * 1024

voices(Channels(np.zeros((2, BLOCK_SAMPLES), dtype=np.int16)))  # the network needs as much for any sound
before = peak_bytes()
sound = load(Path(sys.argv[1]))
channels = distinct_channels(sound.samples)
voices(channels)
for window in pack(channels.samples, [Span(0, sound.duration_ms)]):
    window.samples()
print(sound.duration_ms, sound.samples.nbytes, peak_bytes() - before)
"""
# a process begins with the peak of the one that started it, which must therefore not be the one of the tests
IN_A_SMALL_PROCESS = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="only Linux tells what is in memory")


@pytest.fixture(scope="module")
def long_flac(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "call.flac"
    ten_seconds = np.random.default_rng(5).normal(0, 0.05, (480_000, CHANNELS))
    with soundfile.SoundFile(path, "w", 48_000, CHANNELS, subtype="PCM_16", compression_level=0) as file:
        for _ in range(DURATION_S // 10):
            file.write(ten_seconds)
    return path


def forget_length(flac: Path) -> None:
    """As a recorder writes it that cannot go back: FFmpeg has to read it instead of libsndfile."""
    with flac.open("r+b") as file:
        head = bytearray(file.read(26))
        head[21] &= 0xF0
        head[22:26] = bytes(4)
        file.seek(0)
        file.write(head)


@pytest.mark.parametrize("length_known", [True, False])
def test_a_long_recording_takes_less_memory_than_its_samples(long_flac: Path, length_known: bool) -> None:
    if not length_known:
        forget_length(long_flac)
    command = [sys.executable, "-c", IN_A_SMALL_PROCESS, HEAR_TO_THE_WINDOWS, str(long_flac)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    duration_ms, samples_bytes, taken_bytes = map(int, output.split())
    assert duration_ms == DURATION_S * 1000
    assert samples_bytes == SAMPLES_BYTES
    assert taken_bytes < SPARE_BYTES < SAMPLES_BYTES / 2


def resident_bytes(sound: Sound) -> int:
    """How much of its samples is in memory."""
    address = f"{sound.samples.__array_interface__['data'][0]:x}-"
    mappings = iter(Path("/proc/self/smaps").read_text().splitlines())
    next(line for line in mappings if line.startswith(address))
    return next(int(line.split()[1]) * 1024 for line in mappings if line.startswith("Rss:"))


@pytest.fixture
def two_minutes() -> Sound:
    return Sound.of(np.random.default_rng(6).normal(0, 0.05, (2, 120 * RATE_HZ)), RATE_HZ)


def test_what_is_looked_at_is_in_memory(two_minutes: Sound) -> None:
    assert two_minutes.samples.copy().nbytes <= resident_bytes(two_minutes)


HALVES = [Span(0, 60_000)], [Span(60_000, 120_000)]


@pytest.mark.parametrize(
    "look",
    [
        lambda sound: as_floats(sound.samples[:, RATE_HZ:]),
        lambda sound: level_dbfs(sound.samples),
        lambda sound: distinct_channels(sound.samples),
        lambda sound: is_leak_of_the_other(sound.samples[1], *HALVES),
    ],
    ids=["floats", "level", "channels", "leak"],
)
def test_what_was_looked_at_leaves_the_memory(two_minutes: Sound, look: Callable[[Sound], object]) -> None:
    look(two_minutes)
    assert resident_bytes(two_minutes) == 0


def test_the_louder_of_two_channels_is_no_copy() -> None:
    sound = Sound.of(np.stack([np.zeros(RATE_HZ), np.sin(np.arange(RATE_HZ))]), RATE_HZ)
    assert np.shares_memory(distinct_channels(sound.samples).samples, sound.samples)


def test_a_sound_let_go_is_what_it_was(long_flac: Path) -> None:
    sound = load(long_flac)
    first = as_floats(sound.samples[:, : 10 * RATE_HZ])
    level_dbfs(sound.samples)
    assert first.any()
    assert np.array_equal(as_floats(sound.samples[:, : 10 * RATE_HZ]), first)


def test_telling_speakers_apart_leaves_no_samples_in_memory(sample_sound: np.ndarray) -> None:
    from zhijian.models.engines.diarization import Diarizer
    from zhijian.models.engines.ears import EMBEDDING, SEGMENTATION

    sound = Sound.of(np.tile(sample_sound, 3)[np.newaxis], RATE_HZ)
    Diarizer(weights.locate(SEGMENTATION), weights.locate(EMBEDDING))(sound.samples[0], RATE_HZ)
    assert resident_bytes(sound) == 0
