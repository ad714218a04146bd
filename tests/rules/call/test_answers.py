"""What the sound is asked, and what its answers change."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import Span
from zhijian.models.training import train_verifier
from zhijian.rules.call import answers
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.belief import curve
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.phrases import hits
from zhijian.rules.call.terms import Phrase
from zhijian.rules.language import Example
from zhijian.rules.operators.finding import Finding
from zhijian.rules.operators.table import Check
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
FITS, DOES_NOT_FIT = (3.0, -0.1), (-30.0, -9.0)
"""Log likelihood ratio and mean log probability."""
SAYS_UNIT = {"says_any": {"within": {"role": "agent"}, "phrases": ["供电公司"], "missing": "没有报单位"}}
(BANNED,) = (item.rule.check.operator for item in STANDARD.items if item.id == "language.banned" and item.rule.check)


def call(agent: str, **record: Any) -> Heard:
    """`agent` opens a call of a minute."""
    lines = [{"agent": agent}, {"customer": "我想问一下电费。", "lasts_ms": 60_000}]
    heard = heard_of(Example.model_validate({"call": record, "dialogue": lines}), STANDARD.settings)
    return replace(heard, doubts=Doubts(heard.dialogue))


def asked(check: Any, heard: Heard) -> list[tuple[str, str]]:
    """What was recognised and what is asked for instead."""
    check.look(heard)
    return [(_stretch(heard, query), query.wording) for query in heard.doubts.likeliest]


def _stretch(heard: Heard, query: PhraseQuery) -> str:
    return heard.dialogue.utterances[query.utterance].text[query.start : query.end]


def answered(check: Any, heard: Heard, answer: tuple[float, float]) -> Finding:
    """The finding after the sound gave this answer to all questions."""
    check.look(heard)
    scores = tuple(PhraseScore(query, *answer) for query in heard.doubts.likeliest)
    assert scores
    finding: Finding = check.look(Heard(heard.call, replace(heard.dialogue, phrase_scores=scores), heard.settings))
    return finding


def operator(check: dict[str, Any]) -> Any:
    return Check.model_validate(check, context={"lists": {}}).operator


UNIT = operator(SAYS_UNIT)


def test_the_sound_is_asked_where_something_sounds_a_little_like_what_is_missing():
    heard = call("您好,我是长山工单东西的,请讲。")
    assert UNIT.look(heard).outcome is Outcome.FAIL
    assert ("工单东西", "供电公司") in asked(UNIT, heard)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("您好,东山供电公司,请讲。", id="what was plainly said"),
        pytest.param("您好,东山贡电公司,请讲。", id="homophones"),
        pytest.param("您好,请讲。", id="nothing like it"),
    ],
)
def test_the_sound_is_not_asked_about(said):
    assert asked(UNIT, call(said)) == []


def test_what_the_sound_vouches_for_was_said():
    finding = answered(UNIT, call("您好,我是长山工单东西的,请讲。"), FITS)
    assert finding.outcome is Outcome.PASS
    assert "听录音核对为" in finding.evidence[0].detail
    assert finding.confidence >= STANDARD.settings.thresholds.believed


def test_what_the_sound_denies_was_not_said():
    assert answered(UNIT, call("您好,我是长山工单东西的,请讲。"), DOES_NOT_FIT).outcome is Outcome.FAIL


def test_an_answer_between_leaves_it_open():
    heard = call("您好,我是长山工单东西的,请讲。")
    (doubt, *_) = hits(Phrase(text="供电公司"), heard.dialogue.utterances[0], min_similarity=0.55)
    thresholds = STANDARD.settings.thresholds

    def believed(mean: float) -> float:
        return curve().probability(doubt.match.similarity, PhraseScore(PhraseQuery(0, 0, 1, "供电公司"), 0.0, mean))

    between = next(m / 10 for m in range(-80, 0) if thresholds.possible <= believed(m / 10) < thresholds.believed)
    assert answered(UNIT, heard, (0.0, between)).outcome is Outcome.UNSURE


@pytest.mark.parametrize(
    ("answer", "outcome"), [(FITS, Outcome.FAIL), (DOES_NOT_FIT, Outcome.UNSURE), (None, Outcome.UNSURE)]
)
def test_a_banned_phrase_that_was_half_heard_is_certain_if_the_sound_confirms_it(answer, outcome):
    heard = call("那您有意见叫去吧。")
    finding = BANNED.look(heard) if answer is None else answered(BANNED, heard, answer)
    assert finding.outcome is outcome


def test_a_banned_phrase_that_was_recognised_is_not_asked_about():
    heard = call("我不知道,这不归我管。")
    assert BANNED.look(heard).outcome is Outcome.FAIL
    assert asked(BANNED, heard) == []


@pytest.mark.parametrize("words", ["宫后是四山溜八", "我是四伤溜八浩"])
def test_the_number_of_the_record_may_be_vouched_for(words):
    (identity,) = (item for item in STANDARD.items if item.id == "opening.identity")
    number = next(part.check.operator for part in identity.rule.parts if part.name == "工号")
    heard = call(f"您好,国家电网,{words},请问有什么可以帮您?", agent_no="4368")
    assert number.look(heard).outcome is not Outcome.PASS
    assert {wording for _, wording in asked(number, heard)} <= {"工号四三六八", "四三六八号"}
    assert answered(number, heard, FITS).outcome is Outcome.PASS


def test_an_answer_about_the_number_as_the_record_writes_it_still_counts():
    (identity,) = (item for item in STANDARD.items if item.id == "opening.identity")
    number = next(part.check.operator for part in identity.rule.parts if part.name == "工号")
    heard = call("您好,国家电网,宫后是四山溜八,请问有什么可以帮您?", agent_no="4368")
    number.look(heard)
    scores = tuple(PhraseScore(replace(query, wording="工号4368"), *FITS) for query in heard.doubts.likeliest)
    assert number.look(Heard(heard.call, heard.dialogue, heard.settings)).outcome is not Outcome.PASS
    answered = Heard(heard.call, replace(heard.dialogue, phrase_scores=scores), heard.settings)
    assert number.look(answered).outcome is Outcome.PASS


def test_only_the_likeliest_are_asked_in_order_of_time(monkeypatch):
    monkeypatch.setattr(answers, "ASKED_PER_MINUTE", 2)
    heard = call("供点空司,宫典东思,工单东西,供天公私。")
    doubts = list(hits(Phrase(text="供电公司"), heard.dialogue.utterances[0], min_similarity=0.5))
    for doubt in doubts:
        heard.doubts.ask([doubt])
    likeliest = heard.doubts.likeliest
    best = sorted(doubts, key=lambda hit: -hit.match.similarity)[: len(likeliest)]
    assert len(likeliest) == 2 < len(doubts)
    assert [query.start for query in likeliest] == sorted(query.start for query in likeliest)
    assert {query.start for query in likeliest} == {
        hit.text.raw_slice(hit.match.start, hit.match.end)[0] for hit in best
    }


def test_every_check_has_a_turn_before_one_has_two(monkeypatch):
    monkeypatch.setattr(answers, "ASKED_PER_MINUTE", 2)
    heard = call("供点公司,供天公司,帮您办你。")
    alike, less_alike = (
        list(hits(Phrase(text=phrase), heard.dialogue.utterances[0], min_similarity=0.5))
        for phrase in ("供电公司", "帮您办理业务")
    )
    heard.doubts.ask(less_alike)
    heard.doubts.ask(alike)
    assert len(alike) > 1
    assert max(hit.match.similarity for hit in less_alike) < min(hit.match.similarity for hit in alike)
    assert [query.wording for query in heard.doubts.likeliest] == ["供电公司", "帮您办理业务"]


def test_what_cannot_be_asked_about_takes_no_turn():
    heard = call("您好,工单东西。")
    (short,) = hits(Phrase(text="您好"), heard.dialogue.utterances[0], min_similarity=1)
    (long,) = hits(Phrase(text="供电公司"), heard.dialogue.utterances[0], min_similarity=0.5)
    heard.doubts.ask([short] * answers.ASKED_BY_A_CHECK + [long])
    assert [query.wording for query in heard.doubts.likeliest] == ["供电公司"]


def test_parts_of_utterances_are_not_asked_about():
    heard = call("您好,我是长山工单东西的,请讲。")
    part = Utterance(Role.AGENT, Span(0, 500), "工单东西", 1.0)
    heard.doubts.ask(hits(Phrase(text="供电公司"), part, min_similarity=0.5))
    assert heard.doubts.likeliest == ()


@given(st.text("可以请那就", max_size=9))
def test_a_phrase_with_a_gap_is_asked_with_what_was_heard_in_it(between):
    utterance = Utterance(Role.AGENT, Span(0, 500), f"还有{between}帮您", 1.0)
    phrase = Phrase(text="还有…帮您")
    (hit,) = hits(phrase, utterance, min_similarity=1)
    assert hit.wording == hit.quote == f"还有{between}帮您"
    assert phrase.may_be(hit.wording)
    assert not Phrase(text="还有…帮忙").may_be(hit.wording)


LOG_PROBABILITIES = st.floats(-60, 0)


@given(st.floats(0, 1), st.floats(-60, 60), LOG_PROBABILITIES, st.floats(0, 60), st.floats(0, 60))
def test_a_better_fit_is_never_believed_less(similarity, ratio, mean, more, more_mean):
    query = PhraseQuery(0, 0, 1, "您好")
    worse = curve().probability(similarity, PhraseScore(query, ratio, mean))
    better = curve().probability(similarity, PhraseScore(query, ratio + more, mean + more_mean))
    assert 0 <= worse <= better <= 1


def test_the_curve_is_what_the_script_fits():
    fitted = asdict(train_verifier.fit(train_verifier.read_rows()))
    made = json.loads(train_verifier.MADE.read_text(encoding="utf-8"))
    assert made == pytest.approx(fitted, abs=0.01), "run models/training/train_verifier.py"


def test_the_sound_tells_better_than_the_likeness_of_the_words():
    rows = train_verifier.read_rows()
    by_words = roc_auc_score(rows.said, train_verifier.unseen(rows, ["similarity"]))
    by_sound = roc_auc_score(rows.said, train_verifier.unseen(rows, train_verifier.FEATURES))
    assert by_sound > 0.9 > by_words
