"""Signs of a situation: what is clearly said makes one, what only sounds like it or is badly heard makes none."""

from dataclasses import replace
from typing import Any

import pytest

from zhijian.models.records.dialogue import Role
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.finding import Finding
from zhijian.rules.operators.table import Check
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

SETTINGS = load_standard().settings
MENTIONS = {"mentions": {"within": {"role": "customer"}, "phrases": ["我要投诉"], "unless": {"in_sentence": ["撤销"]}}}
GIVEN = {
    "given": {
        "situation": MENTIONS,
        "otherwise": "没有投诉",
        "then": {"says_any": {"within": {"role": "agent"}, "phrases": ["感谢"], "missing": "没有感谢"}},
    }
}


def call(customer: str, **line: Any) -> Heard:
    dialogue = [{"customer": customer, **line}, {"agent": "好的。"}]
    return heard_of(Example.model_validate({"dialogue": dialogue}), SETTINGS)


def look(check: dict[str, Any], heard: Heard) -> Finding:
    found: Finding = Check.model_validate(check, context={"lists": {}}).operator.look(heard)
    return found


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ("我要投诉。", Outcome.PASS),
        ("我要偷诉。", Outcome.PASS),  # the same sound
        ("我要头数。", Outcome.PASS),  # 诉 and 数 are nearly the same sound
        ("我要特殊。", Outcome.FAIL),  # says_any would take it for the phrase
        ("我要修表。", Outcome.FAIL),
        ("我要投诉的事撤销。", Outcome.FAIL),
    ],
)
def test_only_what_is_clearly_said_is_a_sign(said: str, outcome: Outcome) -> None:
    assert look(MENTIONS, call(said)).outcome is outcome


@pytest.mark.parametrize(
    ("log_likelihood_ratio", "mean_log_probability", "outcome"),
    [(3.0, -0.1, Outcome.PASS), (-2.0, -2.5, Outcome.FAIL), (-30.0, -9.0, Outcome.FAIL)],
)
def test_what_sounds_like_it_is_a_sign_if_the_sound_is_sure(
    log_likelihood_ratio: float, mean_log_probability: float, outcome: Outcome
) -> None:
    heard = replace(call("我要特殊。"), doubts=(doubts := Doubts(call("我要特殊。").dialogue)))
    assert look(MENTIONS, heard).outcome is Outcome.FAIL
    (query,) = doubts.likeliest
    assert (query.start, query.end, query.wording) == (0, 4, "我要投诉")
    score = PhraseScore(query, log_likelihood_ratio, mean_log_probability)
    answered = Heard(heard.call, replace(heard.dialogue, phrase_scores=(score,)), SETTINGS)
    assert look(MENTIONS, answered).outcome is outcome


def test_a_sign_that_the_sound_is_sure_of_is_not_hidden_by_what_is_more_alike() -> None:
    check = {"mentions": MENTIONS["mentions"] | {"phrases": ["我要投诉", "我要特出"]}}
    heard = call("我要特殊。")
    score = PhraseScore(PhraseQuery(0, 0, 4, "我要投诉"), 3.0, -0.1)
    answered = Heard(heard.call, replace(heard.dialogue, phrase_scores=(score,)), SETTINGS)
    assert look(check, heard).outcome is Outcome.FAIL
    assert look(check, answered).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("said", "score", "certain"),
    [
        ("我要投诉。", None, True),
        ("我要偷诉。", None, False),
        ("我要偷诉。", (0.0, -0.1), True),
        ("我要头数。", (0.0, -0.1), True),
        ("我要头数。", (-30.0, -9.0), False),
    ],
)
def test_other_characters_of_the_same_sound_demand_something_only_if_the_sound_vouches_for_them(
    said: str, score: tuple[float, float] | None, certain: bool
) -> None:
    heard = replace(call(said), doubts=(doubts := Doubts(call(said).dialogue)))
    assert look(MENTIONS, heard).outcome is Outcome.PASS
    if score:
        (query,) = doubts.likeliest
        dialogue = replace(heard.dialogue, phrase_scores=(PhraseScore(query, *score),))
        heard = Heard(heard.call, dialogue, SETTINGS)
    assert look(GIVEN, heard).outcome is (Outcome.FAIL if certain else Outcome.UNSURE)


def test_what_is_no_sign_by_far_is_not_asked_about() -> None:
    heard = replace(call("我要修表。"), doubts=(doubts := Doubts(call("我要修表。").dialogue)))
    look(MENTIONS, heard)
    assert doubts.likeliest == ()


def test_what_a_sign_is_not_may_still_count_where_it_spares_the_agent() -> None:
    alike = {"says_any": {"within": {"role": "customer"}, "phrases": ["我要投诉"], "missing": "没说投诉"}}
    assert look(alike, call("我要特殊。")).outcome is not Outcome.FAIL


def test_a_place_that_cannot_be_trusted_is_no_sign_either() -> None:
    heard = call("谢谢观看。", suspect="疑似虚构")
    assert look(MENTIONS, heard).outcome is Outcome.FAIL
    assert look(GIVEN, heard).outcome is Outcome.NA


def test_a_sign_among_words_that_were_hardly_understood_demands_nothing() -> None:
    finding = look(MENTIONS, call("我要投诉。", confidence=0.1))
    assert finding.outcome is Outcome.PASS
    assert not finding.certain
    assert look(GIVEN, call("我要投诉。", confidence=0.1)).outcome is Outcome.UNSURE
    assert look(GIVEN, call("我要投诉。")).outcome is Outcome.FAIL


def test_a_sign_of_an_unknown_speaker_is_doubt() -> None:
    heard = call("我要投诉。")
    unknown = replace(heard.dialogue.utterances[0], role=Role.UNKNOWN)
    dialogue = replace(heard.dialogue, utterances=(unknown, *heard.dialogue.utterances[1:]))
    finding = look(MENTIONS, replace(heard, dialogue=dialogue))
    assert finding.outcome is Outcome.UNSURE
    assert "我要投诉" in (finding.reason or "")


@pytest.mark.parametrize(
    ("accept", "said", "outcome"),
    [
        (None, "感谢您的家属。", Outcome.PASS),  # 0.83 alike
        (None, "感谢您的电视。", Outcome.UNSURE),  # 0.75
        (0.9, "感谢您的金属。", Outcome.UNSURE),  # 0.87
        (0.9, "感谢您的家属。", Outcome.FAIL),
    ],
)
def test_a_phrase_that_asks_for_more_to_count_asks_for_more_to_be_a_doubt(
    accept: float | None, said: str, outcome: Outcome
) -> None:
    phrase = {"text": "感谢您的监督", "accept": accept}
    check = {"says_any": {"within": {"role": "customer"}, "phrases": [phrase], "missing": "没有感谢"}}
    assert look(check, call(said)).outcome is outcome


def test_where_nobody_says_anything_after_the_anchor_there_is_nothing_to_judge() -> None:
    after = {"role": "customer", "says": ["我要投诉"]}
    check = {"says_any": {"within": {"role": "agent", "after": after}, "phrases": ["感谢"], "missing": "没有感谢"}}
    heard = call("我要投诉。")
    silent = replace(heard.dialogue, utterances=heard.dialogue.utterances[:1], voices=heard.dialogue.voices[:1])
    unheard = replace(heard.dialogue, utterances=heard.dialogue.utterances[:1])
    assert look(check, heard).outcome is Outcome.FAIL
    assert look(check, replace(heard, dialogue=silent)).outcome is Outcome.NA
    assert look(check, replace(heard, dialogue=unheard)).outcome is Outcome.UNSURE
