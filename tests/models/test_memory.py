"""Memory that is given back, measured at the system's."""

import mmap
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zhijian.models.engines.memory import give_back_freed, let_go

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells what is in memory")
SIZE_BYTES = 50_000_000


def resident_bytes() -> int:
    status = Path("/proc/self/status").read_text().split()
    return int(status[status.index("VmRSS:") + 1]) * 1024


def test_a_view_lets_go_of_what_is_mapped_and_keeps_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "mapped"
    path.write_bytes(bytes(SIZE_BYTES))
    with path.open("r+b") as file:
        mapped = np.ndarray(SIZE_BYTES, dtype=np.uint8, buffer=mmap.mmap(file.fileno(), 0))
    mapped += 1
    before = resident_bytes()
    let_go(mapped.reshape(2, -1)[1:, ::2])
    assert resident_bytes() < before - 0.9 * SIZE_BYTES
    assert (mapped == 1).all()


def test_an_array_of_its_own_stays() -> None:
    array = np.arange(1000)
    let_go(array[10:])
    assert np.array_equal(array, np.arange(1000))


def test_what_was_freed_below_something_kept_is_given_back() -> None:
    # too small for mappings of their own, and the last keeps the heap from shrinking
    blocks = [bytearray(b"x" * 60_000) for _ in range(SIZE_BYTES // 60_000)]
    kept = blocks[-1]
    del blocks
    before = resident_bytes()
    give_back_freed()
    assert len(kept) == 60_000
    assert resident_bytes() < before - 0.5 * SIZE_BYTES


FAULTS_OF_A_SECOND_BLOCK = """
import resource, sys, threading
from zhijian.models.engines.memory import reuse_freed

if sys.argv[1] == "reuse":
    reuse_freed()

def fill() -> None:
    for _ in range(2):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(b"x") * 72_000_000
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

thread = threading.Thread(target=fill)
thread.start()
thread.join()
"""


@pytest.mark.parametrize(("mode", "few"), [("reuse", True), ("map", False)])
def test_large_blocks_are_used_again_by_all_threads(mode: str, few: bool) -> None:
    command = [sys.executable, "-c", FAULTS_OF_A_SECOND_BLOCK, mode]
    faults = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert (faults < 1000) == few
