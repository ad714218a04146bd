"""客户确认: what counts as an explicit yes to what the agent said back, and to what."""

from dataclasses import replace
from typing import Any

import pytest

from zhijian.models.records.dialogue import Role, Utterance, Voice, Word
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.answers import Doubts
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.repeat.confirmations import YES_POSSIBLE, YES_SAID, ConfirmsRepeats
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
OPERATOR: ConfirmsRepeats = next(item.rule for item in STANDARD.items if item.id == "repeat.confirmed").check.operator
ASKED = ({"agent": "请您留一个联系电话。"}, {"customer": "幺三九,二二三三,四四五五。"})
SAID_BACK = {"agent": "幺三九,二二三三,四四五五,对吗?"}


def call(*lines: dict[str, Any]) -> Heard:
    return heard_of(Example.model_validate({"dialogue": list(lines)}), STANDARD.settings)


def outcome(*lines: dict[str, Any]) -> Outcome:
    return OPERATOR.look(call(*lines)).outcome


@pytest.mark.parametrize(
    "reply",
    [
        "对。",
        "对的,没问题。",
        "嗯,对。",
        "哦对对对。",
        "对啊,就是这个号。",
        "对就是我媳妇的号",  # the recogniser wrote no comma
        "是。",
        "是的。",
        "是的你打这个就行",
        "是啊,怎么了?",
        "好的,是的。",
        "没错。",
        "没错没错。",
        "嗯没错,快点来。",
        "就是这个,一直用着呢。",
        "正是。",
        "对头,莫打错了。",
        "对,不用再核对了。",
        "对门是关不上的",
        "这回对了。",
        "你说得对。",
        "幺三九二二三三四四五五,对。",
        "时的。",  # misheard
    ],
)
def test_an_explicit_yes(reply: str) -> None:
    assert outcome(*ASKED, SAID_BACK, {"customer": reply}, {"agent": "好的。"}) is Outcome.PASS


@pytest.mark.parametrize(
    "reply",
    [
        "嗯。",
        "好。",
        "好的好的。",
        "行,那我等着。",
        "可以。",
        "知道了。",
        "不对。",
        "不对不对,你听错了。",
        "不是的,你记错了。",
        "对不起,刚才没听清。",
        "对了,我还有个事要问。",
        "是吗?我怎么记得不是。",
        "是不是要等很久?",
        "是谁来修啊?",
        "有没有错你自己看。",
        "多长时间能到?",
        "谢谢你啊。",
    ],
)
def test_no_explicit_yes(reply: str) -> None:
    assert outcome(*ASKED, SAID_BACK, {"customer": reply}, {"agent": "好的。"}) is Outcome.FAIL


def test_a_yes_to_a_question_that_follows_the_repeat_counts() -> None:
    asked_again = ({"customer": "嗯。"}, {"agent": "是这样吧?"}, {"customer": "对。"})
    assert outcome(*ASKED, SAID_BACK, *asked_again) is Outcome.PASS


def test_a_yes_into_the_agents_words_counts() -> None:
    into = {"customer": "对", "gap_ms": -1_500, "lasts_ms": 300}
    slowly = {"agent": "幺三九,二二三三,四四五五,我马上给您登记。", "lasts_ms": 6_000}
    heard = call(*ASKED, slowly, into, {"agent": "师傅会跟您联系的。"})
    assert OPERATOR.look(heard).outcome is Outcome.PASS


def test_a_wrong_repeat_that_is_confirmed_is_confirmed() -> None:
    wrong = {"agent": "幺三九,二二三三,四四五六,对吗?"}
    assert outcome(*ASKED, wrong, {"customer": "对。"}) is Outcome.PASS


def test_one_confirmed_repeat_of_several_is_enough() -> None:
    address = ({"agent": "您家住哪里?"}, {"customer": "长青路五十六号。"}, {"agent": "长青路五十六号,是吧?"})
    assert outcome(*ASKED, SAID_BACK, {"customer": "嗯。"}, *address, {"customer": "是的。"}) is Outcome.PASS


@pytest.mark.parametrize(
    "lines",
    [
        (*ASKED, {"agent": "好的,记下了。"}, {"customer": "对,就打这个。"}),
        ({"agent": "请问您贵姓?"}, {"customer": "我姓段。"}, {"agent": "段先生,请稍等。"}, {"customer": "好。"}),
        ({"customer": "电费怎么交?"}, {"agent": "下载应用就可以。"}, {"customer": "对,我知道了。"}),
    ],
)
def test_without_repeated_content_there_is_nothing_to_confirm(lines: tuple[dict[str, Any], ...]) -> None:
    assert outcome(*lines) is Outcome.NA


