"""Does the agent say a datum back, and is it the same?

Both texts come from a recogniser, which mishears. A digit string that differs in one digit is therefore told apart
from one that surely differs, by its confidence; names and places are compared by their sound.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from zhijian.rules.keydata.datum import AGENT, Datum, Turn
from zhijian.rules.keydata.dictated import is_complete
from zhijian.rules.keydata.names import BY_EAR, ends_in_no_name, is_surname, surname_of, titles
from zhijian.rules.keydata.times import SpokenTime, times
from zhijian.rules.words.digits import DIGITS, digit_strings, digits_by_ear, without_repetitions
from zhijian.rules.words.numbers import (
    NUMERAL,
    Amount,
    amounts,
    cardinal,
    decimals,
    numbers,
    numeral_by_sound,
    with_arabic_numbers,
)
from zhijian.rules.words.pinyin import TOLERANCE, Match, find, likeness, similarity
from zhijian.rules.words.text import NormalText, normalise

SURE, LIKELY, IN_DOUBT = 0.95, 0.8, 0.5
_SAME_SURNAME, _NEAR_SURNAME = 0.85, 0.5
"""农先生 for 龙; 高先生 for what was only heard as 国 from the customer, too."""
_LIKE_TITLE = 0.8
"""An agent's first words that sound like a name with its title, 放女是 for 冯女士, may be one."""
_SAID_AGAIN = ("时间", "金额")
"""What customers often say again after the agent, to take it in."""
_SURELY_WRONG_DIGITS = 3
"""A recogniser drops and adds digits and mishears one or two; so many others in a number as long are the agent's."""
_SURE_BY_SOUND = 3
"""Fewer syllables may be everyday words: 就点 is not 九点."""
_NUMERAL, _MORE = re.compile(NUMERAL), re.compile(f"{NUMERAL}|[半多几]")
_LAST_HOUR, _UNITS = 23, tuple("元块毛度公千万倍%个")
_BEFORE_CLOCK = re.compile(f".*?(?={NUMERAL}+[点:时])")
"""Neither a date nor a period of day need be said again."""
_TAIL_DIGITS = 4
"""So many at the end of a number that was said back wrong put it right."""
_LAST_NAME = 3
"""Characters of the last name of an address: 小河村."""
_FOLLOWING = 2
"""A wrong sum or time counts as a wrong repeat only if it comes in so many agent turns after the datum."""


@dataclass(frozen=True, slots=True)
class RepeatBack:
    """How the agent said a datum back.

    Not said back: `said_back` False, no value, place or match. Said back: `value` as the agent said it, in characters
    [start, end) of the turn with index `turn`; `match` tells whether it is the customer's. `confidence` is that of the
    verdict; 0.5 means that the recogniser may have misheard either of them.
    """

    said_back: bool
    value: str | None
    turn: int | None
    start: int | None
    end: int | None
    match: bool | None
    confidence: float


def repeat_back(datum: Datum, turns: Sequence[Turn]) -> RepeatBack:
    """The best that the agent's turns after the datum say of it: right, else wrong, else nothing.

    A value that was first repeated wrong and then right is right; a truncated one is not repeated.
    """
    later = [turn for turn in turns if turn.role == AGENT and turn.index > datum.turn]
    repeats = list(_repeats(datum, spoken(datum, turns), later))
    right = [repeat for repeat in repeats if repeat.match]
    if right:
        return max(right, key=lambda repeat: repeat.confidence)
    if repeats:  # in doubt rather than wrong
        return min(repeats, key=lambda repeat: repeat.confidence)
    return RepeatBack(False, None, None, None, None, None, LIKELY)


def was_said(datum: Datum, turns: Sequence[Turn]) -> bool:
    """Does any of these turns say the datum's very value?"""
    return any(repeat.match for repeat in _BY_KIND[datum.kind](datum, turns))


def echoes(datum: Datum, turns: Sequence[Turn]) -> bool:
    """Had the agent said it before the customer did? Of a time or a sum it is enough if it sounded so."""
    words = spoken(datum, turns)
    before = [turn for turn in turns if turn.role == AGENT and turn.index < datum.turn]
    if any(repeat.match for repeat in _repeats(datum, words, before)):
        return True
    alike = ((turn, match) for turn in before for match in find(words, turn.text, min_similarity=1))
    return datum.kind in _SAID_AGAIN and any(not _goes_on(turn.text.chars, match) for turn, match in alike)


