"""Nothing is said where nobody speaks, with the real models: not a character of it may count against an agent."""

import importlib.util
import sys
from pathlib import Path

import pytest

from zhijian.models.engines.ears import Ears, open_ears
from zhijian.models.engines.rates import refuse_false_rate
from zhijian.models.engines.weights import WeightsError
from zhijian.models.engines.whisper import Passage
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span

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


class Muttering:
    """Reads one surely heard syllable in whatever it is given, and counts how often."""

    num_read = 0

    def read(self, windows):
        self.num_read += len(windows)
        return [Passage((Word("哦", Span(0, 1), 0.9),), -0.2, 0.1, 0.3) for _ in windows]


def test_a_lone_syllable_does_not_prove_another_sample_rate():
    recogniser = Muttering()
    refuse_false_rate(no_speech.sound("whispered vowels"), [], [], recogniser)
    assert recogniser.num_read > 0
