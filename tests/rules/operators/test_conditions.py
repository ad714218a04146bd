"""Conditions on a call as a whole, and the cases of a rule that they decide."""

import dataclasses
from typing import Any

import pytest

from zhijian.models.records.dialogue import Separation
from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.scenario import Scenario, ScenarioGuess
from zhijian.rules.judge import finding_of, result_of
from zhijian.rules.language import Example, Rule
from zhijian.rules.operators.conditions import Condition
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import Item, load_standard

STANDARD = load_standard()
SURE = STANDARD.settings.thresholds.scenario_confidence


def call(**facts: Any) -> Heard:
    lines = [{"agent": "您好,请讲。"}, {"customer": "我问一下。"}]
    return heard_of(Example.model_validate({"call": facts, "dialogue": lines}), STANDARD.settings)


def about(name: Scenario, confidence: float) -> Heard:
    heard = call()
    other = Scenario.BILLING if name is Scenario.CALLBACK else Scenario.CALLBACK
    guess = ScenarioGuess({name: confidence, other: 1 - confidence})
    heard.__dict__["scenario"] = guess  # in place of what the cached property would find
    return heard


def queued(queue: str | None) -> Heard:
    heard = call()
    return dataclasses.replace(heard, call=dataclasses.replace(heard.call, queue=queue))


def on_one_channel() -> Heard:
    heard = call()
    return dataclasses.replace(heard, dialogue=dataclasses.replace(heard.dialogue, separation=Separation.DIARIZATION))


@pytest.mark.parametrize(
    ("when", "heard", "holds"),
    [
        ({"direction": "outbound"}, call(direction="outbound"), True),
        ({"direction": "outbound"}, call(), False),
        ({"ring_count": {"at_least": 3}}, call(ring_count=3), True),
        ({"ring_count": {"at_most": 3}}, call(ring_count=4), False),
        ({"ring_count": {"at_most": 3}}, call(ring_count=None), False),
        ({"ring_count": "not_recorded"}, call(ring_count=None), True),
        ({"ring_count": "not_recorded"}, call(ring_count=0), False),
        ({"hangup_side": "agent"}, call(hangup_side="agent"), True),
        ({"hangup_side": "not_recorded"}, call(hangup_side=None), True),
        ({"queue": "故障"}, queued("故障"), True),
        ({"queue": "故障"}, queued("电费"), False),
        ({"queue": "故障"}, queued(None), False),
        ({"identity_verified": True}, call(identity_verified=True), True),
        ({"identity_verified": True}, call(identity_verified=None), False),
        ({"identity_verified": False}, call(identity_verified=False), True),
        ({"identity_verified": False}, call(identity_verified=None), False),
        ({"identity_verified": "not_recorded"}, call(identity_verified=None), True),
        ({"identity_verified": "not_recorded"}, call(identity_verified=False), False),
        ({"separation": "channels"}, call(), True),
        ({"separation": "diarization"}, call(), False),
        ({"separation": "diarization"}, on_one_channel(), True),
        ({"scenario": ["complaint", "outage"]}, call(scenario="outage"), True),
        ({"scenario": ["complaint", "outage"]}, call(scenario="billing"), False),
        ({"scenario": ["outage"], "direction": "outbound"}, call(scenario="outage"), False),
    ],
)
def test_when_a_condition_holds(when: dict[str, Any], heard: Heard, holds: bool) -> None:
    assert Condition.model_validate(when).holds(heard) is holds


def test_a_condition_shows_what_the_call_says_to_it() -> None:
    when = Condition.model_validate({"ring_count": "not_recorded", "scenario": ["outage"]})
    evidence = when.evidence(call(ring_count=None, scenario="outage"))
    assert (evidence.kind, evidence.detail) == (EvidenceKind.RECORD, "ring_count=未记录、scenario=outage")


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"direction": "outbound", "ring_count": {"at_most": 4}}, "外呼,振铃最多 4 声"),
        ({"ring_count": {"at_least": 2, "at_most": 4}}, "振铃至少 2 声、最多 4 声"),
        ({"ring_count": "not_recorded", "hangup_side": "agent"}, "未记录振铃次数,坐席先挂机"),
        ({"queue": "故障", "identity_verified": False}, "队列为“故障”,未核实身份"),
        ({"scenario": ["outage", "complaint"], "separation": "diarization"}, "通话场景为停电咨询、投诉,单声道录音"),
    ],
)
def test_a_condition_in_words(when: dict[str, Any], words: str) -> None:
    assert Condition.model_validate(when).in_words() == words


def item(when: dict[str, Any], **case: Any) -> Item:
    says = {"says_any": {"within": {}, "phrases": ["抱歉"], "missing": "没有致歉"}}
    example = [{"agent": "您好。"}]
    rule = {"cases": [{"when": when, **case}], "check": says, "examples": {"pass": [example], "fail": [example]}}
    line = STANDARD.items[0]
    return dataclasses.replace(line, rule=Rule.model_validate(rule, context={"lists": {}}))


NOT_APPLICABLE = {"outcome": "na", "reason": "回访,不适用"}
STRICTER = {"check": {"says_any": {"within": {}, "phrases": ["对不起"], "missing": "没有说对不起"}}}


@pytest.mark.parametrize(
    ("name", "confidence", "case", "outcome"),
    [
        (Scenario.CALLBACK, SURE, NOT_APPLICABLE, Outcome.NA),
        (Scenario.BILLING, SURE, NOT_APPLICABLE, Outcome.FAIL),
        (Scenario.BILLING, SURE - 0.1, NOT_APPLICABLE, Outcome.UNSURE),
        (Scenario.CALLBACK, SURE - 0.1, NOT_APPLICABLE, Outcome.NA),
        (Scenario.CALLBACK, SURE, STRICTER, Outcome.FAIL),
        (Scenario.CALLBACK, SURE - 0.1, STRICTER, Outcome.UNSURE),
    ],
)
def test_nothing_is_deducted_on_a_scenario_that_is_not_certain(
    name: Scenario, confidence: float, case: dict[str, Any], outcome: Outcome
) -> None:
    assert finding_of(item({"scenario": ["callback"]}, **case), about(name, confidence)).outcome is outcome


def test_a_doubtful_scenario_does_not_matter_where_the_rest_of_the_condition_does_not_hold() -> None:
    outbound = item({"scenario": ["callback"], "direction": "outbound"}, **NOT_APPLICABLE)
    assert finding_of(outbound, about(Scenario.BILLING, 0.6)).outcome is Outcome.FAIL


def test_the_reason_of_what_is_left_open_says_what_to_do_once() -> None:
    callback = item({"scenario": ["callback"]}, **NOT_APPLICABLE)
    result = result_of(callback, finding_of(callback, about(Scenario.BILLING, 0.6)))
    assert result.reason == "没有致歉;但通话场景不能确定,请听录音核对"