def spoken(datum: Datum, turns: Sequence[Turn]) -> str:
    """The words in which the customer gave it, in normal characters."""
    chars = {turn.index: turn.text.chars for turn in turns}
    return "".join(chars[place.turn][place.start : place.end] for place in datum.places)


def _repeats(datum: Datum, words: str, said: Sequence[Turn]) -> Iterator[RepeatBack]:
    """What these turns say of the datum, by its value and by the sound of its words: 良百块 for 两百块."""
    yield from _BY_KIND[datum.kind](datum, said)
    clock = _BEFORE_CLOCK.sub("", words, count=1) if datum.kind == "时间" else words
    for turn in said:
        for wording in dict.fromkeys((words, clock)):
            for match in find(wording, turn.text, min_similarity=1):
                value = turn.text.chars[match.start : match.end]
                whole = wording == words and match.exact and not _goes_on(turn.text.chars, match)
                sure = len(wording) >= _SURE_BY_SOUND or whole
                yield _said(turn, match.start, match.end, value, sure, LIKELY if sure else IN_DOUBT)


def _goes_on(chars: str, match: Match) -> bool:
    """九点 in 九点半, 五块 in 十五块."""
    return bool(_NUMERAL.match(chars[match.start - 1 : match.start]) or _MORE.match(chars, match.end))


