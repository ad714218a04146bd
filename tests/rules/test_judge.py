"""Judging whole calls: every item its outcome, every deduction its evidence, doubt never a deduction."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zhijian.models.records.call import Call, Direction, Party
from zhijian.models.records.codec import from_dict, to_dict
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.scorecard import EvidenceKind, ItemResult, Outcome, Scorecard, Status
from zhijian.models.records.span import Span
from zhijian.rules.judge import judge, unscorable
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
CALL = Call(
    source="test",
    call_id="c-1",
    recording="c-1.wav",
    started_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    direction=Direction.INBOUND,
    agent_no="2077",
    ring_count=2,
    hangup_side=Party.CUSTOMER,
)
A, C = Role.AGENT, Role.CUSTOMER
GOOD = (
    (A, "您好,东山供电公司,工号二零七七,请问有什么可以帮您?"),
    (C, "我想问一下我们小区明天是不是要检修?"),
    (A, "您问的是明天检修,是吗?请您稍等,我帮您查一下。"),
    (C, "是的,好的。"),
    (A, "让您久等了,很抱歉,明天上午九点到十一点检修。", 12_000),
    (C, "哦,知道了。"),
    (A, "请问还有其他需要帮助的吗?"),
    (C, "没有了,谢谢。"),
    (A, "感谢您的来电,再见。"),
)


def dialogue(*lines: tuple, **changes: object) -> Dialogue:
    """Lines of (role, text) or (role, text, milliseconds of silence before it), a word a character."""
    utterances, at_ms = [], 0
    for role, text, *gap in lines:
        at_ms += gap[0] if gap else 500
        words = tuple(Word(char, Span(at_ms + 230 * i, at_ms + 230 * (i + 1)), 0.9) for i, char in enumerate(text))
        utterances.append(Utterance(role, Span(at_ms, at_ms + 230 * len(text)), text, 0.9, None, words))
        at_ms += 230 * len(text)
    parts: dict = {
        "duration_ms": at_ms + 500,
        "separation": Separation.CHANNELS,
        "engine": "test",
        "language": "zh",
        "utterances": tuple(utterances),
        "voices": tuple(Voice(u.role, u.span) for u in utterances),
    }
    return Dialogue(**parts | changes)


def items(card: Scorecard) -> dict[str, ItemResult]:
    return {item.id: item for item in card.items}


def test_a_good_call() -> None:
    card = judge(CALL, dialogue(*GOOD), STANDARD, recording_sha256="ab")
    failed = {id: item.outcome for id, item in items(card).items() if item.outcome not in (Outcome.PASS, Outcome.NA)}
    assert failed == {}
    assert (card.status, card.score, card.publishes_itself) == (Status.SCORED, Decimal("100.0"), True)
    assert items(card)["opening.late_apology"].outcome is Outcome.NA
    assert card.standard == STANDARD.ref
    assert card.recording_sha256 == "ab"


def test_a_found_behaviour_is_quoted_exactly_and_timed_by_its_words() -> None:
    heard = dialogue(*GOOD)
    (evidence,) = items(judge(CALL, heard, STANDARD))["closing.more_help"].evidence
    utterance = heard.utterances[6]
    assert evidence.kind is EvidenceKind.FOUND
    assert evidence.quote in utterance.text
    start = utterance.text.index(evidence.quote)
    assert evidence.span == utterance.time_of(start, start + len(evidence.quote))


def test_a_missing_behaviour_shows_what_was_searched() -> None:
    rude = ((A, "东山供电,请讲。"), *GOOD[1:])
    greeting = items(judge(CALL, dialogue(*rude), STANDARD))["opening.greeting"]
    (evidence,) = greeting.evidence
    assert (greeting.outcome, greeting.points) == (Outcome.FAIL, Decimal(0))
    assert (evidence.kind, evidence.role) == (EvidenceKind.SEARCHED, A)
    assert evidence.quote.startswith("东山供电,请讲。")
    assert evidence.span is not None
    assert evidence.span.start_ms == 0


def test_the_agent_hanging_up_vetoes() -> None:
    call = from_dict(Call, to_dict(CALL) | {"hangup_side": "agent"})
    card = judge(call, dialogue(*GOOD), STANDARD)
    hangup = items(card)["closing.hangup"]
    assert (hangup.outcome, hangup.veto, card.status, card.score) == (Outcome.FAIL, True, Status.FLAGGED, None)
    assert any(evidence.kind is EvidenceKind.RECORD and evidence.span is None for evidence in hangup.evidence)


def test_a_voice_without_words_is_doubt_not_a_deduction() -> None:
    lines = ((A, "东山供电,请讲。", 6_000), *GOOD[1:])
    heard = dialogue(*lines)
    voices = (Voice(A, Span(500, 5_500)), *heard.voices)
    doubtful = items(judge(CALL, dialogue(*lines, voices=voices), STANDARD))["opening.greeting"]
    certain = items(judge(CALL, heard, STANDARD))["opening.greeting"]
    assert (doubtful.outcome, certain.outcome) == (Outcome.UNSURE, Outcome.FAIL)
    assert "没有识别出文字" in (doubtful.reason or "")


@pytest.mark.parametrize(
    ("separation", "outcome"), [(Separation.CHANNELS, Outcome.FAIL), (Separation.DIARIZATION, Outcome.UNSURE)]
)
def test_speech_of_both_at_once_is_doubt_on_one_channel(separation: Separation, outcome: Outcome) -> None:
    heard = dialogue(*GOOD[:6], (A, "那就这样吧。"), *GOOD[7:])
    last = heard.utterances[-1].span
    voices = tuple(sorted((*heard.voices, Voice(C, last)), key=lambda voice: voice.span))
    card = judge(CALL, dataclasses.replace(heard, separation=separation, voices=voices), STANDARD)
    assert items(card)["closing.more_help"].outcome is outcome


@pytest.mark.parametrize(("suspect", "outcome"), [(None, Outcome.FAIL), ("疑似重复循环", Outcome.UNSURE)])
def test_suspect_words_in_a_silence_are_doubt(suspect: str | None, outcome: Outcome) -> None:
    heard = dialogue(*GOOD[:2], (A, "好的。"), (A, "明天上午检修。", 12_000), *GOOD[5:])
    silence_ms = heard.utterances[2].span.end_ms
    if suspect:
        loop = Utterance(C, Span(silence_ms + 1_000, silence_ms + 9_000), "对对对对", 0.9, suspect)
        heard = dataclasses.replace(heard, utterances=tuple(sorted((*heard.utterances, loop), key=lambda u: u.span)))
    found = items(judge(CALL, heard, STANDARD))
    assert [found[item].outcome for item in ("hold.notice", "hold.thanks", "talk.silence")] == [outcome] * 3


def test_a_backchannel_does_not_hide_the_notice() -> None:
    heard = dialogue(*GOOD[:3], (A, "嗯我看一下啊。", 1_200), *GOOD[4:])
    before = heard.utterances[2].span
    hm = Utterance(C, Span(before.end_ms - 300, before.end_ms + 200), "嗯", 0.9)
    heard = dataclasses.replace(heard, utterances=tuple(sorted((*heard.utterances, hm), key=lambda u: u.span)))
    assert items(judge(CALL, heard, STANDARD))["hold.notice"].outcome is Outcome.PASS


def test_words_of_an_unknown_speaker_are_doubt() -> None:
    lines = ((A, "东山供电,请讲。"), (Role.UNKNOWN, "您好。"), *GOOD[1:])
    assert items(judge(CALL, dialogue(*lines), STANDARD))["opening.greeting"].outcome is Outcome.UNSURE


def test_key_info_is_listed_with_its_places() -> None:
    lines = (
        *GOOD[:1],
        (C, "我要报修,电话是幺三九,二二三三,四四五五。"),
        (A, "电话幺三九,二二三三,四四五五,对吗?"),
        (C, "对。"),
        *GOOD[6:],
    )
    card = judge(CALL, dialogue(*lines), STANDARD)
    (datum,) = card.key_info
    assert (datum.type, datum.value, datum.match) == ("电话", "13922334455", True)
    assert datum.agent_span is not None
    assert datum.customer_span.end_ms <= datum.agent_span.start_ms


def test_reasons_hold_no_customer_data() -> None:
    lines = (*GOOD[:1], (C, "我姓欧阳,电话是幺三九,二二三三,四四五五。"), (A, "好的,记下了。"), *GOOD[5:])
    card = judge(CALL, dialogue(*lines), STANDARD)
    assert items(card)["repeat.key_info"].outcome is Outcome.FAIL
    reasons = "".join(item.reason or "" for item in card.items)
    assert not any(datum in reasons for datum in ("欧阳", "幺三九", "139"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"separation": Separation.NONE}, "无法区分"),
        ({"language": "en"}, "不是普通话"),
        ({"voices": (Voice(A, Span(0, 14_000)),)}, "不足 15 秒"),
    ],
)
def test_calls_that_cannot_be_judged(changes: dict, reason: str) -> None:
    card = judge(CALL, dialogue(*GOOD, **changes), STANDARD)
    assert (card.status, card.score, card.items) == (Status.UNSCORABLE, None, ())
    assert reason in (card.reason or "")


def test_a_call_without_agent() -> None:
    lines = (
        (
            C,
            "喂,喂,有人吗,怎么没有人说话,我家里停电了,你们快点来看一下,我等了一上午了,怎么还没有人来,急死人了,真是的。",
        ),
    ) * 2
    assert "坐席" in (judge(CALL, dialogue(*lines), STANDARD).reason or "")


def test_unscorable_for_a_reason_found_elsewhere() -> None:
    card = unscorable(CALL, STANDARD, "录音文件无法读取")
    assert (card.status, card.reason, card.recording_sha256) == (Status.UNSCORABLE, "录音文件无法读取", None)


TEXT = st.text(alphabet="您好请问稍等再见对不起没办法工号一二三四五六七八零,。?的是我 abc95598", max_size=30)
LINE = st.tuples(st.sampled_from(list(Role)), TEXT, st.integers(min_value=0, max_value=15_000))


@settings(max_examples=60)
@given(
    lines=st.lists(LINE, max_size=12), direction=st.sampled_from(list(Direction)), rings=st.none() | st.integers(0, 9)
)
@example(
    lines=[(C, "5" * 25 + "b5", 0), (A, "5" * 25 + "?5", 0), (A, "b5?" + "5" * 9, 0)],
    direction=Direction.INBOUND,
    rings=None,
)
def test_any_dialogue_gives_a_scorecard(lines: list, direction: Direction, rings: int | None) -> None:
    call = from_dict(Call, to_dict(CALL) | {"direction": direction.value, "ring_count": rings})
    heard = dialogue(*lines)
    card = judge(call, heard, STANDARD)
    assert card == judge(call, heard, STANDARD)
    assert from_dict(Scorecard, to_dict(card)) == card
    # what is said back may go on over several utterances of a turn
    said = [(one.role, one.text) for one in (*heard.utterances, *heard.turns())]
    for item in card.items:
        assert item.points is None or item.points <= item.points_max
        for evidence in item.evidence:
            if evidence.kind is EvidenceKind.FOUND:
                assert any(role is evidence.role and evidence.quote in text for role, text in said)


@pytest.mark.parametrize("number", ["9" * 5000, "九" * 5000, "千百十万亿" * 1000])
def test_a_number_without_end_is_only_words(number: str) -> None:
    card = judge(CALL, dialogue(*GOOD, (C, f"我要查电费{number}")), STANDARD)
    assert items(card)["opening.greeting"].outcome is Outcome.PASS


def test_marks_without_a_word_are_not_the_agents_speech():
    card = judge(CALL, dialogue((A, "。。。"), *GOOD[1:2], (C, GOOD[5][1] * 20)), STANDARD)
    assert (card.status, card.reason) == (Status.UNSCORABLE, "没有找到坐席说的话")
