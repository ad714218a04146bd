"""Numbers as they are spoken, with their places in the text: 幺三八,八六二零 · 一百二十六块五 · 三单元五零一.

Everything here reads a `NormalText` and returns positions in it, half-open. Numbers that are meant vaguely (一百来块,
几十块) are not read: they cannot be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from zhijian.rules.words.digits import DIGITS, UNITS, only_digits
from zhijian.rules.words.pinyin import sounds_like
from zhijian.rules.words.text import NormalText

NUMERAL = "[0-9零〇一二两三四五六七八九十百千万亿]"
"""Pattern of one character of a number; 幺 is left out: it only stands in digit strings."""

_ANY_NUMERAL = re.compile(NUMERAL)
_NUMERALS = "零一二两三四五六七八九十百千万亿"
_EVERYDAY = frozenset("是时事市室式世使始就要而有以也已把吧")
"""Words that only sound like numerals, and stand beside numbers in their own right."""
_AMID_NUMBER = re.compile(
    f"(?<=[0-9零〇十百千万亿])[^\\W\\d_](?=[块元毛角点]|{NUMERAL})|(?<={NUMERAL})[^\\W\\d_](?={NUMERAL})"
)
_ONE_TO_NINE = "[1-9一二两三四五六七八九]"
_PAID = "[充交缴付扣欠存补退花收了我您]"
_MISHEARD = {
    "百": re.compile(f"(?<=[1-9一二两三四五六七八九良量凉粮俩])白(?={NUMERAL}|[块元快]|.十)"),
    "两": re.compile("[良量凉粮俩](?=[百千万])"),
    "零": re.compile(f"(?<=[百千])[林临邻](?={_ONE_TO_NINE})"),
    "十": re.compile(f"(?<=[2-9二三四五六七八九])[时是事石实食](?={_ONE_TO_NINE}?[块元快])"),
    "块": re.compile(
        f"(?:(?<=[十百千])|(?<=[十百千零]{_ONE_TO_NINE}))快(?!到|了|点|些|递|要|速|{NUMERAL}+[块元百十千])"
    ),
}
"""Numerals and units by what is written for them, where nothing else makes sense; units before what needs them."""
_MISHEARD_TEN = re.compile(f"(?<![当那到小同及平临何按])[时石实食](?={_ONE_TO_NINE}(?:号|栋|幢|单元|楼|室|组))")
_MISHEARD_FIRST = re.compile(f"(?<={_PAID})[^\\W\\d_](?=[百千白]|十{_ONE_TO_NINE}?[块元])")
_MISHEARD_TENS = re.compile("(?<=[百千])[^\\W\\d_](?=十)")
_IN_DIGITS = range(3, 7)
"""Digits of a sum that is read out digit by digit."""
_LONGEST_CARDINAL = 20
"""Characters; what is longer is no number that is counted with."""
_BELOW_10000 = re.compile(
    f"(?:({_ONE_TO_NINE})千)?零?(?:({_ONE_TO_NINE})百)?零?(?:({_ONE_TO_NINE}?)十)?零?({_ONE_TO_NINE}|[1-9][0-9])?"
)

_WORD_END = "(?=[|钱了的吧吗对是嘛啊呢整]|一度|每度|$)"
_AMOUNT = re.compile(
    f"(?P<yuan>(?:{NUMERAL}|幺)+(?:[点.]{NUMERAL}+)?)(?:块钱|元钱|[块元圆])"
    f"(?:(?P<jiao>{_ONE_TO_NINE})[角毛](?:(?P<fen>{_ONE_TO_NINE})(?:分|{_WORD_END}))?"
    f"|零(?P<only_fen>{_ONE_TO_NINE})分?|(?P<short_jiao>[1-9一二三四五六七八九]){_WORD_END})?"
    f"|(?P<small_jiao>{_ONE_TO_NINE})(?:毛|角(?=钱|{_ONE_TO_NINE}分))(?:(?P<small_fen>{_ONE_TO_NINE})(?:分|{_WORD_END}))?"
)
_MONEY = re.compile("[块快元圆角毛]")
_VAGUE_BEFORE = re.compile("(?:[几数好上多]|分之|大概|大约|差不多|将近|不到)$")
_VAGUE_AFTER = re.compile("多|来|左右|上下|以内|以上|不到")
_OTHER_WORDS = re.compile(
    "(?<=[元块])(?:旦|宵|表|地|砖|牌|板|玻璃|屏|儿)|(?<=[二两]零..元)月"
    f"|(?<=块)(?<![十百千万]块)(?<![十百千万]{_ONE_TO_NINE}块)电[池表瓶]"
)
"""After what is no sum: 三块地, 二零二五元月."""
_TOGETHER = re.compile("(?<![十百千万零])一块(?!钱|[一二三四五六七八九]|[两1-9][毛角])")


@dataclass(frozen=True, slots=True)
class Number:
    """Any number, written in Arabic digits: 三 → 3, 二十二 → 22, 五零一 → 501, 零五 → 05."""

    digits: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Amount:
    """A sum of money in yuan, two decimals."""

    value: Decimal
    start: int
    end: int

    @property
    def written(self) -> str:
        """`126.50`, and `200` for a whole sum: as a person would write it down."""
        return str(self.value).removesuffix(".00")


def cardinal(words: str) -> int | None:
    """The value of a cardinal: 一百二十六, 两百一十三, 三千五 (3500), 1万2 (12000), 126; None if it is none."""
    if len(words) > _LONGEST_CARDINAL:
        return None
    words = words.replace("〇", "零")
    for unit, size in (("亿", 100_000_000), ("万", 10_000)):
        head, found, tail = words.rpartition(unit)
        if not found:
            continue
        high, low = cardinal(head), cardinal(tail.lstrip("零") or "零")
        if not high or low is None or low >= size:
            return None
        short = len(tail) == 1 and tail in DIGITS  # 一万二
        return high * size + (low * size // 10 if short else low)
    if words.isascii():
        return int(words) if words.isdigit() else None
    if words == "零":
        return 0
    parts = _BELOW_10000.fullmatch(words)
    if parts is None:
        return None
    thousands, hundreds, tens, ones = (DIGITS.get(part or "", part) for part in parts.groups())
    value = int(thousands or 0) * 1000 + int(hundreds or 0) * 100 + (0 if tens is None else int(tens or 1) * 10)
    short_unit = {"千": 100, "百": 10}.get(words[-2:-1], 1)  # 三千五, 一百二
    return value + int(ones or 0) * short_unit


@lru_cache(maxsize=1024)
def numerals_by_ear(chars: str) -> str:
    """`chars` with numerals in place of the homophones that stand amid a number: 三百屋十块 → 三百五十块."""

    def numeral(heard: re.Match[str]) -> str:
        char = heard.group()
        return char if char in _EVERYDAY else numeral_by_sound(char) or char

    if not _ANY_NUMERAL.search(chars):  # true of most texts
        return chars
    chars = _MISHEARD_FIRST.sub(numeral, tens_by_ear(chars))
    for meant, written in _MISHEARD.items():
        chars = written.sub(meant, chars)
    chars = _MISHEARD_TENS.sub(lambda heard: numeral_by_sound(heard.group()) or heard.group(), chars)
    return _AMID_NUMBER.sub(numeral, chars)


def tens_by_ear(chars: str) -> str:
    """`chars` with the 十 of numbers of houses, where it was misheard: 湖滨路时九号."""
    return _MISHEARD_TEN.sub("十", chars)


@lru_cache(maxsize=4096)
def numeral_by_sound(char: str) -> str:
    """The numeral that sounds like it, itself if it is one; empty without one."""
    if char in _NUMERALS:
        return char
    return next((numeral for numeral in _NUMERALS if sounds_like(numeral, char)), "")


def numbers(text: NormalText) -> tuple[Number, ...]:
    """Every number that can be read, digit strings and cardinals alike, those of one digit too; pauses end a number."""
    pattern = re.compile(f"(?:{NUMERAL}|幺)+")
    chars = numerals_by_ear(text.chars)
    found = []
    for start, end in text.clauses():
        for words in pattern.finditer(chars, start, end):
            digits = _as_arabic(words.group())
            if digits is not None:
                found.append(Number(digits, words.start(), words.end()))
    return tuple(found)


def with_arabic_numbers(chars: str) -> str:
    """`chars` with its spoken numbers in Arabic digits: 六号楼三单元四零二 → 6号楼3单元402."""
    return re.sub(f"(?:{NUMERAL}|幺)+", lambda words: _as_arabic(words.group()) or words.group(), chars)


def amounts(text: NormalText) -> tuple[Amount, ...]:
    """Sums of money that are said exactly: 一百二十六元五角, 两百一十三块六, 126.5元, 五毛钱."""
    if not _MONEY.search(text.chars):  # true of most texts
        return ()
    marked, places = with_marks(text)
    found = []
    for said in _AMOUNT.finditer(marked):
        value = _yuan(said)
        vague = _VAGUE_BEFORE.search(marked[: said.start()]) or _VAGUE_AFTER.match(marked, said.end())
        other = _OTHER_WORDS.match(marked, said.end()) or _TOGETHER.match(marked, said.start())
        if value is not None and not vague and not other:
            found.append(Amount(value, places[said.start()], places[said.end() - 1] + 1))
    return tuple(found)


def decimals(text: NormalText) -> tuple[Amount, ...]:
    """Numbers with a point and no 元, as sums in yuan: 一百二十六点五, 126.50."""
    if "点" not in text.chars and not text.has_mark("."):
        return ()
    marked, places = with_marks(text)
    found = []
    for said in re.finditer(f"{NUMERAL}+[点.]{NUMERAL}+", marked):
        value = _with_point(said.group())
        if value is not None:
            found.append(Amount(value.quantize(Decimal("0.01")), places[said.start()], places[said.end() - 1] + 1))
    return tuple(found)


@lru_cache(maxsize=1024)
def with_marks(text: NormalText) -> tuple[str, tuple[int, ...]]:
    """The normal text with numerals by ear, a point or colon inside numbers put back and `|` at the clause breaks; and
    each character's index in the normal text (a mark has that of the character after it)."""
    starts = set(text.clause_starts[1:])
    marked, places = [], []
    for index, char in enumerate(numerals_by_ear(text.chars)):
        gap = text.gap(index) if index else ""
        if index in starts:
            gap = "|"
        elif gap not in {".", ":"}:
            gap = ""
        marked.append(gap + char)
        places.extend([index] * (len(gap) + 1))
    return "".join(marked), tuple(places)


