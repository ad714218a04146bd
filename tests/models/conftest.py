"""The real weights of the recogniser; what needs them is skipped where they have not been fetched."""

from pathlib import Path

import pytest

from zhijian.models.engines import weights
from zhijian.models.engines.weights import WeightsError


@pytest.fixture(scope="session")
def folder() -> Path:
    try:
        return weights.locate("whisper-base")
    except WeightsError as error:
        pytest.skip(str(error))