@pytest.mark.parametrize("reply", ["是挺吓人的", "队,一闪一闪的", "退充了两百块"])
def test_a_reply_that_may_begin_with_yes_is_a_doubt(reply: str) -> None:
    assert outcome(*ASKED, SAID_BACK, {"customer": reply}, {"agent": "好的。"}) is Outcome.UNSURE


def test_a_yes_to_what_may_have_been_said_back_later_is_a_doubt() -> None:
    later = (*ASKED, SAID_BACK, {"customer": "嗯。"})
    assert outcome(*later, {"agent": "您家里有人吧?"}, {"customer": "嗯。"}) is Outcome.FAIL
    assert outcome(*later, {"agent": "邻居家有电吗?"}, {"customer": "对,没错。"}) is Outcome.FAIL
    assert outcome(*later, {"agent": "就打尾号四四五五?"}, {"customer": "对,没错。"}) is Outcome.UNSURE
    assert outcome(*later, {"agent": "您急着用电,是吧?"}, {"customer": "对,没错。"}) is Outcome.UNSURE
    before = ({"agent": "是停电了,对吧?"}, {"customer": "对,没错。"})
    assert outcome(*before, *ASKED, SAID_BACK, {"customer": "嗯。"}) is Outcome.FAIL


def test_the_yes_has_to_come_in_the_reply() -> None:
    later = ({"customer": "多久能到?"}, {"agent": "半个小时。"}, {"customer": "对,越快越好。"})
    assert outcome(*ASKED, SAID_BACK, *later) is Outcome.FAIL


@pytest.mark.parametrize("reply", ["是要收费吗?", "退费要多久?", "推上去又跳了"])
def test_a_question_or_another_word_is_none(reply: str) -> None:
    assert outcome(*ASKED, SAID_BACK, {"customer": reply}, {"agent": "好的。"}) is Outcome.FAIL


@pytest.mark.parametrize(("reply", "expected"), [("没有。", Outcome.NA), ("对,一闪一闪的。", Outcome.PASS)])
def test_what_is_hardly_a_restatement_needs_no_confirmation_but_may_have_one(reply: str, expected: Outcome) -> None:
    asks = ({"customer": "我家电压不稳。"}, {"agent": "您家电压低的时候灯闪吗?"})
    assert outcome(*asks, {"customer": reply}) is expected


def test_a_fail_shows_what_was_repeated_and_the_reply() -> None:
    finding = OPERATOR.look(call(*ASKED, SAID_BACK, {"customer": "多久能到?"}))
    found, searched = finding.evidence[-2:]
    assert (found.kind, found.role) == (EvidenceKind.FOUND, Role.AGENT)
    assert (searched.kind, searched.role, searched.quote) == (EvidenceKind.SEARCHED, Role.CUSTOMER, "多久能到?")


def test_a_reply_of_which_only_the_voice_was_heard_is_doubt() -> None:
    heard = call(*ASKED, SAID_BACK, {"agent": "好的。", "gap_ms": 1_500})
    spoken = heard.dialogue.utterances[2].span.end_ms
    answer = Voice(Role.CUSTOMER, Span(spoken + 300, spoken + 600))
    voices = tuple(sorted((*heard.dialogue.voices, answer), key=lambda voice: voice.span))
    assert OPERATOR.look(heard).outcome is Outcome.FAIL
    assert OPERATOR.look(replace(heard, dialogue=replace(heard.dialogue, voices=voices))).outcome is Outcome.UNSURE


def test_a_yes_of_an_unknown_speaker_is_doubt() -> None:
    heard = call(*ASKED, SAID_BACK, {"customer": "多久能到?", "gap_ms": 3_000})
    spoken = heard.dialogue.utterances[2].span.end_ms
    unknown = Utterance(Role.UNKNOWN, Span(spoken + 500, spoken + 900), "对。", 0.9)
    utterances = tuple(sorted((*heard.dialogue.utterances, unknown), key=lambda utterance: utterance.span))
    doubtful = replace(heard, dialogue=replace(heard.dialogue, utterances=utterances))
    assert OPERATOR.look(doubtful).outcome is Outcome.UNSURE


