"""The normal form keeps letters, digits and characters, and every position finds its way back to the raw text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.rules.words.text import fillers, normalise

CALL_TEXT = st.text(alphabet="您好請問電話號碼户号幺三八,。?!、 ABc９５㎏“”…-\n啊那个", max_size=40)


@pytest.mark.parametrize(
    ("raw", "chars"),
    [
        ("您好,國家電網95598!", "您好国家电网95598"),
        ("ＶＩＰ　客户", "vip客户"),
        ("請“稍等”……", "请稍等"),
        ("你問著什麼", "你问着什么"),
        ("二〇二六", "二〇二六"),
        ("", ""),
        ("。。。", ""),
    ],
)
def test_normal_form(raw: str, chars: str) -> None:
    assert normalise(raw).chars == chars


@given(st.text(max_size=60) | CALL_TEXT)
def test_every_normal_character_comes_from_the_raw_one_it_points_at(raw: str) -> None:
    text = normalise(raw)
    assert len(text.offsets) == len(text.chars)
    assert list(text.offsets) == sorted(text.offsets)
    for index, char in enumerate(text.chars):
        assert char in normalise(raw[text.offsets[index]]).chars


@given(CALL_TEXT, st.data())
def test_a_quote_is_a_slice_of_the_raw_text_with_the_same_normal_form(raw: str, data: st.DataObject) -> None:
    text = normalise(raw)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    raw_start, raw_end = text.raw_slice(start, end)
    assert text.quote(start, end) == raw[raw_start:raw_end]
    assert text.chars[start:end] in normalise(raw[raw_start:raw_end]).chars


@given(CALL_TEXT)
def test_normalising_twice_changes_nothing(raw: str) -> None:
    once = normalise(raw).chars
    assert normalise(once).chars == once


@given(CALL_TEXT)
def test_clauses_and_sentences_cover_the_text_without_overlap(raw: str) -> None:
    text = normalise(raw)
    for stretches, of in ((text.clauses(), text.clause_of), (text.sentences(), text.sentence_of)):
        assert [index for start, end in stretches for index in range(start, end)] == list(range(len(text)))
        for start, end in stretches:
            assert start < end
            assert of(start) == of(end - 1) == (start, end)
    assert set(text.sentence_starts) <= set(text.clause_starts)


@pytest.mark.parametrize(
    ("raw", "clauses", "sentences"),
    [
        ("你好,请说。再见", ["你好", "请说", "再见"], ["你好请说", "再见"]),
        ("好的 请问 您贵姓", ["好的", "请问", "您贵姓"], ["好的请问您贵姓"]),
        ("一共126.5元", ["一共1265元"], ["一共1265元"]),
        ("电话138 7530 0018", ["电话13875300018"], ["电话13875300018"]),
        ("“随便投诉”?", ["随便投诉"], ["随便投诉"]),
    ],
)
def test_clauses_and_sentences(raw: str, clauses: list[str], sentences: list[str]) -> None:
    text = normalise(raw)
    assert [text.chars[start:end] for start, end in text.clauses()] == clauses
    assert [text.chars[start:end] for start, end in text.sentences()] == sentences


def test_gap_tells_what_was_dropped() -> None:
    text = normalise("「好」,126.5元。")
    assert [text.gap(index) for index in range(len(text) + 1)] == ["「", "」,", "", "", ".", "", "。"]


def test_fillers() -> None:
    assert fillers("那个我啊要") == (True, True, False, True, False)


@pytest.mark.parametrize(("start", "end"), [(-1, 1), (1, 9), (2, 1)])
def test_a_range_outside_the_text_is_an_error(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="outside"):
        normalise("您好").raw_slice(start, end)


def test_an_index_outside_the_text_is_an_error() -> None:
    with pytest.raises(IndexError):
        normalise("").clause_of(0)
