"""Courtesy words: one that is missing may be among words that were hardly understood."""

from dataclasses import replace

import pytest

from zhijian.models.records.dialogue import Word
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.heard import Heard
from zhijian.rules.judge import unweighed
from zhijian.rules.language import Example
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
ITEM = next(item for item in STANDARD.items if item.id == "language.courtesy")
THREE_KINDS = "您好,请讲。这个月的电费是按新的电价标准来收取的。"  # an apology was not called for
TWO_KINDS = "您好。这个月的电费是按新的电价标准来收取的。"


def call(said: str, num_unclear: int) -> Heard:
    """A call of which the agent's last characters, so many, were hardly understood."""
    lines = [{"agent": said}, {"customer": "哦。"}]
    heard = heard_of(Example.model_validate({"dialogue": lines}), STANDARD.settings)
    agent, *others = heard.dialogue.utterances
    clear = len(said) - num_unclear
    words = tuple(Word(char, agent.span, 0.9 if at < clear else 0.3) for at, char in enumerate(said))
    dialogue = replace(heard.dialogue, utterances=(replace(agent, words=words), *others))
    return Heard(heard.call, dialogue, STANDARD.settings)


@pytest.mark.parametrize(
    ("said", "num_unclear", "outcome"),
    [
        (THREE_KINDS, 0, Outcome.FAIL),
        (THREE_KINDS, 14, Outcome.FAIL),
        (THREE_KINDS, 15, Outcome.UNSURE),
        (TWO_KINDS, 15, Outcome.FAIL),  # two more would have to be among them
        (f"{THREE_KINDS}谢谢,再见。", 15, Outcome.PASS),
    ],
)
def test_the_last_one_missing_may_be_among_what_was_hardly_understood(
    said: str, num_unclear: int, outcome: Outcome
) -> None:
    assert unweighed(ITEM, call(said, num_unclear)).outcome is outcome
