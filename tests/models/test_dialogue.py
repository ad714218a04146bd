"""Turns and silences, as the standard reads them."""

import pytest

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.span import RecordError, Span

A, C, S = Role.AGENT, Role.CUSTOMER, Role.SYSTEM


def said(role, start_ms, end_ms, text, suspect=None):
    return Utterance(role, Span(start_ms, end_ms), text, 0.9, suspect)


def dialogue(*utterances, voices=None, duration_ms=100_000):
    heard = voices or tuple(Voice(u.role, u.span) for u in utterances)
    return Dialogue(duration_ms, Separation.CHANNELS, "engine", "zh", utterances, heard)


def roles_of(*utterances):
    return [turn.role for turn in dialogue(*utterances).turns()]


def test_consecutive_utterances_of_one_role_are_one_turn():
    turns = dialogue(said(A, 0, 900, "您好,"), said(A, 2500, 3000, "请讲"), said(C, 3500, 4000, "停电了")).turns()
    assert [(t.role, t.text, t.span) for t in turns] == [
        (A, "您好,请讲", Span(0, 3000)),
        (C, "停电了", Span(3500, 4000)),
    ]


def test_a_backchannel_inside_the_others_speech_makes_no_turn():
    assert roles_of(
        said(C, 0, 6000, "我家停电了,都两个小时了"), said(A, 2000, 2400, "嗯"), said(C, 6300, 8000, "快来")
    ) == [C]


def test_the_same_word_is_a_turn_when_it_answers_a_question():
    assert roles_of(said(A, 0, 3000, "邻居家有电吗?"), said(C, 3200, 3500, "对"), said(A, 3600, 5000, "好的")) == [
        A,
        C,
        A,
    ]


def test_a_short_answer_after_the_others_speech_is_a_turn():
    assert roles_of(said(A, 0, 3000, "请您稍等。"), said(C, 3400, 3700, "好"), said(A, 9000, 9900, "久等了")) == [
        A,
        C,
        A,
    ]


def test_system_speech_and_suspect_text_make_no_turn():
    assert roles_of(
        said(S, 0, 3000, "来电正在接通"), said(C, 4000, 5000, "喂"), said(A, 6000, 9000, "订阅", "编造")
    ) == [C]


def test_silences_lie_between_voices_and_leave_out_head_and_tail():
    heard = dialogue(said(A, 20_000, 21_000, "稍等"), said(C, 33_000, 34_000, "好"))
    assert heard.silences(10_000) == (Span(21_000, 33_000),)
    assert heard.silences(12_001) == ()
    assert heard.speech_ms == 2000


def test_music_does_not_break_a_silence():
    voices = (Voice(A, Span(0, 1000)), Voice(S, Span(2000, 14_000)), Voice(C, Span(15_000, 16_000)))
    heard = dialogue(said(A, 0, 1000, "稍等"), said(C, 15_000, 16_000, "好"), voices=voices)
    assert heard.silences(10_000) == (Span(1000, 15_000),)


def test_the_words_tell_when_a_quote_was_said():
    words = (Word("您好", Span(100, 500), 0.9), Word(",", Span(500, 500), 0.9), Word("工号", Span(900, 1300), 0.8))
    utterance = Utterance(A, Span(0, 2000), "您好,工号", 0.9, None, words)
    assert utterance.time_of(0, 2) == Span(100, 500)
    assert utterance.time_of(1, 4) == Span(100, 1300)
    assert said(A, 5, 9, "您好").time_of(0, 1) == Span(5, 9)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: dialogue(said(A, 500, 900, "b"), said(C, 0, 400, "a")),
        lambda: dialogue(said(A, 0, 900, "b"), duration_ms=800),
        lambda: Utterance(A, Span(0, 100), "您好", 0.9, None, (Word("你好", Span(0, 100), 0.9),)),
        lambda: Utterance(A, Span(0, 100), "您", 0.9, None, (Word("您", Span(50, 150), 0.9),)),
        lambda: Word("您", Span(0, 1), 1.5),
    ],
)
def test_a_dialogue_that_cannot_be_is_refused(wrong):
    with pytest.raises(RecordError):
        wrong()
