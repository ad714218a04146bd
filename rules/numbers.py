"""Numbers as they are spoken, with their places in the text: 幺三八,八六二零 · 一百二十六块五 · 三单元五零一.

Everything here reads a `NormalText` and returns positions in it, half-open. Numbers that are meant vaguely (一百来块,
几十块) are not read: they cannot be compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from zhijian.rules.pinyin import sounds_like
from zhijian.rules.text import SENTENCE_MARKS, NormalText, fillers

MIN_DIGITS = 2
"""Shorter digit strings are ordinary words: 一个, 三号."""

DIGITS = dict(zip("零〇一二三四五六七八九", "00123456789", strict=True)) | {"两": "2", "幺": "1"}
DIGITS |= {digit: digit for digit in "0123456789"}
NUMERAL = "[0-9零〇一二两三四五六七八九十百千万亿]"
"""Pattern of one character of a number; 幺 is left out: it only stands in digit strings."""

_UNITS = frozenset("十百千万亿")
_RADIO_DIGITS = {"洞": "0", "拐": "7", "勾": "9"}
_RADIO = re.compile(f"[{''.join(DIGITS)}洞拐勾]{{3,}}")
_DASHES = frozenset("杠")
_REPEATED = re.compile(f"(?P<times>[2-5两二三四五])个(?P<digit>[{''.join(DIGITS)}])|双(?P<twice>[{''.join(DIGITS)}])")
_MISHEARD_LAST_ONE = frozenset("腰妖邀吆")
_ALMOST = {"0": "林连", "1": "聊样英因", "3": "山桑", "5": "我", "6": "聊牛", "7": "请亲", "8": "班帮怕", "9": "家教"}
"""Characters whose sound a digit is taken for where words are expected: 六三邀请 for 六三幺七."""
_MOBILE_DIGITS, _ALMOST_AT_MOST = 11, 2
_ENOUGH_BEFORE, _ENOUGH_AFTER = 3, 5
"""Digits that must stand beside what is taken for 幺 at the end or the beginning of a number."""
_MOBILE = re.compile("1[3-9][0-9]{9}")
_ONE_TO_NINE = "[1-9一二两三四五六七八九]"
_BELOW_10000 = re.compile(
    f"(?:({_ONE_TO_NINE})千)?零?(?:({_ONE_TO_NINE})百)?零?(?:({_ONE_TO_NINE}?)十)?零?({_ONE_TO_NINE}|[1-9][0-9])?"
)

_WORD_END = "(?=[|钱了的吧吗对是嘛啊呢整]|一度|每度|$)"
_AMOUNT = re.compile(
    f"(?P<yuan>{NUMERAL}+(?:[点.]{NUMERAL}+)?)(?:块钱|元钱|[块元圆])"
    f"(?:(?P<jiao>{_ONE_TO_NINE})[角毛](?:(?P<fen>{_ONE_TO_NINE})(?:分|{_WORD_END}))?"
    f"|零(?P<only_fen>{_ONE_TO_NINE})分?|(?P<short_jiao>[1-9一二三四五六七八九]){_WORD_END})?"
    f"|(?P<small_jiao>{_ONE_TO_NINE})(?:毛|角(?=钱|{_ONE_TO_NINE}分))(?:(?P<small_fen>{_ONE_TO_NINE})(?:分|{_WORD_END}))?"
)
_VAGUE_BEFORE = re.compile("(?:[几数好上多]|大概|大约|差不多|将近|不到)$")
_VAGUE_AFTER = re.compile("多|来|左右|上下|以内|以上|不到")
_OTHER_WORDS = re.compile("[元块](?:旦|表|地|砖|牌|板|电池|玻璃|屏|儿)|一块(?!钱|[一二三四五六七八九])")


@dataclass(frozen=True, slots=True)
class DigitRun:
    """Digits read one by one.

    `places` are the indices of the digits in the text; `groups` the lengths of the groups they were read in
    (幺三八,五五零三: 3, 4).
    """

    digits: str
    places: tuple[int, ...]
    groups: tuple[int, ...]

    @property
    def start(self) -> int:
        return self.places[0]

    @property
    def end(self) -> int:
        return self.places[-1] + 1

    def cut(self, groups: int) -> tuple[DigitRun, DigitRun]:
        """The first `groups` groups, and the others."""
        size = sum(self.groups[:groups])
        head = DigitRun(self.digits[:size], self.places[:size], self.groups[:groups])
        return head, DigitRun(self.digits[size:], self.places[size:], self.groups[groups:])


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


@lru_cache(maxsize=1024)
def digit_strings(text: NormalText) -> tuple[DigitRun, ...]:
    """Strings of digits read one by one, at least `MIN_DIGITS` long, groups joined over pauses and particles.

    A stop, question or exclamation mark ends a string. Digits that belong to a cardinal (一百二十六) are left out.
    Between digits, and where a telephone number begins with 幺, homophones (要 for 幺, 爸爸 for 八八) are read as well,
    and beside digits 三个八 as 888, 双八 as 88, 洞 拐 勾 as 0, 7, 9.
    """
    heard, skip = _heard_digits(text.chars), _between_digits(text.chars)
    runs, index = [], 0
    while index < len(text):
        if not heard[index]:
            index += 1
            continue
        run = _digit_run(text, index, heard, skip)
        if len(run.digits) >= MIN_DIGITS and not _touches_unit(text, run):
            runs.append(run)
        index = run.end
    return tuple(runs)


def only_digits(chars: str) -> str:
    """The digits of `chars`, Arabic or said one by one, as Arabic digits; everything else dropped."""
    return "".join(DIGITS.get(char, "") for char in chars)


def cardinal(words: str) -> int | None:
    """The value of a cardinal: 一百二十六, 两百一十三, 三千五 (3500), 1万2 (12000), 126; None if it is none."""
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


def numbers(text: NormalText) -> tuple[Number, ...]:
    """Every number that can be read, digit strings and cardinals alike, those of one digit too; pauses end a number."""
    pattern = re.compile(f"(?:{NUMERAL}|幺)+")
    found = []
    for start, end in text.clauses():
        for words in pattern.finditer(text.chars, start, end):
            digits = _as_arabic(words.group())
            if digits is not None:
                found.append(Number(digits, words.start(), words.end()))
    return tuple(found)


def with_arabic_numbers(chars: str) -> str:
    """`chars` with its spoken numbers in Arabic digits: 六号楼三单元四零二 → 6号楼3单元402."""
    return re.sub(f"(?:{NUMERAL}|幺)+", lambda words: _as_arabic(words.group()) or words.group(), chars)


def amounts(text: NormalText) -> tuple[Amount, ...]:
    """Sums of money that are said exactly: 一百二十六元五角, 两百一十三块六, 126.5元, 五毛钱."""
    marked, places = with_marks(text)
    found = []
    for said in _AMOUNT.finditer(marked):
        value = _yuan(said)
        vague = _VAGUE_BEFORE.search(marked[: said.start()]) or _VAGUE_AFTER.match(marked, said.end())
        if value is not None and not vague and not _OTHER_WORDS.search(marked[said.start() : said.end() + 1]):
            found.append(Amount(value, places[said.start()], places[said.end() - 1] + 1))
    return tuple(found)


def decimals(text: NormalText) -> tuple[Amount, ...]:
    """Numbers with a point and no 元, as sums in yuan: 一百二十六点五, 126.50."""
    marked, places = with_marks(text)
    found = []
    for said in re.finditer(f"{NUMERAL}+[点.]{NUMERAL}+", marked):
        value = _with_point(said.group())
        if value is not None:
            found.append(Amount(value.quantize(Decimal("0.01")), places[said.start()], places[said.end() - 1] + 1))
    return tuple(found)


@lru_cache(maxsize=1024)
def with_marks(text: NormalText) -> tuple[str, tuple[int, ...]]:
    """The normal text with a point or colon inside numbers put back and `|` at the clause breaks, and each character's
    index in the normal text (a mark has that of the character after it)."""
    starts = set(text.clause_starts[1:])
    marked, places = [], []
    for index, char in enumerate(text.chars):
        gap = text.gap(index) if index else ""
        if index in starts:
            gap = "|"
        elif gap not in {".", ":"}:
            gap = ""
        marked.append(gap + char)
        places.extend([index] * (len(gap) + 1))
    return "".join(marked), tuple(places)


@lru_cache(maxsize=4096)
def _heard_digits(chars: str) -> tuple[str, ...]:
    """The digits that each character stands for, or nothing; those of 三个八 stand with its 三 and its 八."""
    sure = [DIGITS.get(char, "") for char in chars]
    for radio in _RADIO.finditer(chars):
        if sum(char in DIGITS for char in radio.group()) >= MIN_DIGITS:
            sure[radio.start() : radio.end()] = [_RADIO_DIGITS.get(char) or DIGITS[char] for char in radio.group()]
    heard = _with_homophones(chars, sure)
    for index, char in enumerate(chars):
        before, after = heard[max(0, index - _ENOUGH_BEFORE) : index], heard[index + 1 : index + 1 + _ENOUGH_AFTER]
        begins = len(after) == _ENOUGH_AFTER and all(after) and after[0] in "3456789" and not "".join(before[-1:])
        ends = len(before) == _ENOUGH_BEFORE and all(before) and char in _MISHEARD_LAST_ONE
        if not heard[index] and (ends or (begins and sounds_like("幺", char))):
            heard[index] = "1"
    _complete_mobile(chars, heard)
    for said in _repeated_digits(chars):
        digit = DIGITS[said["digit"] or said["twice"]]
        heard[said.start()] = digit
        heard[said.end() - 1] = digit * (int(DIGITS[said["times"] or "二"]) - 1)
    return tuple(heard)


def _with_homophones(chars: str, sure: list[str]) -> list[str]:
    """One homophone between two digits is one as well, and so are two between two and two (六二爸爸零零)."""
    heard = list(sure)
    for size in (1, 2):
        for start in range(size, len(chars) - 2 * size + 1):
            end = start + size
            if all(sure[start - size : start]) and all(sure[end : end + size]) and not any(sure[start:end]):
                digits = [_digit_by_sound(char) for char in chars[start:end]]
                heard[start:end] = digits if all(digits) else heard[start:end]
    return heard


def _complete_mobile(chars: str, heard: list[str]) -> None:
    """Digits that were almost heard count where they make a mobile number of digits that were.

    At its beginning and end only where nothing else is said there: the next word may sound like a digit.
    """
    for start in range(len(chars) - _MOBILE_DIGITS + 1):
        end = start + _MOBILE_DIGITS
        missing = [index for index in range(start, end) if not heard[index]]
        bounded = not any((*heard[max(0, start - 1) : start], *heard[end : end + 1]))
        if not bounded or not 0 < len(missing) <= _ALMOST_AT_MOST:
            continue
        if (start in missing and start > 0) or (end - 1 in missing and end < len(chars)):
            continue
        almost = {index: _almost_digit(chars[index], first=index == start) for index in missing}
        number = "".join(heard[index] or almost[index] for index in range(start, end))
        if _MOBILE.fullmatch(number):
            for index, digit in almost.items():
                heard[index] = digit


def _almost_digit(char: str, *, first: bool) -> str:
    digits = "1" if first else _ALMOST
    return next((digit for digit in digits if any(sounds_like(char, like) for like in _ALMOST[digit])), "")


def _repeated_digits(chars: str) -> list[re.Match[str]]:
    """三个八, 双八: where another digit stands beside, and no unit (三个二十)."""
    found = list(_REPEATED.finditer(chars))
    ends, starts = {said.end() for said in found}, {said.start() for said in found}

    def beside_digit(said: re.Match[str]) -> bool:
        before, after = chars[: said.start()][-1:], chars[said.end() :][:1]
        if after in _UNITS:
            return False
        return before in DIGITS or after in DIGITS or said.start() in ends or said.end() in starts

    return [said for said in found if beside_digit(said)]


@lru_cache(maxsize=4096)
def _digit_by_sound(char: str) -> str:
    if char in _UNITS:
        return ""
    return next((digit for name, digit in DIGITS.items() if name not in "两〇" and sounds_like(name, char)), "")


def _digit_run(text: NormalText, start: int, heard: tuple[str, ...], skip: tuple[bool, ...]) -> DigitRun:
    digits = ""
    places: list[int] = []
    groups: list[int] = []
    for index in range(start, len(text)):
        marks = text.gap(index) if places else ""
        if SENTENCE_MARKS.intersection(marks) - {"."} or not (heard[index] or skip[index]):
            break
        if heard[index]:
            if not places or marks or places[-1] < index - 1:
                groups.append(0)
            digits += heard[index]
            groups[-1] += len(heard[index])
            places.extend([index] * len(heard[index]))
    return DigitRun(digits, tuple(places), tuple(groups))


def _between_digits(chars: str) -> tuple[bool, ...]:
    """For each character: may it stand between two digits of one number (嗯, 杠, the 个 of 三个八)?"""
    between = [filler or char in _DASHES for char, filler in zip(chars, fillers(chars), strict=True)]
    for said in _repeated_digits(chars):
        between[said.start() : said.end()] = [True] * len(said.group())
    return tuple(between)


def _touches_unit(text: NormalText, run: DigitRun) -> bool:
    before = text.chars[run.start - 1] if run.start and not text.gap(run.start) else ""
    after = text.chars[run.end] if run.end < len(text) and not text.gap(run.end) else ""
    return bool(_UNITS & {before, after})


def _as_arabic(words: str) -> str | None:
    if _UNITS.isdisjoint(words):
        return only_digits(words)
    value = None if "幺" in words else cardinal(words)
    return None if value is None else str(value)


def _yuan(said: re.Match[str]) -> Decimal | None:
    if said["small_jiao"]:
        jiao, fen, yuan = said["small_jiao"], said["small_fen"], Decimal(0)
    else:
        jiao, fen = said["jiao"] or said["short_jiao"], said["fen"] or said["only_fen"]
        with_point = _with_point(said["yuan"])
        if with_point is None:
            return None
        yuan = with_point
    value_of = Decimal(DIGITS[jiao] if jiao else 0) / 10 + Decimal(DIGITS[fen] if fen else 0) / 100
    return (yuan + value_of).quantize(Decimal("0.01"))


def _with_point(words: str) -> Decimal | None:
    """一百二十六点五 → 126.5; None if it is no number."""
    whole, _, fraction = words.replace("点", ".").partition(".")
    value = cardinal(whole)
    if value is None or not all(char in DIGITS for char in fraction):
        return None
    return Decimal(f"{value}.{only_digits(fraction) or '0'}")
