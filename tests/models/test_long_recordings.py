"""Recordings of hours need hardly more memory than their samples at 16 kHz."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

DURATION_S, CHANNELS = 1800, 2
RESULT_BYTES = DURATION_S * 16_000 * CHANNELS * 2
# for what is under way: a piece of the samples, a few blocks, the decoder itself
SPARE_BYTES = 150_000_000
LOAD_AND_MEASURE = """
import resource, sys
from pathlib import Path
from zhijian.models.engines.audio import load
unit = 1 if sys.platform == "darwin" else 1024
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
sound = load(Path(sys.argv[1]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(sound.duration_ms, sound.samples.nbytes, (after - before) * unit)
"""
# a process begins with the peak of the one that started it, which must therefore not be the one of the tests
IN_A_SMALL_PROCESS = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', *sys.argv[1:]]))"


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
def test_a_long_recording_takes_little_more_memory_than_its_samples(long_flac: Path, length_known: bool) -> None:
    if not length_known:
        forget_length(long_flac)
    command = [sys.executable, "-c", IN_A_SMALL_PROCESS, LOAD_AND_MEASURE, str(long_flac)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    duration_ms, result_bytes, taken_bytes = map(int, output.split())
    assert duration_ms == DURATION_S * 1000
    assert result_bytes == RESULT_BYTES
    assert result_bytes < taken_bytes < result_bytes + SPARE_BYTES
