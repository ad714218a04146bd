"""Make pyannote.audio importable beside a CPU build of torch, without telemetry and without the network."""

import os
import sys
from types import ModuleType

import torch


def prepare() -> None:
    """Call before the first import of pyannote.audio or torchaudio; calling it again changes nothing.

    * pyannote.audio sends telemetry unless it is told otherwise before its import, and it looks for what it misses
      on the public hub: neither is wanted where call recordings are heard.
    * torchaudio's published Linux build loads CUDA libraries on import and fails beside a CPU build of torch
      (`libc10_cuda.so: cannot open shared object file`, seen with torchaudio 2.11.0 and torch 2.13.0+cpu). Only its
      parts in pure torch are used here, so its extension loader is replaced by one that says "no extension".
    """
    os.environ["PYANNOTE_METRICS_ENABLED"] = "0"
    os.environ["HF_HUB_OFFLINE"] = "1"
    if torch.version.cuda is None and "torchaudio" not in sys.modules:
        extension = ModuleType("torchaudio._extension")
        extension.__dict__.update(_IS_TORCHAUDIO_EXT_AVAILABLE=False, fail_if_no_align=lambda function: function)
        sys.modules["torchaudio._extension"] = extension
