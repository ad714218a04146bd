"""Spoken numbers come out as digits, sums and times, with their places in the text."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.rules.keydata.times import times
from zhijian.rules.words.numbers import (
    amounts,
    cardinal,
    decimals,
    numbers,
    numerals_by_ear,
    with_arabic_numbers,
)
from zhijian.rules.words.text import normalise

NAMES = "零一二三四五六七八九"
CALL_DAY = datetime(2026, 11, 21, 14, 0)  # a Saturday


def speak(number: int) -> str:
    """A number below 100 million as it is spoken: 10203 → 一万零二百零三."""
    if number >= 10_000:
        high, low = divmod(number, 10_000)
        return speak(high) + "万" + (("零" if low < 1000 else "") + speak(low) if low else "")
    words, pending_zero = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit, number = divmod(number, size)
        if digit:
            words += ("零" if pending_zero and words else "") + NAMES[digit] + unit
        pending_zero = not digit
    return words or "零"


@given(st.integers(0, 99_999_999))
def test_cardinals_round_trip(number: int) -> None:
    assert cardinal(speak(number)) == number


@given(st.text(alphabet="零一二两三九十百千万亿幺05", max_size=8))
def test_any_row_of_numerals_is_read_or_refused(words: str) -> None:
    value = cardinal(words)
    assert value is None or value >= 0


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("一百二十六", 126),
        ("两百一十三", 213),
        ("一百零六", 106),
        ("三千五", 3500),
        ("一百二", 120),
        ("一万二", 12000),
        ("1万2", 12000),
        ("3百", 300),
        ("1百26", 126),
        ("一百一十", 110),
        ("十", 10),
        ("126", 126),
        ("两三百", None),
        ("二十三十", None),
        ("百", None),
        ("三三零", None),
        ("", None),
    ],
)
def test_cardinal(words: str, value: int | None) -> None:
    assert cardinal(words) == value


@pytest.mark.parametrize(
    ("raw", "sums"),
    [
        ("电费是一百二十六元五角", [("126.50", "一百二十六元五角")]),
        ("欠费两百一十三块六,户主", [("213.60", "两百一十三块六")]),
        ("充了两百块", [("200.00", "两百块")]),
        ("126.5元", [("126.50", "126.5元")]),
        ("1,280元", [("1280.00", "1,280元")]),
        ("十二点五元", [("12.50", "十二点五元")]),
        ("一千零五十块零五分", [("1050.05", "一千零五十块零五分")]),
        ("三块二毛五", [("3.25", "三块二毛五")]),
        ("五毛六分一度", [("0.56", "五毛六分")]),
        ("第一档幺零八块九,总共幺七幺块两毛", [("108.90", "幺零八块九"), ("171.20", "幺七幺块两毛")]),
        ("一块两毛", [("1.20", "一块两毛")]),
        ("五块一度,两百元五个月", [("5.00", "五块"), ("200.00", "两百元")]),
        # vague, or no money at all
        ("一百来块", []),
        ("一百多块", []),
        ("几十块", []),
        ("两三百块", []),
        ("七八块钱", []),
        ("六百分之五块", []),
        ("四五六块钱吧", []),
        ("一" * 27 + "块", []),
        ("户号三四四零一三六七八九零块", []),
        ("我们一块两家都停电了", []),
        ("这一块2号楼", []),
        ("二零二五元宵节", []),
        ("二零二五元月", []),
        ("两块电表", []),
        ("充了两百块电表没电", [("200.00", "两百块")]),
        ("充了三百块一块充的", [("300.00", "三百块")]),
        ("一二六块五是吧", [("126.50", "一二六块五")]),
        ("大概两百块", []),
        ("两百块左右", []),
        ("一分钱没收", []),
        ("一块儿去", []),
        ("换了两块表", []),
        ("2026元旦", []),
        ("三号楼二单元", []),
    ],
)
def test_amounts(raw: str, sums: list[tuple[str, str]]) -> None:
    text = normalise(raw)
    assert [(str(amount.value), text.quote(amount.start, amount.end)) for amount in amounts(text)] == sums


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("三百屋十块", "三百五十块"),
        ("一千二百散十流块八毛", "一千二百三十六块八毛"),
        ("良百块", "两百块"),
        ("二十把点", "二十把点"),
        ("五一是元旦,三百吧", "五一是元旦,三百吧"),
        ("三时二十分", "三时二十分"),
        ("一百多块,几十块", "一百多块,几十块"),
    ],
)
def test_homophones_amid_a_number_are_numerals(heard: str, meant: str) -> None:
    assert numerals_by_ear(heard) == meant


def test_sums_without_their_unit() -> None:
    found = decimals(normalise("一共一百二十六点五,还有12.30,八点来"))
    assert [amount.written for amount in found] == ["126.50", "12.30"]
    assert decimals(normalise("一" * 27 + "点五")) == ()


@given(st.integers(2, 999_999), st.integers(0, 9), st.integers(0, 9))
def test_amounts_round_trip(yuan: int, jiao: int, fen: int) -> None:
    spoken = speak(yuan) + "元" + (f"{NAMES[jiao]}角" if jiao else "") + (f"{NAMES[fen]}分" if jiao and fen else "")
    (amount,) = amounts(normalise(f"一共是{spoken}。"))
    assert str(amount.value) == f"{yuan}.{jiao}{fen if jiao else 0}"


def test_numbers_and_their_spelling() -> None:
    text = normalise("解放街十六号院二号楼二零四,电话幺三七")
    assert [number.digits for number in numbers(text)] == ["16", "2", "204", "137"]
    assert with_arabic_numbers("六号楼三单元四零二,百花园") == "6号楼3单元402,百花园"


@pytest.mark.parametrize(
    ("raw", "value", "quote"),
    [
        ("下午五点半来电", "17:30", "下午五点半"),
        ("十一月三号上午九点", "2026-11-03T09:00", "十一月三号上午九点"),
        ("后天上午九点", "2026-11-23T09:00", "后天上午九点"),
        ("昨天晚上八点就停了", "2026-11-20T20:00", "昨天晚上八点"),
        ("今晚十二点", "2026-11-22T00:00", "今晚十二点"),
        ("下周三下午两点", "2026-11-25T14:00", "下周三下午两点"),
        ("二零二六年三月五号的", "2026-03-05", "二零二六年三月五号"),
        ("下午5:30", "17:30", "下午5:30"),
        ("三点二十", "03:20", "三点二十"),
        ("晚上八点一刻", "20:15", "晚上八点一刻"),
        ("三点零五分", "03:05", "三点零五分"),
    ],
)
def test_times(raw: str, value: str, quote: str) -> None:
    text = normalise(raw)
    assert [(time.value, text.quote(time.start, time.end)) for time in times(text, reference=CALL_DAY)] == [
        (value, quote)
    ]


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("后天上午九点", "后天T09:00"),
        ("十一月三号", "11-03"),
        ("下周三下午两点", "下周三T14:00"),
        ("明早八点", "明天T08:00"),
    ],
)
def test_times_without_the_day_of_the_call(raw: str, value: str) -> None:
    assert [time.value for time in times(normalise(raw))] == [value]


@pytest.mark.parametrize(
    "raw",
    [
        "昨天 上个月 明天",
        "五个小时 二十四小时 十分钟",
        "五点左右",
        "五点多",
        "快一点",
        "请再早一点",
        "一点也不",
        "两点建议",
        "三点五倍",
        "二月三十号",
        "二十五点",
    ],
)
def test_vague_times_and_other_words_are_none(raw: str) -> None:
    assert times(normalise(raw), reference=CALL_DAY) == ()


@given(st.integers(0, 23), st.integers(0, 59))
def test_clock_times_round_trip(hour: int, minute: int) -> None:
    spoken = f"{speak(hour)}点{'零' if minute < 10 else ''}{speak(minute)}分"
    assert [time.value for time in times(normalise(f"改到{spoken}"))] == [f"{hour:02}:{minute:02}"]