def _digits_said(datum: Datum, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    """A number in one go, in groups over several turns, or in homophones."""
    so_far, wrong_at = "", len(later)
    for position, turn in enumerate(later):
        runs = digit_strings(turn.text)
        so_far += "".join(run.digits for run in runs)
        for run in runs:
            if 0 < position - wrong_at <= _FOLLOWING and _is_tail(run.digits, datum.value):
                yield _said(turn, run.start, run.end, datum.value, True, LIKELY)
            for repeat in _compared_digits(datum, run.digits, turn, run.start, run.end):
                if not repeat.match:
                    wrong_at = position
                yield repeat
        if len(runs) > 1 and all(len(run.digits) != len(datum.value) for run in runs):
            together = "".join(run.digits for run in runs)
            yield from _compared_digits(datum, together, turn, runs[0].start, runs[-1].end)
        if runs and datum.value not in so_far and (place := _by_ear(datum.value, turn.text.chars)):
            yield _said(turn, *place, datum.value, True, LIKELY)
        if runs and datum.value in so_far:
            yield _said(turn, runs[0].start, runs[-1].end, datum.value, True, SURE)


def _is_tail(digits: str, value: str) -> bool:
    """Is it the end of the number, and enough of it?"""
    return len(digits) >= _TAIL_DIGITS and value.endswith(digits)


def _by_ear(value: str, chars: str) -> tuple[int, int] | None:
    """Where `chars` sound like all the digits, of which some that are alike may be lost: 幺妻三,林四 for 173004."""
    pattern = "".join(f"{digit}{{1,{len(list(alike))}}}" for digit, alike in groupby(value))
    said = re.search(pattern, digits_by_ear(chars))
    if said is None or chars[said.end() :][:1] in DIGITS or chars[: said.start()][-1:] in DIGITS:  # another number
        return None
    return said.span()


def _compared_digits(datum: Datum, digits: str, turn: Turn, start: int, end: int) -> Iterator[RepeatBack]:
    """One repeat if `digits` holds the value or comes near it; none if it is a part of it or another number.

    Of two digits that are the same a recogniser drops one: what differs in nothing else is the value.
    """
    value = datum.value
    if value in digits:
        yield _said(turn, start, end, value, True, SURE)
        return
    both_whole = len(digits) == len(value) and is_complete(datum.kind, value)
    if not both_whole and without_repetitions(value) in without_repetitions(digits):
        yield _said(turn, start, end, value, True, LIKELY)
        return
    nearest = min(_windows(digits, len(value)), key=lambda window: Levenshtein.distance(value, window))
    distance = Levenshtein.distance(value, nearest)
    truncated = nearest in value and len(nearest) < len(value) - 1
    if not truncated and distance <= len(value) // 2:
        wrong = len(digits) == len(value) and (distance >= _SURELY_WRONG_DIGITS or _are_exchanged(digits, value))
        yield _said(turn, start, end, nearest, False, SURE if wrong else IN_DOUBT)


def _are_exchanged(digits: str, value: str) -> bool:
    """Are two neighbours exchanged, and nothing else: 四七 for 七四? A recogniser does not do that."""
    differ = [at for at, (one, other) in enumerate(zip(digits, value, strict=True)) if one != other]
    return len(differ) == 2 and differ[1] == differ[0] + 1 and sorted(digits) == sorted(value)


def _windows(digits: str, length: int) -> list[str]:
    """All stretches of `digits` of about `length`, or the whole where it is shorter."""
    sizes = dict.fromkeys(min(len(digits), size) for size in (length, length + 1, length - 1))
    return [digits[at : at + size] for size in sizes for at in range(len(digits) - size + 1)]


def _amount_said(datum: Datum, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    for distance, turn in enumerate(later):
        said = [(amount.written, amount.start, amount.end) for amount in amounts(turn.text)]
        said += [(amount.written, amount.start, amount.end) for amount in decimals(turn.text)]
        said += [(number.digits, number.start, number.end) for number in numbers(turn.text)]
        right = [place for place in said if place[0] == datum.value]
        if right:
            yield _said(turn, right[0][1], right[0][2], datum.value, True, SURE)
        elif distance < _FOLLOWING and (others := amounts(turn.text)):
            value, start, end = others[0].written, others[0].start, others[0].end
            unclear = Levenshtein.distance(value, datum.value) == 1 or _is_cut(turn.text.chars, start, end)
            yield _said(turn, start, end, value, False, IN_DOUBT if unclear else LIKELY)


def _time_said(datum: Datum, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    """The same clock time: 三点 for 下午三点."""
    for distance, turn in enumerate(later):
        said = times(turn.text)
        right = [time for time in said if _same_time(datum.value, time)]
        pointed = [number for number in decimals(turn.text) if _is_clock(number, turn.text, datum.value)]
        if right:
            yield _said(turn, right[0].start, right[0].end, right[0].value, True, LIKELY)
        elif pointed and distance < _FOLLOWING:
            yield _said(turn, pointed[0].start, pointed[0].end, datum.value, True, LIKELY)
        elif distance < _FOLLOWING and said:
            start, end = said[0].start, said[0].end
            other_half = any(_on_the_dial(datum.value) == _on_the_dial(time.value) for time in said)
            unclear = other_half or _is_cut(turn.text.chars, start, end)
            yield _said(turn, start, end, said[0].value, False, IN_DOUBT if unclear else LIKELY)


def _is_cut(chars: str, start: int, end: int) -> bool:
    """Does the number at `start` go on before it with a character that was misheard: 三百屋|十块?"""
    numeral = re.match(f"{NUMERAL}+", chars[start:end])
    before = numeral_by_sound(chars[start - 1]) if numeral and start else ""
    return bool(numeral and before and cardinal(before + numeral.group()) is not None)


def _is_clock(number: Amount, text: NormalText, value: str) -> bool:
    """4.50 is how a recogniser may write 四点五十."""
    hour, _, minute = number.written.partition(".")
    said, after = text.chars[number.start : number.end], text.chars[number.end : number.end + 1]
    is_time = 1 <= int(hour) <= _LAST_HOUR and "点" not in said and after not in _UNITS
    return is_time and _on_the_dial(f"{hour}:{minute}") == _on_the_dial(value)


def _same_time(value: str, said: SpokenTime) -> bool:
    clock = value.rpartition("T")[2]
    if said.value.rpartition("T")[2] == clock or clock.endswith(said.value):
        return True
    return not said.has_period and _on_the_dial(value) == _on_the_dial(said.value)


def _on_the_dial(value: str) -> str:
    """The clock time as a dial with twelve hours shows it; a date as it is."""
    hour, colon, minute = value.rpartition("T")[2].partition(":")
    return f"{int(hour) % 12}:{minute}" if colon else value


def _name_said(datum: Datum, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    surname = surname_of(datum.value)
    for turn in later:
        if datum.value == surname:
            yield from _surname_said(surname, turn, _SAME_SURNAME if datum.confidence > BY_EAR else _NEAR_SURNAME)
        elif match := _best(find(datum.value, turn.text, min_similarity=0.6)):
            same = match.similarity >= 0.8
            confidence = SURE if match.similarity == 1 else LIKELY if same else IN_DOUBT
            value = turn.text.chars[match.start : match.end]
            yield _said(turn, match.start, match.end, value, same, confidence)


@lru_cache(maxsize=4096)
def _titles_beginning_like(char: str) -> tuple[str, ...]:
    """Those that what begins with this character may be so much alike."""
    return tuple(
        title
        for title in titles().split("|")
        if 1 - likeness(title[0], char) <= len(title) * (1 - _LIKE_TITLE) + TOLERANCE
    )


def _surname_said(surname: str, turn: Turn, least_alike: float) -> Iterator[RepeatBack]:
    """周先生, or 姓周, for 周."""
    size = len(surname)
    chars = turn.text.chars
    possible = _titles_beginning_like(chars[size]) if len(chars) > size else ()
    if any(similarity(title, chars[size : size + len(title)]) >= _LIKE_TITLE for title in possible):
        yield _said(turn, 0, size, chars[:size], False, IN_DOUBT)
    titled = [title.start() for title in re.finditer(titles(), chars)]
    places = [end - size for end in titled if not ends_in_no_name(chars[:end])]
    places += [word.end() for word in re.finditer("姓(?!名)", chars)]
    for start in places:
        said = chars[max(0, start) : start + size]
        if len(said) == size and (alike := similarity(surname, said)) >= least_alike:
            yield _said(turn, start, start + size, said, True, SURE if alike == 1 else BY_EAR)
        elif len(said) == size and (alike >= _NEAR_SURNAME or is_surname(said)):
            yield _said(turn, start, start + size, said, False, IN_DOUBT)


def _address_said(datum: Datum, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    for position, turn in enumerate(later):
        said = list(_compared_address(datum.value, turn, turn.text))
        if not said and position + 1 < len(later):
            both = normalise(f"{turn.text.raw},{later[position + 1].text.raw}")
            said = [repeat for repeat in _compared_address(datum.value, turn, both) if repeat.match]
        yield from said
        if any(not repeat.match for repeat in said):
            yield from _put_right(datum.value, later[position + 1 : position + 1 + _FOLLOWING])


def _put_right(value: str, later: Sequence[Turn]) -> Iterator[RepeatBack]:
    """What an agent who said the number wrong says again: only the last name, with the numbers."""
    place = re.split("[0-9]", value, maxsplit=1)[0]
    for turn in later:
        for repeat in _compared_address(value[max(0, len(place) - _LAST_NAME) :], turn, turn.text):
            if repeat.match:
                yield replace(repeat, confidence=LIKELY)


def _compared_address(value: str, turn: Turn, text: NormalText) -> Iterator[RepeatBack]:
    """One repeat if `text` names the place with as many numbers as `value` has; with fewer it is truncated."""
    place, wanted = re.split("[0-9]", value, maxsplit=1)[0], re.findall("[0-9]+", value)
    where = _best(find(place, text, min_similarity=0.6)) if place else Match(0, 0, 1.0, True)
    if where is None:
        return
    after = [number for number in numbers(text) if number.end > where.end][: len(wanted)]
    if len(after) < len(wanted):
        return
    said = [number.digits for number in after]
    is_long = bool(said) and len(said[-1]) >= 7  # the telephone number was heard as one with the room
    if is_long:
        said[-1] = said[-1][: len(wanted[-1])]
    end = min(_number_end(text.chars, after[-1].end) if after else where.end, len(turn.text))
    start = min(where.start, end)
    words = with_arabic_numbers(turn.text.chars[start:end])
    wrong = Levenshtein.distance("".join(wanted), "".join(said))
    if wrong:
        alike = not is_long and list(map(len, wanted)) == list(map(len, said))  # else one was not heard as a number
        yield _said(turn, start, end, words, False, LIKELY if wrong > 1 and alike else IN_DOUBT)
    elif where.similarity >= 0.75:
        yield _said(turn, start, end, words, True, SURE if where.similarity == 1 else LIKELY)
    else:
        yield _said(turn, start, end, words, False, IN_DOUBT)


def _number_end(chars: str, end: int) -> int:
    """The end of 三号楼 whose number ends at `end`."""
    return end + len(chars[end:]) - len(chars[end:].lstrip("号楼院栋幢座单元层室组队期弄巷"))


def _best(matches: Sequence[Match]) -> Match | None:
    return max(matches, key=lambda match: match.similarity, default=None)


def _said(turn: Turn, start: int, end: int, value: str, match: bool, confidence: float) -> RepeatBack:
    return RepeatBack(True, value, turn.index, start, end, match, confidence)


_BY_KIND = {
    "户号": _digits_said,
    "电话": _digits_said,
    "地址": _address_said,
    "姓名": _name_said,
    "金额": _amount_said,
    "时间": _time_said,
}
