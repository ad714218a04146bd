"""Memory that is given back, measured at the system's."""

import mmap
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
