"""服务忌语: what is a hit, what excuses it, and what it costs."""

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.dialogue import Role
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import BannedHit, ItemResult, Outcome, Tier
from zhijian.rules import proof
from zhijian.rules.call.heard import Heard
from zhijian.rules.judge import finding_of, result_of
from zhijian.rules.language import Example, Line
from zhijian.rules.operators.banned import NeverSays
from zhijian.rules.operators.finding import Finding
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
ITEM = next(item for item in STANDARD.items if item.id == "language.banned")
OPERATOR: NeverSays = ITEM.rule.check.operator


def judged(*lines: Line) -> tuple[ItemResult, Finding]:
    finding = finding_of(ITEM, proof.heard_of(Example(dialogue=lines), STANDARD.settings))
    return result_of(ITEM, finding), finding


def hits(*said_by_agent: str) -> list[str]:
    return [hit.entry for hit in judged(*(Line(agent=text) for text in said_by_agent))[1].banned]


def test_the_list_has_every_tier_and_no_entry_twice() -> None:
    phrases = [entry.phrase for entry in OPERATOR.entries]
    assert len(set(phrases)) == len(phrases)
    assert {entry.tier for entry in OPERATOR.entries} == set(Tier)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("您去投诉吧。", ["你去投诉吧"]),
        ("你去头诉吧。", ["你去投诉吧"]),
        ("这是我们的规定,我也没办法。", ["这是我们的规定,我也没办法"]),
        ("没办法,真的没办法。", ["没办法", "没办法"]),
        ("不归我管,你问我我问谁。", ["不归我管", "你问我我问谁"]),
    ],
)
def test_each_hit_counts_and_only_the_longest_of_those_that_overlap(text: str, entries: list[str]) -> None:
    assert hits(text) == entries


@pytest.mark.parametrize(
    "text",
    [
        "您刚才说没办法交费,我看一下。",
        "没办法马上恢复,但是已经为您登记催办了。",
        "请您说大点声好吗?",
        "请问您叫什么名字?",
        "我们做得了。",
    ],
)
def test_what_excuses_a_phrase(text: str) -> None:
    assert hits(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "您说的这个没办法。",
        "您说什么?没办法。",
        "没办法,退不了。请问还有什么可以帮您的吗?",
        "我们做不了,可以给您个电话,您自己打。",
    ],
)
def test_what_does_not_excuse_a_phrase(text: str) -> None:
    assert len(hits(text)) == 1


def test_an_example_that_is_only_nearly_said_proves_nothing() -> None:
    entry = next(entry for entry in OPERATOR.entries if entry.phrase == "有意见告去")
    doubtful = entry.model_copy(update={"hits": ("有意见高缺。",)})
    operator = OPERATOR.model_copy(update={"entries": (doubtful,)})
    check = ITEM.rule.check.model_copy(update={"never_says": operator})
    item = dataclasses.replace(ITEM, rule=ITEM.rule.model_copy(update={"check": check}))
    standard = dataclasses.replace(STANDARD, items=(item,))
    (result,) = [result for result in proof.run(standard) if result.example == "有意见高缺。"]
    assert (result.passed, result.found) == (False, "疑似:有意见告去")


def test_sending_the_customer_elsewhere_is_nothing_done_for_them() -> None:
    assert hits("没办法,您自己去营业厅问吧。") == ["没办法"]


def test_the_customer_may_say_anything() -> None:
    result, finding = judged(Line(agent="您好。"), Line(customer="你们没办法就算了,我就这态度,烦不烦。"))
    assert (result.outcome, finding.banned) == (Outcome.PASS, ())


def test_what_the_customer_has_just_said_may_be_quoted() -> None:
    asked = [Line(customer="物业都说没办法。"), Line(agent="您讲的没办法,现场再看。")]
    result, finding = judged(*asked)
    assert (result.outcome, finding.banned) == (Outcome.UNSURE, ())
    assert "客户说过同样的话" in result.reason
    result, _ = judged(*asked, Line(customer="那几时来看?"), Line(agent="没办法。"))
    assert result.outcome is Outcome.FAIL


def test_a_quotation_of_somebody_else_may_come_much_later() -> None:
    asked = [Line(customer="她说没办法。"), Line(agent="当时几点?"), Line(customer="三点。")]
    for quoted in ("窗口的员工讲没办法,对吗?", "她头也不抬,说没办法,对吗?", "员工头也不抬说没办法,对吗?"):
        result, _ = judged(*asked, Line(agent=quoted))
        assert (result.outcome, "客户说过同样的话" in str(result.reason)) == (Outcome.UNSURE, True)
    for own in ("我再说没办法。", "老实说,没办法。", "师傅都派出去了,老实说没办法。", "您找他们说,没办法。"):
        assert judged(*asked, Line(agent=own))[0].outcome is Outcome.FAIL


OPENING = (Line(agent="您好。"), Line(customer="我家电表不转了。"), Line(agent="户号?"), Line(customer="我找找。"))
PROTEST = Line(customer="你怎么说话呢?")


@pytest.mark.parametrize(
    ("said", "answer", "outcome"),
    [
        ("师傅是不是骂您老糊涂?", Line(customer="对,这是什么话!"), Outcome.PASS),
        ("你等着就是了。", PROTEST, Outcome.UNSURE),
        ("你等着就是了。", Line(customer="好。"), Outcome.PASS),
        ("你等着就是了。", Line(customer="我怎么说话不算话了?"), Outcome.PASS),
    ],
)
def test_a_protest_of_the_customer_is_a_witness(said: str, answer: Line, outcome: Outcome) -> None:
    result, _ = judged(*OPENING, Line(agent=said), answer)
    assert result.outcome is outcome