def _as_arabic(words: str) -> str | None:
    if UNITS.isdisjoint(words):
        return only_digits(words)
    value = None if "幺" in words else cardinal(words)
    return None if value is None else str(value)


def _yuan(said: re.Match[str]) -> Decimal | None:
    if said["small_jiao"]:
        jiao, fen, yuan = said["small_jiao"], said["small_fen"], Decimal(0)
    else:
        jiao, fen = said["jiao"] or said["short_jiao"], said["fen"] or said["only_fen"]
        with_point = _with_point(said["yuan"], in_digits=bool(jiao))
        if with_point is None:
            return None
        yuan = with_point
    value_of = Decimal(DIGITS[jiao] if jiao else 0) / 10 + Decimal(DIGITS[fen] if fen else 0) / 100
    return (yuan + value_of).quantize(Decimal("0.01"))


def _with_point(words: str, *, in_digits: bool = False) -> Decimal | None:
    """一百二十六点五 → 126.5, 幺零八 → 108; None if it is no number.

    Without a 零 or 幺, a fraction, or `in_digits`, digits alone are vague: 七八块, 四五六块.
    """
    whole, _, fraction = words.replace("点", ".").partition(".")
    exact = in_digits or fraction or any(zero_or_one in whole for zero_or_one in "零〇幺")
    digit_by_digit = exact and len(whole) in _IN_DIGITS and UNITS.isdisjoint(whole)
    value = int(only_digits(whole)) if digit_by_digit else cardinal(whole)
    if value is None or not all(char in DIGITS for char in fraction):
        return None
    return Decimal(f"{value}.{only_digits(fraction) or '0'}")
