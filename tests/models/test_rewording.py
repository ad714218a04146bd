"""Another text for what was said: times are kept, the words always make the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.rewording import corrected, reworded
from zhijian.models.records.span import Span

TEXT = st.text("我的电话是幺三八*某", max_size=12)


def utterance(*words: str, role: Role = Role.CUSTOMER, start_ms: int = 1000) -> Utterance:
    """Each word lasts 300 ms."""
    said = [Word(word, Span(start_ms + 300 * n, start_ms + 300 * (n + 1)), 0.8) for n, word in enumerate(words)]
    span = Span(start_ms, start_ms + 300 * len(words))
    return Utterance(role, span, "".join(words), 0.9, suspect="重复", words=tuple(said))


def times(of: Utterance) -> list[tuple[str, int, int]]:
    return [(word.text, word.span.start_ms, word.span.end_ms) for word in of.words]


def test_what_stays_keeps_its_time_and_what_is_new_takes_that_of_the_old():
    masked = reworded(utterance("电话", "是", "幺三", "八零", "谢谢"), "电话是****谢谢")
    assert times(masked) == [("电话", 1000, 1300), ("是", 1300, 1600), ("****", 1600, 2200), ("谢谢", 2200, 2500)]


def test_what_was_left_out_is_put_between_its_neighbours():
    assert times(reworded(utterance("您好", "请讲"), "您好啊请讲")) == [
        ("您好", 1000, 1300),
        ("啊", 1300, 1300),
        ("请讲", 1300, 1600),
    ]
    assert times(reworded(utterance("请讲"), "您好请讲"))[0] == ("您好", 1000, 1000)


def test_a_word_of_which_a_part_stays_is_parted():
    assert times(reworded(utterance("张建国"), "某建国")) == [("某", 1000, 1300), ("建国", 1000, 1300)]


def test_without_word_times_only_the_text_changes():
    plain = Utterance(Role.AGENT, Span(0, 900), "您好", 0.9)
    assert reworded(plain, "你好") == Utterance(Role.AGENT, Span(0, 900), "你好", 0.9)


@given(st.lists(st.text("我的电话是幺三八", min_size=1, max_size=3), min_size=1, max_size=6), TEXT)
def test_the_words_make_the_text_and_lie_in_their_order(words, text):
    before = utterance(*words)
    after = reworded(before, text)
    assert after.text == text
    assert "".join(word.text for word in after.words) == text
    starts = [word.span.start_ms for word in after.words]
    assert starts == sorted(starts)
    assert all(before.span.covers(word.span) for word in after.words)
    assert reworded(before, before.text) == before


def dialogue(voices: list[tuple[Role, int, int]]) -> Dialogue:
    said = utterance("您好", "请讲", role=Role.AGENT)
    heard = tuple(Voice(role, Span(start, end)) for role, start, end in voices)
    return Dialogue(5000, Separation.CHANNELS, "test", "zh", (said,), heard)


def test_a_corrected_line_is_trusted():
    line = corrected(dialogue([]), 0, text="您好,请讲", role=Role.AGENT).utterances[0]
    assert (line.text, line.suspect, line.confidence) == ("您好,请讲", None, 1.0)


@pytest.mark.parametrize(
    ("voices", "after"),
    [
        ([("agent", 1000, 1600)], [("customer", 1000, 1600)]),
        ([("agent", 500, 3000)], [("agent", 500, 1000), ("customer", 1000, 1600), ("agent", 1600, 3000)]),
        ([("agent", 1200, 1500)], [("customer", 1200, 1500)]),
        ([("agent", 2000, 3000)], [("agent", 2000, 3000)]),
        ([("system", 1000, 1600)], [("system", 1000, 1600)]),
    ],
)
def test_with_the_speaker_changes_the_voice_of_that_time(voices, after):
    found = corrected(dialogue([(Role(role), *span) for role, *span in voices]), 0, text="您好请讲", role=Role.CUSTOMER)
    assert [(voice.role, voice.span.start_ms, voice.span.end_ms) for voice in found.voices] == after


def test_a_line_that_is_not_there():
    with pytest.raises(IndexError):
        corrected(dialogue([]), 7, text="您好", role=Role.AGENT)
