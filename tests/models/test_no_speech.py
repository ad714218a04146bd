"""Nothing is said where nobody speaks, with the real models: not a character of it may count against an agent."""

import importlib.util
import sys
from pathlib import Path

import pytest

from zhijian.models.engines.ears import Ears, open_ears
from zhijian.models.engines.weights import WeightsError

SPEC = importlib.util.spec_from_file_location("no_speech", Path(__file__).with_name("no_speech.py"))
sys.modules[SPEC.name] = no_speech = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(no_speech)


@pytest.fixture(scope="module")
def ears() -> Ears:
    try:
        return open_ears(
            whisper=None,
            diarization=None,
            device="cpu",
            compute_type="int8",
            beam_size=5,
            agent_channel=0,
            threads=2,
        )
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("name", no_speech.CASES)
def test_nothing_is_said_where_nobody_speaks(ears, name):
    dialogue = ears.hear(no_speech.sound(name))
    assert "".join(u.text for u in dialogue.trusted) == ""
