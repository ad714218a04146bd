"""Digits that are read one by one, with their places in the text: 幺三八,八六二零 · 1,38 三个八 · 要三八爸爸六二零.

A recogniser writes homophones for digits (要 for 幺, 爸爸 for 八八) and drops one of two that are the same (零零 → 零).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from zhijian.rules.words.pinyin import likeness, sounds_like
from zhijian.rules.words.text import SENTENCE_MARKS, NormalText, fillers

MIN_DIGITS = 2
"""Shorter digit strings are ordinary words: 一个, 三号."""

DIGITS = dict(zip("零〇一二三四五六七八九", "00123456789", strict=True)) | {"两": "2", "幺": "1"}
DIGITS |= {digit: digit for digit in "0123456789"}
_NUMERALS = str.maketrans("0123456789", "零一二三四五六七八九")
UNITS = frozenset("十百千万亿")
MOBILE = re.compile("1[3-9][0-9]{9}")

_DIGIT = f"[{''.join(DIGITS)}]"
_ANY_DIGIT = re.compile(_DIGIT)
_RADIO_DIGITS = {"洞": "0", "拐": "7", "勾": "9"}
_RADIO = re.compile(f"[{''.join(DIGITS)}洞拐勾]{{3,}}")
_ROOM = re.compile(f"{_DIGIT}{{1,3}}洞{_DIGIT}{{3,4}}")
"""十洞三零五 is 十栋三零五."""
_IS_BEFORE = re.compile("(?<=[号数码话机])十$")
"""手机尾号十四四七八: 是四四七八, for no number goes on like that after a ten."""
_REPEATED = re.compile(f"(?P<times>[2-5两二三四五])个(?P<digit>{_DIGIT})|双(?P<twice>{_DIGIT})")
_FOUR = re.compile(f"(?<={_DIGIT}{{3}})[十时石实](?={_DIGIT}{{3}})")
"""Nobody says ten in the middle of a dictated number."""
_HOMOPHONES = {1: 1, 2: 2, 3: 2}
"""How many in a row are digits, with so many digits on either side."""
_MISHEARD_LAST_ONE = frozenset("腰妖邀吆")
_NO_DIGITS = frozenset("是时就要而有以也已吧把")
"""Words that stand beside numbers in their own right."""
_NO_ONE = re.compile("一(?=[共下直样起定般些])")
"""The 一 of 一共 is no digit of the number before it."""
_ENOUGH_BEFORE, _ENOUGH_AFTER = 3, 5
"""Digits that must stand beside what is taken for 幺 at the end or the beginning of a number."""
_BEFORE_NUMBERS = frozenset("号是话码机")
_AFTER_NUMBERS = re.compile("$|对|电话|手机|身份证|户主|地址|我[姓叫]|谢谢|麻烦|[你您][查看记]")
_USUAL_LENGTHS = (10, 13)
_ALMOST = {
    "0": "林连",
    "1": "聊样英因雅",
    "2": "安爱",
    "3": "山桑",
    "4": "是",
    "5": "我",
    "6": "聊牛",
    "7": "请亲",
    "8": "班帮怕",
    "9": "家教",
}
"""Characters whose sound a digit is taken for where words are expected: 六三邀请 for 六三幺七."""
_NEARLY, _ALONE = 0.9, 0.7
"""How alike (0..1) a word is to a digit that is expected, and where it is the only one amid a mobile number."""
_MOBILE_DIGITS, _ALMOST_AT_MOST = 11, 2
_WHOLE_LENGTHS = (11, 13, 10)
_HOMOPHONES_AT_MOST = 4
_UNCLEAR = re.compile(
    f"(?<!{_DIGIT}){_DIGIT}{{4,9}}"
    f"(?P<unclear>[^{''.join(DIGITS)}十百千万亿点块元角毛号楼栋幢座室层年月日度米天个岁分秒户位和或跟与及到至是的转加后前双])"
    f"{_DIGIT}{{2,6}}(?!{_DIGIT})"
)
"""A letter or a word amid the digits of one number: 二零四四七九p五三."""


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


@lru_cache(maxsize=1024)
def digit_strings(text: NormalText) -> tuple[DigitRun, ...]:
    """Strings of digits read one by one, at least `MIN_DIGITS` long, groups joined over pauses and particles.

    A stop, question or exclamation mark ends a string. Digits that belong to a cardinal (一百二十六) are left out.
    Homophones are read as well between digits, where a number begins with one and where the text ends with one, and
    beside digits 三个八 as 888, 双八 as 88, 洞 拐 勾 as 0, 7, 9. A digit that is not understood is left out.
    """
    heard = _heard_digits(text.chars)
    if not any(heard):
        return ()
    skip = _between_digits(text.chars)
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


@lru_cache(maxsize=1024)
def digits_by_ear(chars: str) -> str:
    """Each character as the digit that it is or sounds like, else as a space: only for somebody who knows what to find.

    Every third word sounds like a digit.
    """
    return "".join(DIGITS.get(char) or _digit_by_sound(char) or _nearest_digit(char, _NEARLY) or " " for char in chars)


def in_numerals(digits: str) -> str:
    """零二九 of 029: so the sound tells digits apart best, whatever the recogniser wrote."""
    return digits.translate(_NUMERALS)


def only_digits(chars: str) -> str:
    """The digits of `chars`, Arabic or said one by one, as Arabic digits; everything else dropped."""
    return "".join(map(DIGITS.__getitem__, _ANY_DIGIT.findall(chars)))


def without_repetitions(digits: str) -> str:
    """5521 → 521: what is left of a number where digits that are the same run into one."""
    return "".join(digit for digit, _ in groupby(digits))


@lru_cache(maxsize=4096)
def _heard_digits(chars: str) -> tuple[str, ...]:
    """The digits that each character stands for, or nothing; those of 三个八 stand with its 三 and its 八."""
    sure = [DIGITS.get(char, "") for char in chars]
    for radio in _RADIO.finditer(chars):
        num_digits = sum(char in DIGITS for char in radio.group())
        if num_digits >= MIN_DIGITS and not _ROOM.fullmatch(radio.group()):
            sure[radio.start() : radio.end()] = [_RADIO_DIGITS.get(char) or DIGITS[char] for char in radio.group()]
    for four in _FOUR.finditer(chars):
        sure[four.start()] = "4"
    for word in _NO_ONE.finditer(chars):
        sure[word.start()] = ""
    if not any(sure):  # nothing else is a digit but beside others
        return tuple(sure)
    heard = _with_homophones(chars, sure)
    _extend(chars, heard)
    _complete_numbers(chars, heard)
    for said in _repeated_digits(chars):
        digit = DIGITS[said["digit"] or said["twice"]]
        heard[said.start()] = digit
        heard[said.end() - 1] = digit * (int(DIGITS[said["times"] or "二"]) - 1)
    return tuple(heard)


def _with_homophones(chars: str, sure: Sequence[str]) -> list[str]:
    """One homophone between two digits is one as well, and so are two or three between two and two (六二爸爸零零)."""
    heard = list(sure)
    for size, beside in _HOMOPHONES.items():
        for start in range(beside, len(chars) - size - beside + 1):
            end = start + size
            if all(sure[start - beside : start]) and all(sure[end : end + beside]) and not any(sure[start:end]):
                digits = [_digit_by_sound(char) for char in chars[start:end]]
                heard[start:end] = digits if all(digits) else heard[start:end]
    return heard


def _extend(chars: str, heard: list[str]) -> None:
    """A homophone at the beginning of a number, and at its end, is one of its digits."""
    for index in range(len(chars)):
        if not heard[index] and any(heard[max(0, index - 1) : index + 2]):
            before, after = _digits_before(heard, index), _digits_after(heard, index + 1)
            heard[index] = (
                _first_digit(chars, index, after) if after and not before else _last_digit(chars, index, before)
            )


def _first_digit(chars: str, index: int, after: str) -> str:
    char = chars[index]
    if len(after) < _ENOUGH_AFTER:
        return ""
    if after[0] in "3456789" and sounds_like("幺", char):
        return "1"
    named = chars[:index][-1:] in _BEFORE_NUMBERS and char not in _NO_DIGITS
    return _digit_by_sound(char) if named and not _is_whole(after) else ""


def _last_digit(chars: str, index: int, before: str) -> str:
    char = chars[index]
    if len(before) >= _ENOUGH_BEFORE and char in _MISHEARD_LAST_ONE:
        return "1"
    if len(before) < _ENOUGH_AFTER or _is_whole(before) or char in _NO_DIGITS:
        return ""
    return _digit_by_sound(char) if _AFTER_NUMBERS.match(chars, index + 1) else ""


def _digits_before(heard: Sequence[str], end: int) -> str:
    start = end
    while start and heard[start - 1]:
        start -= 1
    return "".join(heard[start:end])


def _digits_after(heard: Sequence[str], start: int) -> str:
    end = start
    while end < len(heard) and heard[end]:
        end += 1
    return "".join(heard[start:end])


def _is_whole(digits: str) -> bool:
    return len(digits) in _USUAL_LENGTHS or bool(MOBILE.fullmatch(digits))


def _complete_numbers(chars: str, heard: list[str]) -> None:
    """Homophones count, and what was almost heard, where they make a whole number of digits that were.

    Whole are a mobile number, also with a digit heard twice, and ten or thirteen digits right after a word like 户号.
    """
    if sum(map(bool, heard)) < min(_WHOLE_LENGTHS) - _HOMOPHONES_AT_MOST:  # true of most texts
        return
    for start in range(len(chars) - min(_WHOLE_LENGTHS) + 1):
        if start and heard[start - 1]:
            continue
        sizes = _WHOLE_LENGTHS if chars[:start][-1:] in _BEFORE_NUMBERS else (_MOBILE_DIGITS,)
        for size in (*sizes, _MOBILE_DIGITS + 1):
            end = start + size
            if end > len(chars) or any(heard[end : end + 1]):
                continue
            if number := _whole(chars, heard, start, end):
                heard[start:end] = number
                break


def _whole(chars: str, heard: Sequence[str], start: int, end: int) -> str:
    """The number that [start, end) is if all in it that are no digits only sound like them; empty if it is none."""
    missing = [index for index in range(start, end) if not heard[index]]
    if len(missing) > _HOMOPHONES_AT_MOST:
        return ""
    by_sound = {index: _digit_by_sound(chars[index]) for index in missing}
    almost = [index for index in missing if not by_sound[index]]
    among_words = start > 0 or end < len(chars)
    if missing[-2:] == [end - 2, end - 1] and (among_words or almost[-2:] == missing[-2:]):
        return ""
    size = end - start
    mobile = size in (_MOBILE_DIGITS, _MOBILE_DIGITS + 1)
    if len(almost) > (_ALMOST_AT_MOST if mobile else 1):
        return ""
    if start in missing and not _may_begin(chars, start, almost=start in almost, mobile=size == _MOBILE_DIGITS):
        return ""
    if end - 1 in missing and not _may_end(chars, end, almost=end - 1 in almost):
        return ""
    by_sound |= {index: _almost_digit(chars[index], first=mobile and index == start) for index in almost}
    if mobile and len(missing) == 1:
        by_sound = {index: digit or _nearest_digit(chars[index], _ALONE) for index, digit in by_sound.items()}
    number = "".join(heard[index] or by_sound[index] for index in range(start, end))
    return number if len(number) == size and (not mobile or _is_mobile(number)) else ""


def _is_mobile(number: str) -> bool:
    """Also one of which a digit was heard twice."""
    if len(number) == _MOBILE_DIGITS:
        return MOBILE.fullmatch(number) is not None
    twice = (at for at in range(1, len(number)) if number[at] == number[at - 1])
    return any(MOBILE.fullmatch(number[:at] + number[at + 1 :]) for at in twice)


def _may_begin(chars: str, start: int, *, almost: bool, mobile: bool) -> bool:
    """May a number begin with what sounds like a digit? The word before may, too."""
    if almost or not start:
        return not start
    is_digit = chars[start] not in _NO_DIGITS or (mobile and sounds_like("幺", chars[start]))
    return is_digit and chars[start - 1] in _BEFORE_NUMBERS


def _may_end(chars: str, end: int, *, almost: bool) -> bool:
    """May a number end with a homophone that is followed by `chars[end:]`? The next word may sound like a digit."""
    if almost:
        return end == len(chars)
    return chars[end - 1] not in _NO_DIGITS and bool(_AFTER_NUMBERS.match(chars, end))


@lru_cache(maxsize=4096)
def _nearest_digit(char: str, least: float) -> str:
    """The digit that `char` sounds most like, if at least so much (0..1): 四 for 是, 零 for 林, 七 for 去."""
    name = max("零一二三四五六七八九幺", key=lambda name: likeness(name, char))
    return DIGITS[name] if likeness(name, char) >= least else ""


def _almost_digit(char: str, *, first: bool) -> str:
    digits = "1" if first else _ALMOST
    return next((digit for digit in digits if any(sounds_like(char, like) for like in _ALMOST[digit])), "")


def _repeated_digits(chars: str) -> list[re.Match[str]]:
    """三个八, 双八: where another digit stands beside, and no unit (三个二十)."""
    found = list(_REPEATED.finditer(chars))
    ends, starts = {said.end() for said in found}, {said.start() for said in found}

    def beside_digit(said: re.Match[str]) -> bool:
        before, after = chars[: said.start()][-1:], chars[said.end() :][:1]
        if after in UNITS:
            return False
        return before in DIGITS or after in DIGITS or said.start() in ends or said.end() in starts

    return [said for said in found if beside_digit(said)]


@lru_cache(maxsize=4096)
def _digit_by_sound(char: str) -> str:
    if char in UNITS:
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
    between = [filler or char == "杠" for char, filler in zip(chars, fillers(chars), strict=True)]
    for said in _repeated_digits(chars):
        between[said.start() : said.end()] = [True] * len(said.group())
    for said in _UNCLEAR.finditer(chars):
        between[said.start("unclear")] = True
    return tuple(between)


def _touches_unit(text: NormalText, run: DigitRun) -> bool:
    before = text.chars[run.start - 1] if run.start and not text.gap(run.start) else ""
    if _IS_BEFORE.search(text.chars, 0, run.start) and not MOBILE.fullmatch(f"1{run.digits}"):
        before = ""
    after = text.chars[run.end] if run.end < len(text) and not text.gap(run.end) else ""
    return bool(UNITS & {before, after})
