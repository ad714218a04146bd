"""What all tests share: the labelled sample calls, and the weights where they have been fetched."""

import json
from pathlib import Path

import numpy as np
import pytest

from zhijian.models.engines.audio import RATE_HZ, as_floats, load

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data_samples"


@pytest.fixture(scope="session")
def samples_folder():
    return SAMPLES


@pytest.fixture(scope="session")
def sample_labels():
    """The samples' labels by call id."""
    return {call["call_id"]: call for call in json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))}


@pytest.fixture(scope="session")
def sample_sound(sample_labels):
    """The first sentence of the first stereo sample's agent, (num_samples,) at 16 kHz."""
    call = next(call for call in sample_labels.values() if call["channels"] == "stereo")
    (path,) = (SAMPLES / "audio").glob(f"{call['call_id']}.*")
    sound = load(path)
    sentence = next(u for u in call["truth"] if u["role"] == "agent")
    first, last = (int(sentence[edge] * RATE_HZ) for edge in ("start", "end"))
    return as_floats(sound.samples[0, first:last]).astype(np.float64)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, those of a file share one, and so do all that look at the sample night."""
    of_night = {item.path for item in items if "sample_night" in getattr(item, "fixturenames", ())}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("night" if item.path in of_night else str(item.path)))
