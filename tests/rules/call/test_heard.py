"""How far a call is trusted: whose the words are where one voice cuts off another."""

import pytest

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.language import Example
from zhijian.rules.operators.table import Check
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

SETTINGS = load_standard().settings
SAYS_GOODBYE = Check.model_validate(
    {"says_any": {"within": {"role": "agent"}, "phrases": ["再见"], "missing": "没有说再见"}}, context={"lists": {}}
).operator


@pytest.mark.parametrize(
    ("separation", "gap_ms", "outcome"),
    [
        ("diarization", 20, Outcome.UNSURE),
        ("diarization", 500, Outcome.FAIL),
        ("channels", 20, Outcome.FAIL),
    ],
)
def test_on_one_channel_what_follows_at_once_may_begin_with_the_others_words(
    separation: str, gap_ms: int, outcome: Outcome
) -> None:
    lines = [{"agent": "谢谢您来电。"}, {"customer": "再见再见。", "gap_ms": gap_ms}]
    heard = heard_of(Example.model_validate({"separation": separation, "dialogue": lines}), SETTINGS)
    assert SAYS_GOODBYE.look(heard).outcome is outcome


def test_what_follows_the_same_voice_is_its_own() -> None:
    lines = [{"agent": "谢谢您来电。"}, {"customer": "好的。", "gap_ms": 500}, {"customer": "再见。", "gap_ms": 20}]
    heard = heard_of(Example.model_validate({"separation": "diarization", "dialogue": lines}), SETTINGS)
    assert SAYS_GOODBYE.look(heard).outcome is Outcome.FAIL
