"""A number of which the recogniser lost one of two digits alike is what the sound says it is."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.finding import Finding
from zhijian.rules.operators.repeat.lost_digits import STRETCHES_AT_MOST, whole_numbers
from zhijian.rules.operators.repeat.repeats import RepeatsKeyInfo
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
(REPEATS,) = (
    item.rule.check.operator
    for item in STANDARD.items
    if item.rule.check and isinstance(item.rule.check.operator, RepeatsKeyInfo)
)
SHORT, WHOLE, OTHER = "1347753018", "13477530018", "13447753018"
"""What was heard, what was said, and what could have been said as well."""
GIVEN, REPEATED, WELL = {"customer": f"电话{SHORT}"}, {"agent": f"{SHORT},对吗"}, {"customer": "对。"}
ASKED_FOR = {"agent": "请留个电话。"}
Answer = Callable[[PhraseQuery], float | None]


def call(*lines: dict[str, object]) -> Heard:
    heard = heard_of(Example.model_validate({"dialogue": lines}), STANDARD.settings)
    return replace(heard, doubts=Doubts(heard.dialogue))


def asked(heard: Heard) -> list[tuple[str, str]]:
    """What was recognised and what is asked for instead."""
    REPEATS.look(heard)
    assert heard.doubts
    return [
        (heard.dialogue.utterances[query.utterance].text[query.start : query.end], query.wording)
        for query in heard.doubts.likeliest
    ]


def found(heard: Heard, answer: Answer) -> Finding:
    """The finding with these log likelihood ratios; None is no answer."""
    REPEATS.look(heard)
    assert heard.doubts
    scores = [
        PhraseScore(query, ratio, -1.0) for query in heard.doubts.likeliest if (ratio := answer(query)) is not None
    ]
    dialogue = replace(heard.dialogue, phrase_scores=tuple(scores))
    finding: Finding = REPEATS.look(Heard(heard.call, dialogue, heard.settings))
    return finding


def values(heard: Heard, answer: Answer) -> list[tuple[str, str | None, bool | None]]:
    return [(datum.value, datum.said_back, datum.match) for datum in found(heard, answer).key_info]


def fits(**better: float) -> Answer:
    """The log likelihood ratios of `said` and `other`; what is neither does not fit."""
    ratios = {WHOLE: better.get("said", -19.0), OTHER: better.get("other", -19.0)}
    return lambda query: ratios.get(query.wording, -19.0)


def test_the_number_is_the_one_that_the_sound_vouches_for() -> None:
    heard = call(ASKED_FOR, GIVEN, REPEATED, WELL)
    assert values(heard, fits(said=2.0)) == [(WHOLE, WHOLE, True)]


def test_it_may_be_a_little_worse_than_what_was_recognised() -> None:
    assert values(call(ASKED_FOR, GIVEN), fits(said=-7.0)) == [(WHOLE, None, None)]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(fits(said=2.0, other=0.0), id="two fit nearly as well"),
        pytest.param(fits(said=-10.0, other=-30.0), id="none fits"),
        pytest.param(lambda query: 2.0 if query.wording == WHOLE else None, id="not all have an answer"),
        pytest.param(lambda query: None, id="not asked"),
    ],
)
def test_else_it_stays_as_it_was_heard(answer: Answer) -> None:
    assert values(call(ASKED_FOR, GIVEN, REPEATED), answer) == [(SHORT, SHORT, True)]


def test_customer_and_agent_count_together() -> None:
    heard = call(ASKED_FOR, GIVEN, REPEATED)

    def answer(query: PhraseQuery) -> float:
        by_customer = query.utterance == 1
        return {WHOLE: 1.0 if by_customer else 2.5, OTHER: 1.0 if by_customer else -4.0}.get(query.wording, -19.0)

    assert values(heard, answer) == [(WHOLE, WHOLE, True)]


def test_the_verdict_is_the_same_with_and_without_the_digit() -> None:
    for lines in ((GIVEN, REPEATED, WELL), (GIVEN, {"agent": "好的,记下了。"}), (GIVEN, {"agent": "1597753018"})):
        with_digit = found(call(ASKED_FOR, *lines), fits(said=2.0))
        without = found(call(ASKED_FOR, *lines), lambda query: None)
        assert (with_digit.outcome, with_digit.confidence) == (without.outcome, without.confidence)
        assert with_digit.outcome in (Outcome.PASS, Outcome.UNSURE)


def test_all_numbers_that_it_may_be_are_asked_for_where_it_was_said() -> None:
    questions = asked(call(ASKED_FOR, GIVEN, REPEATED))
    assert {heard for heard, _ in questions} == {SHORT}
    assert [wording for _, wording in questions] == 2 * list(whole_numbers("电话", SHORT))


def test_the_sound_is_asked_about_a_number_a_few_times_at_most() -> None:
    questions = asked(call(ASKED_FOR, GIVEN, *(STRETCHES_AT_MOST * [REPEATED, WELL])))
    assert len(questions) == STRETCHES_AT_MOST * len(whole_numbers("电话", SHORT))


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([{"customer": f"电话{WHOLE}"}], id="whole"),
        pytest.param([{"customer": "电话134775301"}], id="two digits short"),
        pytest.param([GIVEN, {"agent": f"{WHOLE},对吗"}], id="the agent says all of it"),
        pytest.param([{"customer": f"电话{SHORT}", "suspect": "repetition"}], id="suspect"),
        pytest.param([{"customer": "上个月充了两百块。"}], id="no such number"),
    ],
)
def test_the_sound_is_not_asked_about(lines: list[dict[str, object]]) -> None:
    assert asked(call(ASKED_FOR, *lines)) == []


@pytest.mark.parametrize(
    ("kind", "digits", "number"),
    [("户号", "102345678", "1022345678"), ("户号", "102345678901", "1023456788901"), ("电话", SHORT, WHOLE)],
)
def test_what_a_number_may_be(kind: str, digits: str, number: str) -> None:
    assert number in whole_numbers(kind, digits)


@pytest.mark.parametrize(("kind", "digits"), [("户号", "1023456789"), ("电话", "12"), ("金额", "102345678")])
def test_what_lacks_no_digit(kind: str, digits: str) -> None:
    assert whole_numbers(kind, digits) == ()


@given(st.from_regex("1[3-9][0-9]{9}", fullmatch=True))
def test_a_mobile_number_that_lost_one_of_two_digits_alike_may_be_itself(digits: str) -> None:
    for at in range(1, len(digits)):
        if digits[at] == digits[at - 1]:
            numbers = whole_numbers("电话", digits[:at] + digits[at + 1 :])
            assert digits in numbers
            assert all(number[0] == "1" and number[1] in "3456789" and len(number) == 11 for number in numbers)
