#!/usr/bin/env python3
"""Copies Whisper weights and rounds them: how much of a figure on a few calls is chance.

usage: rounded_weights.py WHISPER_FOLDER OUT_DIR LEVELS

WHISPER_FOLDER holds weights as they are fetched, in float16. Its matrices are rounded to whole multiples of a LEVELS-th
of each row's largest number (1..127; the product itself rounds to 127). OUT_DIR is then heard with:

  ZHIJIAN_HEARING__WHISPER=OUT_DIR zhijian night CALLS_DIR --out HEARD_DIR

Processors do their sums in different order and width, so that the same weights read the same call a little differently
on each. What a change of the product is worth should show with every rounding, not only with one.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from zhijian.models.engines.model_file import ModelFile, Variable

# CTranslate2's numbers of types
FLOAT32, INT8, FLOAT16 = 0, 1, 4
MATRICES = ("linear", "decoder/embeddings")


def rounded(variable: Variable, levels: int) -> Iterator[Variable]:
    """A matrix as whole numbers and the scale of each row; anything else as it is."""
    if variable.type_id != FLOAT16 or len(variable.shape) != 2 or not any(name in variable.name for name in MATRICES):
        yield variable
        return
    matrix = np.frombuffer(variable.content, np.float16).astype(np.float32).reshape(variable.shape)
    scale = levels / np.abs(matrix).max(axis=1)
    whole = np.rint(matrix * scale[:, np.newaxis]).astype(np.int8)
    yield Variable(variable.name, variable.shape, INT8, memoryview(whole.tobytes()))
    scales = memoryview(scale.astype(np.float32).tobytes())
    yield Variable(f"{variable.name}_scale", variable.shape[:1], FLOAT32, scales)


def main(folder: Path, out: Path, levels: int) -> None:
    if not 1 <= levels <= 127:
        sys.exit(f"LEVELS is 1 to 127, not {levels}")
    shutil.copytree(folder, out, ignore=shutil.ignore_patterns("manifest.json"))
    model = ModelFile.parsed((folder / "model.bin").read_bytes())
    variables = tuple(new for variable in model.variables for new in rounded(variable, levels))
    (out / "model.bin").write_bytes(replace(model, variables=variables).written())


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
