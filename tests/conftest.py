"""What all tests share: the labelled sample calls, and the weights where they have been fetched."""

import json
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from zhijian.models.engines.audio import RATE_HZ, as_floats, load

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "data_samples"

# the first example reads tables, and other tests run beside it
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


@pytest.fixture(scope="session")
def samples_folder():
    return SAMPLES


@pytest.fixture(scope="session")
def sample_labels():
    """The samples' labels by call id."""
    return {call["call_id"]: call for call in json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))}


@pytest.fixture(scope="session")
def sample_sentences(sample_labels):
    """What the agent of the first stereo sample says, one after the other, each (num_samples,) at 16 kHz."""
    call = next(call for call in sample_labels.values() if call["channels"] == "stereo")
    (path,) = (SAMPLES / "audio").glob(f"{call['call_id']}.*")
    agent = as_floats(load(path).samples[0]).astype(np.float64)
    said = [sentence for sentence in call["truth"] if sentence["role"] == "agent"]
    return [agent[int(s["start"] * RATE_HZ) : int(s["end"] * RATE_HZ)] for s in said]


@pytest.fixture(scope="session")
def sample_sound(sample_sentences):
    """The first of them."""
    return sample_sentences[0]


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, those of a file share one, and so do all that look at the sample night.

    These come first: they take longest.
    """
    of_night = {item.path for item in items if "sample_night" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in of_night)
    for item in items:
        item.add_marker(pytest.mark.xdist_group("night" if item.path in of_night else str(item.path)))
