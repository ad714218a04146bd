"""Clock times and dates as they are spoken: 下午五点半, 十一月三号上午九点, 后天上午九点."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from zhijian.rules.words.digits import only_digits
from zhijian.rules.words.numbers import NUMERAL, cardinal, with_marks
from zhijian.rules.words.text import NormalText

_DATE = (
    f"(?:(?P<year>{NUMERAL}{{2,4}})年)?(?P<month>{NUMERAL}{{1,3}})月份?(?P<day>{NUMERAL}{{1,3}})[号日]"
    "|(?P<near>大后天|大前天|后天|前天|[今明昨](?:天|儿|(?=[早晚])))"
    "|(?P<week>[这本上下]?)个?(?:周|星期|礼拜)(?P<weekday>[一二三四五六日天])"
)
_PERIOD = "凌晨|早上|早晨|清晨|上午|中午|下午|傍晚|晚上|夜里|半夜|(?<=[今明昨])[早晚]"
_ONE = "一(?![直下共起样])"
"""A number; the 一 of 一直 is none."""
_GOES_ON = f"(?:{_ONE}|(?!一){NUMERAL})"
"""More of a number."""
_MINUTES = (
    f"(?P<half>半)|(?P<quarter>[一三])刻|(?P<minutes>{NUMERAL}{{1,3}})分"
    f"|(?P<short>零{_GOES_ON}|[二三四五]?十(?:{_ONE}|[二三四五六七八九])?|[0-5][0-9])(?!点|{_GOES_ON})"
)
_CLOCK = f"(?P<hour>{NUMERAL}{{1,3}})(?:点[钟整]?(?:{_MINUTES})?|:(?P<written>[0-5][0-9])|时整?)"
_TIME = re.compile(f"(?:(?:{_DATE})(?:的(?={_PERIOD}|{NUMERAL}))?)?(?:(?P<period>{_PERIOD})的?)?(?:{_CLOCK})?")

_NEAR_DAYS = {"大前天": -3, "前天": -2, "昨": -1, "今": 0, "明": 1, "后天": 2, "大后天": 3}
_WEEKDAYS = {char: index for index, char in enumerate("一二三四五六日")} | {"天": 6}
_HOUR_OR_MONTH = re.compile("[点时月]")
_VAGUE_BEFORE = re.compile("(?:大概|大约|差不多|快到|[几好])$")
_VAGUE_AFTER = re.compile(f"多|来钟|左右|前后|几|意见|建议|要求|问题|原因|倍|度|水(?:旁|加|的(?!时)|[|]|$)|{_GOES_ON}")
"""Also what makes it no time: 三点意见, 三点水的江."""
_A_FEW = frozenset(("一点", "两点", "一时"))


@dataclass(frozen=True, slots=True)
class SpokenTime:
    """A time that was said exactly, as far as it was said.

    With a known date `2026-11-03` or `2026-11-03T09:00`, without a year `11-03` or `11-03T09:00`, without a date
    `17:30`; with a day that only the date of the call could tell, that was not given: `后天T09:00`. `has_period`:
    it was said which part of the day is meant; 三点 alone is written `03:00`.
    """

    value: str
    start: int
    end: int
    has_period: bool


def times(text: NormalText, *, reference: datetime | None = None) -> tuple[SpokenTime, ...]:
    """Clock times and calendar dates in `text`; 明天 and 下周三 are reckoned from `reference`, the start of the call.

    A day without a clock time (明天, 昨天) is vague and left out, and so are durations (五个小时) and 五点左右.
    """
    if not _HOUR_OR_MONTH.search(text.chars) and not text.has_mark(":"):
        return ()  # the pattern of times has a match at every character
    marked, places = with_marks(text)
    found = []
    for said in _TIME.finditer(marked):
        if not (said["hour"] or said["month"]) or said.group() in _A_FEW:
            continue
        if _VAGUE_BEFORE.search(marked[: said.start()]) or _VAGUE_AFTER.match(marked, said.end()):
            continue
        value = _value(said, reference)
        if value:
            start, end = places[said.start()], places[said.end() - 1] + 1
            found.append(SpokenTime(value, start, end, has_period=said["period"] is not None))
    return tuple(found)


def _value(said: re.Match[str], reference: datetime | None) -> str:
    """The written form, empty for a day or an hour that does not exist."""
    clock, next_day = "", False
    if said["hour"]:
        hour, minute = _hour(said), _minute(said)
        if hour is None or hour > 24 or minute is None or minute > 59:
            return ""
        clock, next_day = f"{hour % 24:02}:{minute:02}", hour == 24
    day = _day(said, reference.date() if reference else None, next_day)
    if day is None:
        return ""
    return f"{day}T{clock}" if day and clock else day or clock


def _hour(said: re.Match[str]) -> int | None:
    hour, period = cardinal(said["hour"]), said["period"] or ""
    if hour is None:
        return None
    if hour == 12 and period in ("晚上", "夜里", "半夜", "晚"):
        return 24
    if hour == 12 and period == "凌晨":
        return 0
    afternoon = (period in ("下午", "傍晚", "晚上", "晚") and hour < 12) or (period == "中午" and hour < 3)
    return hour + 12 if afternoon else hour


def _minute(said: re.Match[str]) -> int | None:
    if said["half"]:
        return 30
    if said["quarter"]:
        return 15 if said["quarter"] == "一" else 45
    words = said["minutes"] or said["short"] or said["written"]
    return cardinal(words.lstrip("零") or "零") if words else 0


def _day(said: re.Match[str], today: date | None, next_day: bool) -> str | None:
    """The date in ISO form, empty without a date, None for one that does not exist."""
    if said["month"]:
        return _calendar_day(said, today, next_day)
    if not (said["near"] or said["weekday"]):
        return ""
    if today is None:
        words = said["near"] or f"{said['week']}周{said['weekday']}"
        return words if len(words) > 1 else words + "天"
    if said["near"]:
        near = said["near"]
        days = _NEAR_DAYS[near if near in _NEAR_DAYS else near[0]]
    else:
        days = _WEEKDAYS[said["weekday"]] - today.weekday() + {"上": -7, "下": 7}.get(said["week"], 0)
    return (today + timedelta(days=days + next_day)).isoformat()


def _calendar_day(said: re.Match[str], today: date | None, next_day: bool) -> str | None:
    """A day of the year; without a year the one nearest to `today`."""
    month, day = cardinal(said["month"]), cardinal(said["day"])
    if said["year"]:
        digits = only_digits(said["year"])
        years = [int(digits if len(digits) == 4 else f"20{digits}")]
    else:
        years = [today.year - 1, today.year, today.year + 1] if today else [2000]
    try:
        days = [date(year, month or 0, day or 0) + timedelta(days=next_day) for year in years]
    except ValueError:
        return None
    if not today and not said["year"]:
        return days[0].strftime("%m-%d")
    return min(days, key=lambda each: abs((each - today).days) if today else 0).isoformat()
