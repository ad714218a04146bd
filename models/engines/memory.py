"""Memory that is no longer needed goes back to the system, where nobody does so by himself."""

import ctypes
import mmap
from typing import Any

import numpy as np
import numpy.typing as npt

# malloc.h: nothing is mapped; the heap never shrinks by itself; threads share one, others could not hold large blocks
M_MMAP_MAX, M_TRIM_THRESHOLD, M_ARENA_MAX = -4, -1, -8
LARGEST_INT = 2**31 - 1


def let_go(array: npt.NDArray[Any]) -> None:
    """What is mapped from a file leaves the memory until it is read again; changes are kept. Other arrays stay."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    if isinstance(owner, mmap.mmap):
        owner.madvise(mmap.MADV_DONTNEED)


def give_back_freed() -> None:
    """glibc keeps what one thread has freed, and others take new memory instead. Does nothing on other C libraries."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def reuse_freed() -> None:
    """What is freed is used again, however large: to be called before a second thread begins.

    glibc maps blocks of 32 MB and more anew each time. The encoder takes such blocks in every layer, and filling them
    with 100,000 pages a window was a quarter of its time. Does nothing on other C libraries.
    """
    set_option = getattr(ctypes.CDLL(None), "mallopt", None)
    if set_option is not None:
        for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, LARGEST_INT), (M_ARENA_MAX, 1)):
            set_option(option, value)
