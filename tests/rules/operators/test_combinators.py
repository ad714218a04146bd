"""Checks made of checks, anchored places, counted and excused phrases, scenarios."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.dialogue import Role, Utterance, Word
from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.scenario import Scenario, ScenarioGuess
from zhijian.rules.language import Example
from zhijian.rules.operators.finding import Finding
from zhijian.rules.operators.table import Check
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

SETTINGS = load_standard().settings
SORRY, ELECTRICITY = "抱歉", "停电了"
ROLES = {"A": "agent", "C": "customer"}


def call(*lines: str, **facts: Any) -> Heard:
    """A call of lines that begin with A or C, for agent or customer."""
    dialogue = [{ROLES[line[0]]: line[1:].strip()} for line in lines]
    return heard_of(Example.model_validate({"call": facts, "dialogue": dialogue}), SETTINGS)


def guessed(heard: Heard, name: Scenario, confidence: float) -> Heard:
    rest = (1 - confidence) / (len(Scenario) - 1)
    guess = ScenarioGuess(dict.fromkeys(Scenario, rest) | {name: confidence})
    heard.__dict__["scenario"] = guess  # in place of what the cached property would find
    return heard


def look(check: dict[str, Any], heard: Heard) -> Finding:
    found: Finding = Check.model_validate(check, context={"lists": {}}).operator.look(heard)
    return found


def says(phrase: str, role: str = "agent", **more: Any) -> dict[str, Any]:
    within = {"role": role, **more.pop("within", {})}
    return {"says_any": {"within": within, "phrases": [phrase], "missing": f"没说{phrase}", **more}}


PASS, FAIL = says("您好"), says("再见")
NA = says("您好", within={"after": {"role": "customer", "says": ["修改密码"]}})
UNSURE = {"scenario_is": {"any_of": ["fault"], "missing": "不是报修"}}
"""What they are in HELLO."""


@pytest.fixture
def hello() -> Heard:
    return guessed(call("A 您好。", "C 我问一下。"), Scenario.FAULT, 0.4)


@pytest.mark.parametrize(
    ("checks", "outcome", "reason"),
    [
        ([PASS, PASS], Outcome.PASS, None),
        ([PASS, NA], Outcome.PASS, None),
        ([PASS, FAIL, UNSURE], Outcome.FAIL, "没说再见"),
        ([PASS, UNSURE], Outcome.UNSURE, "通话场景不能确定"),
        ([NA, NA], Outcome.NA, "客户没有说「修改密码」之类的话"),
        ([FAIL, says("谢谢")], Outcome.FAIL, "没说再见;没说谢谢"),
    ],
)
def test_all(hello: Heard, checks: list[dict], outcome: Outcome, reason: str | None) -> None:
    finding = look({"all": checks}, hello)
    assert (finding.outcome, finding.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("checks", "outcome", "reason"),
    [
        ([FAIL, PASS], Outcome.PASS, None),
        ([UNSURE, PASS], Outcome.PASS, None),
        ([FAIL, UNSURE], Outcome.UNSURE, "通话场景不能确定"),
        ([FAIL, says("谢谢")], Outcome.FAIL, "没说再见;没说谢谢"),
        ([FAIL, NA], Outcome.FAIL, "没说再见"),
        ([NA, NA], Outcome.NA, "客户没有说「修改密码」之类的话"),
    ],
)
def test_any(hello: Heard, checks: list[dict], outcome: Outcome, reason: str | None) -> None:
    finding = look({"any": checks}, hello)
    assert (finding.outcome, finding.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("check", "outcome", "reason"),
    [
        (PASS, Outcome.FAIL, "说了您好"),
        (FAIL, Outcome.PASS, None),
        (NA, Outcome.NA, "客户没有说「修改密码」之类的话"),
        (UNSURE, Outcome.UNSURE, "疑似说了您好"),
        ({"not": {"check": PASS, "reason": "无"}}, Outcome.PASS, None),
    ],
)
def test_not(hello: Heard, check: dict, outcome: Outcome, reason: str | None) -> None:
    finding = look({"not": {"check": check, "reason": "说了您好"}}, hello)
    assert (finding.outcome, finding.reason) == (outcome, reason)


@pytest.mark.parametrize(
    ("check", "outcome", "reason"),
    [
        (PASS, Outcome.UNSURE, "可能问候了"),
        (FAIL, Outcome.FAIL, "没说再见"),
        (NA, Outcome.NA, "客户没有说「修改密码」之类的话"),
        (UNSURE, Outcome.UNSURE, "通话场景不能确定"),
    ],
)
def test_perhaps(hello: Heard, check: dict, outcome: Outcome, reason: str | None) -> None:
    finding = look({"perhaps": {"check": check, "reason": "可能问候了"}}, hello)
    assert (finding.outcome, finding.reason) == (outcome, reason)


def test_what_fails_shows_once_where_it_was_looked_for(hello: Heard) -> None:
    weaker = {"perhaps": {"check": says("回见", within={"last_turns": 1}), "reason": "可能道别了"}}
    both = look({"any": [FAIL, weaker]}, hello)
    assert both.outcome is Outcome.FAIL
    assert both.evidence == look(FAIL, hello).evidence


def test_for_what_is_only_a_doubt_nothing_is_asked_of_the_sound() -> None:
    heard = call("A 您好,深表天气。", "C 我家停电了。")
    for check, asks in ((says("深表歉意"), True), ({"perhaps": {"check": says("深表歉意"), "reason": "可能"}}, False)):
        asking = dataclasses.replace(heard, doubts=(doubts := Doubts(heard.dialogue)))
        look(check, asking)
        assert bool(doubts.likeliest) is asks


def test_what_may_have_been_done_or_needed_deducts_nothing() -> None:
    heard = call("A 您好,有啥要说的?", "C 我家停电了。")
    offered = {"any": [says("帮您"), {"perhaps": {"check": says("有啥"), "reason": "可能在主动帮忙"}}]}
    assert look(offered, heard).outcome is Outcome.UNSURE
    assert look(offered, call("A 您好。", "C 我家停电了。")).outcome is Outcome.FAIL
    assert look(offered, call("A 您好,我帮您查,有啥要说的?", "C 好。")).outcome is Outcome.PASS
    situation = {"perhaps": {"check": says(ELECTRICITY, "customer"), "reason": "不一定是现在"}}
    given_perhaps = {"given": {"situation": situation, "otherwise": "没停电", "then": says(SORRY)}}
    finding = look(given_perhaps, heard)
    assert finding.outcome is Outcome.UNSURE
    assert "不一定是现在" in (finding.reason or "")
    assert look(given_perhaps, call("A 抱歉。", "C 我家停电了。")).outcome is Outcome.PASS
    assert look(given_perhaps, call("A 您好。", "C 我问电价。")).outcome is Outcome.NA


def test_what_not_forbids_has_its_evidence_also_where_a_pass_has_none() -> None:
    heard = call("A 您好,请讲。", "C 我问一下。")
    forbidden = {"explains_silences": {"missing": "有静默"}}
    (evidence,) = look({"not": {"check": forbidden, "reason": "没有静默"}}, heard).evidence
    assert evidence.kind is EvidenceKind.SEARCHED


@pytest.mark.parametrize(
    ("situation", "then", "outcome"),
    [
        (PASS, PASS, Outcome.PASS),
        (PASS, FAIL, Outcome.FAIL),
        (PASS, NA, Outcome.NA),
        (PASS, UNSURE, Outcome.UNSURE),
        (FAIL, FAIL, Outcome.NA),
        (NA, FAIL, Outcome.NA),
        (UNSURE, PASS, Outcome.PASS),
        (UNSURE, NA, Outcome.NA),
        (UNSURE, FAIL, Outcome.UNSURE),
        (UNSURE, UNSURE, Outcome.UNSURE),
    ],
)
def test_given(hello: Heard, situation: dict, then: dict, outcome: Outcome) -> None:
    finding = look({"given": {"situation": situation, "otherwise": "没有这种情况", "then": then}}, hello)
    assert finding.outcome is outcome
    if situation in (FAIL, NA):
        assert finding.reason == "没有这种情况"


def test_a_doubtful_situation_says_both_reasons(hello: Heard) -> None:
    finding = look({"given": {"situation": UNSURE, "otherwise": "无", "then": FAIL}}, hello)
    assert finding.reason == "没说再见;但不能确定属于这种情况(通话场景不能确定)"


def test_a_deduction_shows_the_situation_too() -> None:
    heard = call("A 您好。", f"C 我家{ELECTRICITY}。", "A 知道了。")
    check = {"given": {"situation": says(ELECTRICITY, "customer"), "otherwise": "没停电", "then": says(SORRY)}}
    evidence = look(check, heard).evidence
    assert [(one.kind, one.role) for one in evidence] == [
        (EvidenceKind.FOUND, Role.CUSTOMER),
        (EvidenceKind.SEARCHED, Role.AGENT),
    ]
    assert evidence[0].quote == ELECTRICITY


@pytest.mark.parametrize(
    "said",
    ["我家停店量。", "我家停电了。"],
    ids=["the words are only alike", "the speaker is not certain"],
)
def test_what_merely_may_have_arisen_demands_nothing(said: str) -> None:
    heard = call("A 您好。", f"C {said}", "A 知道了。")
    sure = 1.0 if said != "我家停电了。" else 0.4
    dialogue = dataclasses.replace(
        heard.dialogue,
        utterances=tuple(dataclasses.replace(u, role_confidence=sure) for u in heard.dialogue.utterances),
    )
    heard = dataclasses.replace(heard, dialogue=dialogue)
    situation = says(ELECTRICITY, "customer")
    assert look(situation, heard).outcome is Outcome.PASS  # enough to spare somebody
    for check in (
        {"given": {"situation": situation, "otherwise": "没停电", "then": says(SORRY)}},
        {"not": {"check": situation, "reason": "说了停电"}},
        {"given": {"situation": {"all": [situation]}, "otherwise": "没停电", "then": says(SORRY)}},
        {"given": {"situation": {"any": [situation]}, "otherwise": "没停电", "then": says(SORRY)}},
        says(SORRY, within={"after": {"role": "customer", "says": [ELECTRICITY]}}),
    ):
        assert look(check, heard).outcome is Outcome.UNSURE


@pytest.mark.parametrize(
    ("name", "confidence", "outcome"),
    [
        (Scenario.COMPLAINT, 0.95, Outcome.PASS),
        (Scenario.BILLING, 0.95, Outcome.FAIL),
        (Scenario.COMPLAINT, 0.3, Outcome.UNSURE),
        (Scenario.BILLING, 0.1, Outcome.UNSURE),
    ],
)
def test_scenario_is(name: Scenario, confidence: float, outcome: Outcome) -> None:
    heard = guessed(call("A 您好。"), name, confidence)
    check = {"scenario_is": {"any_of": ["complaint", "whistle_blowing"], "missing": "不是投诉或举报"}}
    assert look(check, heard).outcome is outcome


def test_one_of_several_scenarios_is_certain_where_none_of_them_is() -> None:
    heard = call("A 您好。")
    heard.__dict__["scenario"] = ScenarioGuess({Scenario.OUTAGE: 0.5, Scenario.FAULT: 0.4, Scenario.BILLING: 0.1})
    assert look({"scenario_is": {"any_of": ["outage", "fault"], "missing": "不是报修"}}, heard).outcome is Outcome.PASS
    assert look({"scenario_is": {"any_of": ["outage"], "missing": "不是停电"}}, heard).outcome is Outcome.UNSURE
    assert look({"scenario_is": {"any_of": ["billing"], "missing": "不是电费"}}, heard).outcome is Outcome.FAIL


def test_an_example_names_its_scenario() -> None:
    check = {"scenario_is": {"any_of": ["complaint"], "missing": "不是投诉"}}
    assert look(check, call("A 您好。", scenario="complaint")).outcome is Outcome.PASS
    assert look(check, call("A 您好。", scenario="billing")).outcome is Outcome.FAIL


CALL = (
    "A 您好,抱歉。",
    "C 我家停电了。",
    "A 请问是哪里?",
    "C 北街,停电了两天。",
    "A 很抱歉,马上给您处理。",
    "C 快一点,气死我了。",
    "A 好的。",
)


@pytest.mark.parametrize(
    ("within", "outcome"),
    [
        ({"after": {"role": "customer", "says": [ELECTRICITY]}}, Outcome.PASS),
        ({"after": {"role": "customer", "says": [ELECTRICITY]}, "first_turns": 1}, Outcome.FAIL),
        ({"after": {"role": "customer", "says": [ELECTRICITY]}, "first_turns": 2}, Outcome.PASS),
        ({"after": {"role": "customer", "says": [ELECTRICITY], "which": "last"}, "first_turns": 1}, Outcome.PASS),
        ({"after": {"role": "customer", "says": [ELECTRICITY], "which": "every"}, "first_turns": 1}, Outcome.FAIL),
        ({"after": {"role": "customer", "says": [ELECTRICITY], "which": "every"}, "first_turns": 2}, Outcome.PASS),
        ({"after": {"role": "customer", "says": ["气死"]}}, Outcome.FAIL),
        ({"after": {"role": "customer", "says": ["没有水"]}}, Outcome.NA),
        ({"after": {"role": "customer", "says": ["没有水"], "which": "every"}}, Outcome.NA),
        ({"before": {"role": "customer", "says": ["气死"]}, "last_turns": 1}, Outcome.PASS),
        ({"before": {"role": "customer", "says": [ELECTRICITY]}}, Outcome.PASS),
        ({"before": {"role": "agent", "says": ["请问"]}, "last_turns": 1}, Outcome.PASS),
        ({"after": {"role": "agent", "says": ["请问"]}, "first_turns": 1}, Outcome.FAIL),
        ({"after": {"role": "agent", "says": ["请问"]}, "first_turns": 2}, Outcome.PASS),
        (
            {
                "after": {"role": "customer", "says": [ELECTRICITY]},
                "before": {"role": "customer", "says": [ELECTRICITY], "which": "last"},
            },
            Outcome.FAIL,
        ),
        ({"first_ms": 3000}, Outcome.PASS),
        ({"last_ms": 3000}, Outcome.FAIL),
    ],
)
def test_places(within: dict[str, Any], outcome: Outcome) -> None:
    assert look(says(SORRY, within=within), call(*CALL)).outcome is outcome


def test_a_missing_anchor_is_named() -> None:
    finding = look(says(SORRY, within={"after": {"role": "customer", "says": ["没有水"]}}), call(*CALL))
    assert finding.reason == "客户没有说「没有水」之类的话"


def test_of_the_turn_that_holds_its_own_anchor_the_rest_counts() -> None:
    within = {"after": {"role": "agent", "says": ["查不到"]}, "first_turns": 1}
    check = says("回电", within=within)
    assert look(check, call("A 这个查不到,我给您回电。", "C 好的。")).outcome is Outcome.PASS
    assert look(check, call("A 我给您回电,这个查不到。", "C 好的。", "A 再见。")).outcome is Outcome.FAIL


@pytest.mark.parametrize("nearly", ["气死我量", "气氛我了"])
def test_an_anchor_that_was_only_nearly_said_demands_nothing(nearly: str) -> None:
    after = {"role": "customer", "says": ["气死我了"]}
    check = says("理解", within={"after": after, "first_turns": 1})
    assert look(check, call("A 您好。", "C 气死我了。", "A 知道了。")).outcome is Outcome.FAIL
    assert look(check, call("A 您好。", f"C {nearly}。", "A 知道了。")).outcome is Outcome.UNSURE
    assert look(check, call("A 您好。", f"C {nearly}。", "A 我很理解。")).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("at_least", "lines", "outcome"),
    [
        (2, ["A 请您稍等,请讲。"], Outcome.PASS),
        (2, ["A 请您稍等。", "C 好的。", "A 请讲。"], Outcome.PASS),
        (2, ["A 请您稍等。"], Outcome.FAIL),
        (3, ["A 请您稍等,请讲。"], Outcome.FAIL),
    ],
)
def test_so_many_hits_at_different_places(at_least: int, lines: list[str], outcome: Outcome) -> None:
    check = {"says_any": {"within": {}, "phrases": ["请", "请您"], "at_least": at_least, "missing": "说得太少"}}
    assert look(check, call(*lines)).outcome is outcome


@pytest.mark.parametrize(
    ("unless", "excused"),
    [
        ({"before": ["马上"]}, True),
        ({"after": ["您"]}, True),
        ({"in_sentence": ["师傅"]}, True),
        ({"in_turn": ["登记"]}, True),
        ({"in_turn": ["报修"]}, False),
        ({"in_sentence": ["登记"]}, False),
        ({"before": ["师傅"]}, False),
    ],
)
def test_an_excused_hit_does_not_count(unless: dict[str, list[str]], excused: bool) -> None:
    heard = call("A 师傅马上联系您。已经登记了。", "C 我来报修。")
    assert (look(says("联系", unless=unless), heard).outcome is Outcome.FAIL) == excused


TEXT = st.text("我要查电费停了气死", min_size=1, max_size=12)


@given(before=TEXT, after=TEXT, timed=st.booleans())
def test_what_stands_after_an_anchor_is_a_slice_of_what_was_said(before: str, after: str, timed: bool) -> None:
    text = f"{before}密码{after}"
    span = Span(1000, 1000 + 200 * len(text))
    words = tuple(Word(c, Span(1000 + 200 * i, 1200 + 200 * i), 0.9) for i, c in enumerate(text)) if timed else ()
    utterance = Utterance(Role.AGENT, span, text, 0.9, None, words)
    heard = call("A 您好。")
    dialogue = dataclasses.replace(heard.dialogue, utterances=(utterance,), voices=(), duration_ms=span.end_ms)
    heard = dataclasses.replace(heard, dialogue=dialogue)
    (hit,) = heard.hits(Check.model_validate(says("密码"), context={"lists": {}}).operator.phrases, (utterance,))
    scope = Check.model_validate(says("密码"), context={"lists": {}}).operator.within
    (rest,) = heard.place(scope, after=hit).utterances
    (ahead,) = heard.place(scope, before=hit).utterances
    assert (ahead.text, rest.text) == (before, after)
    assert span.start_ms <= ahead.span.start_ms < ahead.span.end_ms <= rest.span.start_ms < rest.span.end_ms
    assert rest.span.end_ms <= span.end_ms
