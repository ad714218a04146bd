"""Conditions on a call as a whole: on its record, on what it is about, on how its speakers were told apart."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from zhijian.models.records.call import Direction
from zhijian.models.records.dialogue import Separation
from zhijian.models.records.scorecard import Evidence, Outcome
from zhijian.rules.call.heard import Heard, recorded
from zhijian.rules.call.scenario import Scenario
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Term
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, unsure

NOT_RECORDED = "not_recorded"


class Rings(Term):
    """How often it rang: from `at_least` to `at_most`, an absent bound does not bind; or the word not_recorded."""

    at_least: int | None = None
    at_most: int | None = None
    not_recorded: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: Any) -> Any:
        if isinstance(value, str) and value != NOT_RECORDED:
            raise ValueError("ring_count 写 {at_least: 几声, at_most: 几声} 或 not_recorded")
        return {NOT_RECORDED: True} if value == NOT_RECORDED else value

    def holds(self, value: int | None) -> bool:
        if value is None or self.not_recorded:
            return value is None and self.not_recorded
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    def in_words(self) -> str:
        if self.not_recorded:
            return "未记录振铃次数"
        bounds = [f"至少 {self.at_least} 声"] if self.at_least is not None else []
        bounds += [f"最多 {self.at_most} 声"] if self.at_most is not None else []
        return "振铃" + "、".join(bounds)


class Condition(Term):
    """What must be so of a call; all fields that are given have to hold. A field not recorded meets no value."""

    direction: Direction | None = None
    ring_count: Rings | None = None
    hangup_side: Literal["agent", "customer", "not_recorded"] | None = None
    queue: str | None = None
    identity_verified: Literal[True, False, "not_recorded"] | None = None
    scenario: tuple[Scenario, ...] | None = Field(default=None, min_length=1)
    separation: Literal[Separation.CHANNELS, Separation.DIARIZATION] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Condition:
        if not self.model_fields_set:
            raise ValueError("when 是空的;写上 direction、ring_count、scenario 等条件,或去掉 when")
        return self

    def holds(self, heard: Heard) -> bool:
        return all(_meets(_value(heard, name), getattr(self, name)) for name in self._fields)

    def in_doubt(self, heard: Heard) -> bool:
        """Does it depend on a scenario that the call may have, or may not?"""
        sure = heard.settings.thresholds.scenario_confidence
        return (
            self.scenario is not None
            and 1 - sure < heard.scenario.probability_of(self.scenario) < sure
            and all(_meets(_value(heard, name), getattr(self, name)) for name in self._fields if name != "scenario")
        )

    def evidence(self, heard: Heard) -> Evidence:
        """What the call says to it."""
        return recorded(**{name: _value(heard, name) for name in self._fields})

    def in_words(self) -> str:
        """What has to hold, in Chinese: 外呼,振铃最多 4 声."""
        return ",".join(_IN_WORDS[name](getattr(self, name)) for name in self._fields)

    @cached_property
    def _fields(self) -> tuple[str, ...]:
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)


_IN_WORDS: dict[str, Callable[[Any], str]] = {
    "direction": {Direction.INBOUND: "呼入", Direction.OUTBOUND: "外呼"}.__getitem__,
    "ring_count": Rings.in_words,
    "hangup_side": {"agent": "坐席先挂机", "customer": "客户先挂机", NOT_RECORDED: "未记录挂机方"}.__getitem__,
    "queue": "队列为“{}”".format,
    "identity_verified": {True: "已核实身份", False: "未核实身份", NOT_RECORDED: "未记录是否核实身份"}.__getitem__,
    "scenario": lambda names: f"通话场景为{sentences.scenarios(names)}",
    "separation": {Separation.CHANNELS: "双声道录音", Separation.DIARIZATION: "单声道录音"}.__getitem__,
}


def _value(heard: Heard, name: str) -> Any:
    if name == "scenario":
        return heard.scenario.name
    return heard.dialogue.separation if name == "separation" else getattr(heard.call, name)


def _meets(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Rings):
        return wanted.holds(value)
    if wanted == NOT_RECORDED:
        return value is None
    if isinstance(wanted, tuple):
        return value in wanted
    return value is not None and value == wanted


class ScenarioIs(Operator):
    """The call is about one of these, whichever. `missing` is the reason of a fail."""

    any_of: tuple[Scenario, ...] = Field(min_length=1)
    missing: str

    def look(self, heard: Heard) -> Finding:
        guess, sure = heard.scenario, heard.settings.thresholds.scenario_confidence
        evidence = recorded(scenario=f"{guess.name}(把握 {guess.confidence:.2f})")
        probability = guess.probability_of(self.any_of)
        if probability >= sure:
            return Finding(outcome=Outcome.PASS, confidence=probability, evidence=(evidence,))
        if probability > 1 - sure:
            return unsure("通话场景不能确定", probability, evidence)
        return failed(self.missing, 1 - probability, evidence, doubt=None)

    def explain(self, settings: Settings) -> Explanation:
        confidence = f"{settings.thresholds.scenario_confidence:.0%}"
        return Explanation(
            asked=(f"通话场景是{sentences.scenarios(self.any_of)}",),
            reasons=(self.missing,),
            doubts=(f"通话场景是不是其中的一类,判断的把握不足 {confidence}",),
        )
