"""Where customer and agent were heard with different numbers, the sound tells whether they said the same."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.finding import Finding
from zhijian.rules.operators.repeat.repeats import RepeatsKeyInfo
from zhijian.rules.operators.repeat.same_number import FITS, SAME_UP_TO, TWO_FROM
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
(REPEATS,) = (
    item.rule.check.operator
    for item in STANDARD.items
    if item.rule.check and isinstance(item.rule.check.operator, RepeatsKeyInfo)
)
GIVEN, SAID = "13477530018", "13477530078"
GIVEN_WORDS, SAID_WORDS = "一三四七七五三零零一八", "一三四七七五三零零七八"
CUSTOMER, AGENT = 1, 2
ASKED, YES = {"agent": "请留个电话。"}, {"customer": "对。"}
Fit = Callable[[int, str], float]
"""How well (log likelihood) a number in words fits what was said in an utterance."""


def call(given: str = GIVEN, said: str = SAID) -> Heard:
    lines = [ASKED, {"customer": f"电话{given}"}, {"agent": f"{said},对吗"}, YES]
    return heard_of(Example.model_validate({"dialogue": lines}), STANDARD.settings)


def queries(heard: Heard) -> tuple[PhraseQuery, ...]:
    asked = replace(heard, doubts=Doubts(heard.dialogue))
    REPEATS.look(asked)
    assert asked.doubts
    return asked.doubts.likeliest


def found(heard: Heard, fit: Fit, mean: float = -1.0) -> Finding:
    scores = tuple(PhraseScore(one, fit(one.utterance, one.wording), mean) for one in queries(heard))
    finding: Finding = REPEATS.look(replace(heard, dialogue=replace(heard.dialogue, phrase_scores=scores)))
    return finding


def fits(customer: dict[str, float], agent: dict[str, float]) -> Fit:
    return lambda utterance, wording: {CUSTOMER: customer, AGENT: agent}[utterance].get(wording, -20.0)


def test_without_an_answer_two_numbers_that_differ_in_one_digit_are_a_doubt() -> None:
    assert REPEATS.look(call()).outcome is Outcome.UNSURE


def test_both_numbers_are_tried_in_both_places() -> None:
    tried = {(query.utterance, query.wording) for query in queries(call())}
    assert tried == {(place, words) for place in (CUSTOMER, AGENT) for words in (GIVEN_WORDS, SAID_WORDS)}


@pytest.mark.parametrize("number", [GIVEN, SAID])
def test_one_number_that_fits_both_places_was_said_twice(number: str) -> None:
    words = {GIVEN: GIVEN_WORDS, SAID: SAID_WORDS}
    fit = {one: 0.0 if one == words[number] else -9.0 for one in words.values()}
    finding = found(call(), fits(fit, fit))
    assert finding.outcome is Outcome.PASS
    (datum,) = finding.key_info
    assert (datum.value, datum.said_back, datum.match) == (number, number, True)


def test_numbers_that_fit_only_their_own_places_are_two() -> None:
    own_fits_better = fits({GIVEN_WORDS: 0.0, SAID_WORDS: -9.0}, {GIVEN_WORDS: -9.0, SAID_WORDS: 0.0})
    finding = found(call(), own_fits_better)
    assert finding.outcome is Outcome.FAIL
    (datum,) = finding.key_info
    assert (datum.value, datum.said_back, datum.match) == (GIVEN, SAID, False)


def test_numbers_that_fit_each_others_places_are_not_one() -> None:
    crossed = fits({GIVEN_WORDS: -9.0, SAID_WORDS: 0.0}, {GIVEN_WORDS: 0.0, SAID_WORDS: -9.0})
    assert found(call(), crossed).outcome is not Outcome.PASS


@pytest.mark.parametrize(
    ("better", "expected"),
    [
        (SAME_UP_TO, Outcome.PASS),
        (SAME_UP_TO + 0.1, Outcome.UNSURE),
        (TWO_FROM - 0.1, Outcome.UNSURE),
        (TWO_FROM, Outcome.FAIL),
    ],
)
def test_between_the_limits_it_stays_a_doubt(better: float, expected: Outcome) -> None:
    finding = found(call(), fits({GIVEN_WORDS: 0.0, SAID_WORDS: -better}, {GIVEN_WORDS: -better, SAID_WORDS: 0.0}))
    assert finding.outcome is expected


def test_a_number_that_was_surely_said_wrong_may_still_have_been_right() -> None:
    """Two exchanged digits are told from a mishearing by the sound alone."""
    exchanged = "13477350018"
    words = "一三四七七三五零零一八"
    assert REPEATS.look(call(said=exchanged)).outcome is Outcome.FAIL
    right = {GIVEN_WORDS: 0.0, words: -9.0}
    assert found(call(said=exchanged), fits(right, right)).outcome is Outcome.PASS


def test_where_no_number_fits_the_sound_tells_nothing() -> None:
    alike = dict.fromkeys((GIVEN_WORDS, SAID_WORDS), -40.0)
    assert found(call(), fits(alike, alike), mean=FITS - 0.1).outcome is Outcome.UNSURE
    own_fits_better = fits({GIVEN_WORDS: -40.0, SAID_WORDS: -60.0}, {GIVEN_WORDS: -60.0, SAID_WORDS: -40.0})
    assert found(call(), own_fits_better, mean=FITS - 0.1).outcome is Outcome.UNSURE


def test_numbers_that_both_lack_a_digit_may_lack_the_one_that_was_wrong() -> None:
    """A recogniser loses one of two digits alike in both, and nobody knows which."""
    words = {"一三四七七五三零一八", "一三四七七五三零七八"}
    assert not words & {query.wording for query in queries(call("1347753018", "1347753078"))}


def test_a_number_that_lacks_a_digit_is_no_proof_of_two() -> None:
    short = "一三四七七五三零一八"
    own_fits_better = fits({GIVEN_WORDS: 0.0, short: -9.0}, {GIVEN_WORDS: -9.0, short: 0.0})
    assert found(call(said="1347753018"), own_fits_better).outcome is not Outcome.FAIL


def test_equal_numbers_are_not_asked_about() -> None:
    assert not queries(call(said=GIVEN))


def test_digits_among_other_words_are_not_asked_about() -> None:
    """The whole stretch would be taken for the number."""
    assert not queries(call(said="134,然后呢是7753,后面0078"))
