"""Memory that is no longer needed goes back to the system, where nobody does so by himself."""

import ctypes
import mmap
from typing import Any

import numpy as np
import numpy.typing as npt


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
