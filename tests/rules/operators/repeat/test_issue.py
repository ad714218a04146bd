"""复述诉求: a restatement is told from a question, a condition and an answer, in many words and also misheard."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.models.training import train_restating
from zhijian.models.training.train_restating import MARKS, ROLES
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.repeat.issue import RestatesIssue
from zhijian.rules.operators.repeat.restating import restatements, told
from zhijian.rules.operators.repeat.saying_back import curve
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard
from zhijian.rules.words.gist import all_of, gist
from zhijian.rules.words.manner import clauses, manner_of
from zhijian.rules.words.sounds import sounds
from zhijian.rules.words.text import normalise

STANDARD = load_standard()
OPERATOR: RestatesIssue = next(item.rule for item in STANDARD.items if item.id == "repeat.issue").check.operator
CORPUS = train_restating.read_corpus()


def call(*lines: tuple[str, str], **facts: Any) -> Heard:
    return heard_lines([{ROLES[role]: text} for role, text in lines], **facts)


def heard_lines(dialogue: list[dict[str, str]], **facts: Any) -> Heard:
    return heard_of(Example.model_validate({"call": facts, "dialogue": dialogue}), STANDARD.settings)


def outcomes(source: str, restates: bool, marks: bool) -> list[Outcome]:
    dialogues = [one.lines for one in CORPUS if (one.source, one.restates) == (source, restates)]
    lines = [[{role: words if marks else words.translate(MARKS)} for role, words in lines] for lines in dialogues]
    return [OPERATOR.look(heard_lines(one)).outcome for one in lines]


@pytest.mark.parametrize("marks", [True, False], ids=["punctuated", "as a recogniser writes it"])
@pytest.mark.parametrize("source", ["everyday", "paraphrased", "recalled"])
def test_restatements_are_found(source: str, marks: bool) -> None:
    found = outcomes(source, True, marks)
    assert len(found) >= 80
    assert found.count(Outcome.PASS) >= 0.8 * len(found)
    assert found.count(Outcome.FAIL) <= 0.03 * len(found)


@pytest.mark.parametrize("marks", [True, False], ids=["punctuated", "as a recogniser writes it"])
@pytest.mark.parametrize("source", ["everyday", "paraphrased", "recalled"])
def test_questions_and_answers_are_none(source: str, marks: bool) -> None:
    found = outcomes(source, False, marks)
    assert len(found) >= 50
    assert found.count(Outcome.PASS) <= 0.05 * len(found)
    assert found.count(Outcome.FAIL) >= 0.83 * len(found)


@pytest.fixture(scope="module")
def copies() -> list[train_restating.Copy]:
    return train_restating.copies(CORPUS, train_restating.forms())


def test_the_weights_are_what_the_script_makes_of_the_corpus(copies: list[train_restating.Copy]) -> None:
    learnt = train_restating.fit(copies)
    assert learnt.intercept == pytest.approx(curve().intercept, abs=0.02), "run models/training/train_restating.py"
    assert learnt.weights == pytest.approx(curve().weights, abs=0.02)


def test_what_other_authors_wrote_is_told_as_well(copies: list[train_restating.Copy]) -> None:
    judged = list(zip(copies, train_restating.unseen(copies), strict=True))
    said_back = [probability for copy, probability in judged if copy.dialogue.restates]
    others = [probability for copy, probability in judged if not copy.dialogue.restates]
    assert sum(one >= OPERATOR.doubtful for one in said_back) >= 0.96 * len(said_back)
    assert sum(one < OPERATOR.restated for one in others) >= 0.96 * len(others)


@pytest.mark.parametrize(
    ("says", "outcome"),
    [
        ("您是说院子里的电线杆裂了一道缝,是吗?", Outcome.PASS),
        ("您反映电线杆裂了,我给您登记。", Outcome.PASS),
        ("电线杆裂了是吧,在什么位置?", Outcome.PASS),
        ("电现杆列了是吧,在什么位置?", Outcome.PASS),  # misheard
        ("您是说水表坏了,对吗?", Outcome.PASS),  # nobody puts another matter so
        ("请问您在什么位置?", Outcome.FAIL),
        ("您家院子里有没有小孩?", Outcome.FAIL),
        ("如果电线杆裂了,您不要靠近。", Outcome.UNSURE),  # a condition, but in the words of the customer
        ("电线杆三年检查一次,一般不会有事。", Outcome.FAIL),
        ("感谢您的反映。", Outcome.FAIL),
        ("非常抱歉给您带来不便。", Outcome.FAIL),
    ],
)
def test_how_it_is_put_decides(says: str, outcome: Outcome) -> None:
    assert OPERATOR.look(call(("客", "喂,你好,我家院子里那根电线杆裂了一道缝。"), ("坐", says))).outcome is outcome


def test_only_what_comes_after_the_request_counts() -> None:
    before = (("坐", "您是要报电线杆裂了,对吗?"), ("客", "电线杆裂了一道缝。"), ("坐", "请稍等。"))
    assert OPERATOR.look(call(*before)).outcome is Outcome.FAIL


def test_key_data_are_no_request() -> None:
    lines = (
        ("客", "电线杆裂了一道缝。"),
        ("坐", "在哪个村?您贵姓?"),
        ("客", "白果树村,我姓段。"),
        ("坐", "您是段先生,在白果树村,对吗?"),
    )
    heard = call(*lines)
    assert [one.turn for one in told(heard) if one.request] == [0]
    assert OPERATOR.look(heard).outcome is Outcome.FAIL


def test_a_caller_who_wants_nothing() -> None:
    flirting = (("客", "美女你声音真好听,加个微信吧,出来吃个饭。"), ("坐", "请您不要占用服务热线。"))
    assert OPERATOR.look(call(("客", "喂?"), ("坐", "您好。"))).outcome is Outcome.NA
    assert OPERATOR.look(call(*flirting, scenario="harassment")).outcome is Outcome.NA
    assert OPERATOR.look(call(*flirting, scenario="billing")).outcome is Outcome.FAIL


def test_a_fail_shows_the_request_and_the_nearest_miss() -> None:
    finding = OPERATOR.look(call(("客", "电线杆裂了一道缝。"), ("坐", "电线杆三年检查一次。")))
    request, searched = finding.evidence
    assert (request.kind, request.quote) == (EvidenceKind.FOUND, "电线杆裂了一道缝。")
    assert (searched.kind, searched.quote) == (EvidenceKind.SEARCHED, "电线杆三年检查一次。")
    assert "最接近" in searched.detail


def test_a_request_that_was_not_understood_is_doubt() -> None:
    dialogue = [{"customer": "店先感列了", "confidence": 0.1}, {"agent": "请问您在什么位置?"}]
    assert OPERATOR.look(heard_lines(dialogue)).outcome is Outcome.UNSURE


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("我屋里没得电了", "家里停电"),
        ("我想把户主改名字", "办理过户"),
        ("电压不稳", "低电压"),
        ("想装个电表", "申请新装"),
        ("交电费", "缴费"),
        ("交肥", "缴费"),
    ],
)
def test_words_that_mean_or_sound_the_same_are_the_same(one: str, other: str) -> None:
    assert gist(one).shared(gist(other)) >= 0.5 * gist(other).weight > 0


@pytest.mark.parametrize("empty", ["您好,请问有什么可以帮您?", "好的,我帮您查一下。", "嗯,谢谢。", ""])
def test_courtesies_tell_nothing(empty: str) -> None:
    assert gist(normalise(empty).chars).weight <= 0.5


@pytest.mark.parametrize(
    ("words", "put"),
    [
        ("您是说停电了对吗", {"says", "asks", "about_customer"}),
        ("停电了是吧", {"asks"}),
        ("我给您登记报修", {"does"}),
        ("停电的问题我给您登记", {"does"}),
        ("您要办什么业务", {"says", "about_customer", "questions"}),
        ("您提供一下户号", {"about_customer", "requests"}),
        ("您家停电了吗", {"about_customer", "asks_if"}),
        ("如果停电了", {"supposes"}),
        ("停电了", set()),
    ],
)
def test_how_clauses_are_put(words: str, put: set[str]) -> None:
    manner = manner_of(words)
    assert {name for name in manner.__slots__ if getattr(manner, name)} == put


def test_a_tag_question_ends_a_clause_whatever_follows_it() -> None:
    text = normalise("现在又停了对吧地址报一下")
    assert [text.chars[start:end] for start, end in clauses(text)] == ["现在又停了对吧", "地址报一下"]


chinese = st.text(st.sampled_from("您你是说停电费表户过交缴没有得了吗吧对请问想办装一三五,。?"), max_size=30)


@given(chinese, chinese)
def test_a_gist_shares_no_more_than_it_tells(one: str, other: str) -> None:
    left, right = gist(normalise(one).chars), gist(normalise(other).chars)
    assert 0 <= left.shared(right) <= left.weight + 1e-9
    assert left.shared(left) <= left.weight + 1e-9
    assert left.without(left).weight == 0
    assert all_of([left, right]).weight <= left.weight + right.weight + 1e-9


@given(chinese)
def test_clauses_are_the_whole_text_in_order(raw: str) -> None:
    text = normalise(raw)
    spans = clauses(text)
    assert "".join(text.chars[start:end] for start, end in spans) == text.chars
    assert len(sounds(text.chars)) == len(text.chars)


@given(st.lists(st.tuples(st.sampled_from("客坐"), chinese.filter(bool)), min_size=1, max_size=6))
def test_a_restatement_has_a_probability_and_lies_in_its_turn(lines: list[tuple[str, str]]) -> None:
    heard = call(*lines)
    for one in restatements(heard):
        assert 0 < one.probability <= 1
        assert 0 <= one.start < one.end <= len(normalise(heard.turns[one.turn].text))