LOST = (*ASKED, SAID_BACK, {"customer": "整栋楼都黑了,你们快点来。"}, {"agent": "好的。"})


def with_answers(heard: Heard, ratios: dict[tuple[int, str], float], mean: float = -1.0) -> Outcome:
    """The outcome with these log likelihood ratios, by what is asked about: where it ends, and the wording."""
    asked = Heard(heard.call, heard.dialogue, heard.settings, Doubts(heard.dialogue))
    OPERATOR.look(asked)
    assert asked.doubts
    scores = [PhraseScore(one, ratios.get((one.end, one.wording), -12.0), mean) for one in asked.doubts.likeliest]
    assert scores
    return OPERATOR.look(
        Heard(heard.call, replace(heard.dialogue, phrase_scores=tuple(scores)), heard.settings)
    ).outcome


@pytest.mark.parametrize("yes", ["对,", "是的,", "没错,"])
def test_a_yes_that_only_the_sound_has_counts_from_a_limit_on(yes: str) -> None:
    """A recogniser loses the 对 before a clause."""
    assert with_answers(call(*LOST), {}) is Outcome.FAIL
    assert with_answers(call(*LOST), {(0, yes): YES_POSSIBLE.ratio - 0.1}) is Outcome.FAIL
    assert with_answers(call(*LOST), {(0, yes): YES_POSSIBLE.ratio}) is Outcome.UNSURE
    assert with_answers(call(*LOST), {(0, yes): YES_SAID.ratio - 0.1}) is Outcome.UNSURE
    assert with_answers(call(*LOST), {(0, yes): YES_SAID.ratio}) is Outcome.PASS


def test_a_yes_that_fits_badly_itself_was_not_said() -> None:
    """Anything may fit better than noise that was written as words."""
    assert with_answers(call(*LOST), {(0, "对,"): 5.0}, mean=YES_SAID.mean - 0.1) is Outcome.UNSURE
    assert with_answers(call(*LOST), {(0, "对,"): 5.0}, mean=YES_POSSIBLE.mean - 0.1) is Outcome.FAIL


@pytest.mark.parametrize("reply", ["不对,是一三四七。", "没有。", "错了。", "那有什么用?"])
def test_the_sound_makes_no_yes_of_a_denial_or_a_question(reply: str) -> None:
    heard = call(*ASKED, SAID_BACK, {"customer": reply}, {"agent": "好的。"})
    assert with_answers(heard, {(0, "对,"): 0.0}) is not Outcome.PASS


def test_a_call_that_was_asked_about_one_yes_only_keeps_its_doubt() -> None:
    """As those are that were heard before there were others."""
    heard = call(*LOST)
    number = next(number for number, one in enumerate(heard.dialogue.utterances) if "整栋" in one.text)
    score = PhraseScore(PhraseQuery(number, 0, 0, "对,"), YES_POSSIBLE.ratio, -1.0)
    assert (
        OPERATOR.look(replace(heard, dialogue=replace(heard.dialogue, phrase_scores=(score,)))).outcome
        is Outcome.UNSURE
    )


def test_a_yes_may_have_been_written_as_another_word() -> None:
    heard = call(*LOST)
    utterances = list(heard.dialogue.utterances)
    place = next(number for number, one in enumerate(utterances) if "整栋" in one.text)
    span, text = utterances[place].span, "所以整栋楼都黑了"
    words = (Word("所以", Span(span.start_ms, span.start_ms + 200), 0.5), Word(text[2:], span, 0.9))
    utterances[place] = replace(utterances[place], text=text, words=words)
    heard = Heard(heard.call, replace(heard.dialogue, utterances=tuple(utterances)), heard.settings)
    assert with_answers(heard, {(2, "对,"): YES_POSSIBLE.ratio - 0.1}) is Outcome.FAIL
    assert with_answers(heard, {(2, "对,"): YES_POSSIBLE.ratio}) is Outcome.UNSURE


def test_where_the_customer_said_yes_nothing_is_asked() -> None:
    heard = call(*ASKED, SAID_BACK, {"customer": "对。"}, {"agent": "好的。"})
    asked = Heard(heard.call, heard.dialogue, heard.settings, Doubts(heard.dialogue))
    OPERATOR.look(asked)
    assert asked.doubts
    assert not asked.doubts.likeliest
