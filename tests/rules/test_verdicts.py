"""How probable it is that a verdict is right: fitted on labelled calls, kept from those who are hard to hear."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from zhijian.models.records.scorecard import Outcome
from zhijian.models.training import train_verdicts
from zhijian.rules.call.heard import Heard
from zhijian.rules.explain import explain
from zhijian.rules.judge import finding_of, result_of
from zhijian.rules.language import Example
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard
from zhijian.rules.verdicts import Clues, curves

STANDARD = load_standard()
DEDUCT = STANDARD.settings.thresholds.deduct
ITEMS = {item.id: item for item in STANDARD.items}
FALSE_DEDUCTIONS_AT_MOST = 0.01
CLEARLY, BADLY = 0.9, 0.75
"""Mean confidence of the words; on the telephone lines of the labelled calls 0.78 to 0.89."""


def call(
    agent: str = "东山供电,请讲。", agent_words: float = CLEARLY, customer_words: float = CLEARLY, **record: Any
) -> Heard:
    lines = [
        {"agent": agent, "confidence": agent_words},
        {"customer": "我想问一下电费怎么交。", "confidence": customer_words},
    ]
    return heard_of(Example.model_validate({"call": record, "dialogue": lines}), STANDARD.settings)


@pytest.mark.parametrize(
    ("item", "record"),
    [
        pytest.param("opening.late_apology", {"ring_count": 2}, id="does not apply"),
        pytest.param("closing.hangup", {"hangup_side": "customer"}, id="passes"),
    ],
)
def test_what_the_call_record_settles_is_certain_however_badly_the_call_was_heard(item, record):
    assert finding_of(ITEMS[item], call(agent_words=0.4, customer_words=0.4, **record)).confidence == 1


@pytest.mark.parametrize("worse", ["agent_words", "customer_words"])
def test_nothing_is_deducted_in_a_call_of_which_one_side_is_hard_to_hear(worse):
    clear = finding_of(ITEMS["opening.greeting"], call())
    finding = finding_of(ITEMS["opening.greeting"], call(**{worse: BADLY}))
    result = result_of(ITEMS["opening.greeting"], finding)
    assert (clear.outcome, finding.outcome) == (Outcome.FAIL, Outcome.UNSURE)
    assert result.points is None
    assert result.confidence < DEDUCT <= clear.confidence
    assert result.reason == f"{clear.reason};但通话听得不够清楚,扣分的把握不足 {DEDUCT:.0%},请听录音核对"
    assert result.evidence == clear.evidence


def test_a_deduction_for_what_was_said_needs_no_clear_call():
    finding = finding_of(ITEMS["language.banned"], call("我不知道,这不归我管。", customer_words=BADLY))
    assert finding.outcome is Outcome.FAIL


def test_a_deduction_that_does_not_stand_lists_no_banned_phrases_but_the_key_data():
    threshold = STANDARD.settings.thresholds.model_copy(update={"deduct": 1.0})
    strict = STANDARD.settings.model_copy(update={"thresholds": threshold})
    swears = call("我不知道,这不归我管。")
    finding = finding_of(ITEMS["language.banned"], replace(swears, settings=strict))
    assert (finding.outcome, finding.banned) == (Outcome.UNSURE, ())
    lines = [
        {"customer": "我要报修,电话是幺三九,二二三三,四四五五。"},
        {"agent": "好的,记下了,我们马上安排师傅过去看一下。"},
    ]
    data = heard_of(Example.model_validate({"dialogue": lines}), strict)
    finding = finding_of(ITEMS["repeat.key_info"], data)
    assert (finding.outcome, len(finding.key_info)) == (Outcome.UNSURE, 1)


def test_a_pass_stays_one_however_badly_the_call_was_heard():
    finding = finding_of(ITEMS["opening.greeting"], call("您好,请讲。", agent_words=0.5, customer_words=0.5))
    assert finding.outcome is Outcome.PASS


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_rule_says_that_doubtful_deductions_do_not_stand(item):
    assert any(f"扣分的把握不足 {DEDUCT:.0%}" in doubt for doubt in explain(item, STANDARD.settings).doubts)


@given(st.sampled_from(Outcome), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_what_was_heard_more_clearly_is_never_less_probable(outcome, clarity, other, unheard):
    worse, better = sorted((clarity, other))
    curve = curves()[outcome]
    assert 0 <= curve.probability(Clues(worse, unheard)) <= curve.probability(Clues(better, unheard)) <= 1


@settings(max_examples=40)
@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["您好,请讲。", "请讲。", "我不知道,这不归我管。", "嗯"]))
def test_every_verdict_has_a_probability_and_no_deduction_a_small_one(agent, customer, text):
    for item in STANDARD.items:
        result = result_of(item, finding_of(item, call(text, agent, customer, ring_count=6)))
        assert 0 <= result.confidence <= 1
        assert result.outcome is not Outcome.FAIL or result.confidence >= DEDUCT


def test_the_curves_are_what_the_script_fits():
    fitted = {name: asdict(curve) for name, curve in train_verdicts.fit(train_verdicts.read_rows()).items()}
    made = json.loads(train_verdicts.MADE.read_text(encoding="utf-8"))
    assert made.keys() == fitted.keys()
    for name, weights in fitted.items():
        assert made[name] == pytest.approx(weights, abs=0.01), "run models/training/train_verdicts.py"


def test_calls_that_the_curves_have_not_seen():
    rows = train_verdicts.read_rows()
    guessed = train_verdicts.unseen(rows)
    for outcome, alike in rows[rows.curve.notna()].groupby("outcome"):
        by_operator = brier_score_loss(alike.right, alike.operator)
        assert brier_score_loss(alike.right, guessed[alike.index]) < by_operator, outcome
    counts = train_verdicts.of_thresholds(rows, guessed)
    chosen = counts[counts.deduct == DEDUCT]
    assert len(chosen) == rows.folder.nunique()
    assert (chosen.false_deductions <= FALSE_DEDUCTIONS_AT_MOST * chosen.innocent).all()