@pytest.mark.parametrize(
    ("ratio", "mean", "answer", "outcome"),
    [
        (-3.0, -1.0, PROTEST, Outcome.FAIL),
        (-3.0, -1.0, Line(customer="什么?"), Outcome.UNSURE),
        (-20.0, -8.0, PROTEST, Outcome.UNSURE),
        (5.0, -0.1, Line(customer="什么?"), Outcome.FAIL),
    ],
)
def test_what_the_sound_leaves_open_a_protest_decides(
    ratio: float, mean: float, answer: Line, outcome: Outcome
) -> None:
    dialogue = (*OPENING, Line(agent="有意见高缺。"), answer)
    heard = proof.heard_of(Example(dialogue=dialogue), STANDARD.settings)
    score = PhraseScore(PhraseQuery(len(OPENING), 0, 5, "有意见告去"), ratio, mean)
    answered = Heard(heard.call, dataclasses.replace(heard.dialogue, phrase_scores=(score,)), STANDARD.settings)
    finding = finding_of(ITEM, answered)
    assert finding.outcome is outcome
    decided = outcome is Outcome.FAIL and answer is PROTEST
    assert ("客户当即不满" in str(finding.reason)) == decided
    assert [one.quote for one in finding.evidence] == ["有意见高缺", *["你怎么说话"] * decided]


@pytest.mark.parametrize(
    "answer",
    [
        "我不是投诉你。",
        "我要投诉,你帮我登记。",
        "你这人真是太好了。",
        "你怎么这样客气。",
        "你怎么这样算的?",
        "你说水表还是电表?",
        "你让什么人来修?",
        "他说话太伤人了。",
        "你说的啥话?听不清。",
        "师傅跟我说你怎么说话呢。",
        "让师傅说话客气点。",
    ],
)
def test_what_is_no_protest(answer: str) -> None:
    result, _ = judged(*OPENING, Line(agent="师傅在路上。"), Line(customer=answer))
    assert result.outcome is Outcome.PASS


def test_a_protest_in_doubt_shows_where_it_was() -> None:
    result, _ = judged(*OPENING, Line(agent="等着。"), PROTEST)
    (evidence,) = result.evidence
    assert (evidence.role, evidence.quote) == (Role.CUSTOMER, "你怎么说话")


def test_before_anything_is_told_a_customer_is_angry_about_what_was_before() -> None:
    greeted = (Line(agent="您好。"), Line(customer="喂。"), Line(agent="您好,请讲。"))
    assert judged(PROTEST, *greeted)[0].outcome is Outcome.PASS
    assert judged(*greeted, PROTEST)[0].outcome is Outcome.PASS
    assert judged(*OPENING[:2], Line(agent="等着。"), PROTEST)[0].outcome is Outcome.UNSURE


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("您说的,别再来电话了,我们没有这句话。", Outcome.UNSURE),
        ("我说的,别再来电话了。", Outcome.FAIL),
        ("您说那位师傅讲的,别再来电话了,我们去核实。", Outcome.UNSURE),
        ("师傅跟您讲的,别再来电话了,我们去核实。", Outcome.UNSURE),
        ("我刚才跟您讲的,别再来电话了。", Outcome.FAIL),
        ("我们领导说的,别再来电话了。", Outcome.FAIL),
    ],
)
def test_what_the_customer_said_earlier_may_be_quoted_as_such(answer: str, outcome: Outcome) -> None:
    told = [Line(customer="有人跟我讲,别再来电话了。"), Line(agent="好的,请讲。"), Line(customer="就是这样。")]
    result, _ = judged(*told, Line(agent=answer))
    assert result.outcome is outcome


def test_points_by_tier_and_veto_on_severe() -> None:
    minor, _ = judged(Line(agent="你找谁?"))
    both, _ = judged(Line(agent="你找谁?"), Line(customer="我找电工。"), Line(agent="不归我管。"))
    severe, finding = judged(Line(agent="我就这态度。"))
    assert (minor.points, minor.veto) == (Decimal(21), False)
    assert (both.points, both.veto) == (Decimal(11), False)
    assert (severe.points, severe.veto) == (Decimal(0), True)
    (hit,) = finding.banned
    assert isinstance(hit, BannedHit)
    assert (hit.tier, hit.quote) == (Tier.SEVERE, "我就这态度")


def test_badly_heard_or_suspect_words_deduct_nothing() -> None:
    unsure, finding = judged(Line(agent="随便投诉。", confidence=0.1))
    assert (unsure.outcome, unsure.points, finding.banned) == (Outcome.UNSURE, None, ())
    suspect, _ = judged(Line(agent="您好。"), Line(agent="随便投诉。", suspect="疑似虚构"))
    assert suspect.outcome is Outcome.PASS


@given(st.lists(st.sampled_from([entry.phrase for entry in OPERATOR.entries]), min_size=1, max_size=8))
def test_the_item_never_goes_below_zero(phrases: list[str]) -> None:
    result, _ = judged(*(Line(agent=f"{phrase}。") for phrase in phrases))
    if result.points is not None:
        assert 0 <= result.points <= 25
