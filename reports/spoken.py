"""How a written number, amount or time may be said: 68 as 六十八, 126.50 as 一百二十六元五角, 15:00 as 下午三点."""

import itertools
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation

_DIGITS = "零一二三四五六七八九"
_NUMBER = re.compile(r"\d+")
_MOST_FORMS = 64


def number(value: int) -> str:
    """0..9999 as it is read out: 105 → 一百零五, 16 → 十六. Raises ValueError outside."""
    if not 0 <= value <= 9999:
        raise ValueError(f"a number of 0..9999 is wanted, got {value}")
    said, pending_zero = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = value // unit % 10
        if digit:
            said += ("零" if pending_zero else "") + _DIGITS[digit] + name
        pending_zero = bool(said) and not digit
    return (said.removeprefix("一") if 10 <= value <= 19 else said) or "零"


def numbers_said(text: str) -> set[str]:
    """`text` with each number of two to four digits either as it stands or read as a number: 22号103 → 二十二号103 …"""
    parts = re.split(r"(\d+)", text)
    choices = [_readings(part) if _NUMBER.fullmatch(part) else (part,) for part in parts]
    return {"".join(choice) for choice in itertools.islice(itertools.product(*choices), _MOST_FORMS)}


def amounts_said(value: str) -> set[str]:
    """An amount of money in yuan as people say it; empty where `value` is none."""
    try:
        amount = Decimal(value.removesuffix("元"))
    except InvalidOperation:
        return set()
    if not amount.is_finite() or not 0 < amount < 10_000:
        return set()
    jiao, fen = int(amount * 10) % 10, int(amount * 100) % 10
    if fen:
        ends = [f"元{jiao}角{fen}分", f"元{jiao}毛{fen}分", f"块{jiao}毛{fen}", f"块{jiao}{fen}", f"点{jiao}{fen}"]
        ends.append(f".{jiao}{fen}")
    elif jiao:
        ends = [f"元{jiao}角", f"元{jiao}毛", f"元{jiao}", f"块{jiao}毛", f"块{jiao}", f"点{jiao}", f".{jiao}"]
    else:
        ends = ["", "元", "块"]
    return {yuan + end for yuan in _readings(str(int(amount))) for end in ends if len(yuan + end) > 1}


def times_said(value: str) -> set[str]:
    """An ISO date, time or both as people say it; empty where `value` is none."""
    try:
        when = datetime.fromisoformat(value if len(value) > 5 else f"2000-01-01T{value}")
    except ValueError:
        return set()
    forms = set()
    if len(value) > 5:
        for month, day in itertools.product(_readings(str(when.month)), _readings(str(when.day))):
            forms |= {f"{month}月{day}日", f"{month}月{day}号"}
    if ":" in value:
        hours = {when.hour, (when.hour - 1) % 12 + 1}
        minutes = {0: ("",), 30: ("半", "三十", "30")}.get(when.minute, _readings(str(when.minute)))
        forms |= {f"{h}点{m}" for hour in hours for h in _readings(str(hour)) for m in minutes}
    return forms


def _readings(digits: str) -> tuple[str, ...]:
    """The digits as written, and as a number where people read them as one; 二 also as 两."""
    if len(digits) > 4 or digits != str(int(digits)):
        return (digits,)
    said = number(int(digits))
    other = "两" if said == "二" else said.replace("二千", "两千").replace("二百", "两百")
    return tuple(dict.fromkeys((digits, said, other)))
