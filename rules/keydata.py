"""The key data that a customer gives: 户号, 电话, 地址, 姓名, 金额, 时间.

Vague sums and times, digits of identity cards and values that the agent read out first are none. `repeats` says whether
the agent said a datum back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from zhijian.rules.addresses import addresses
from zhijian.rules.datum import AGENT, CUSTOMER, Datum, Place, Turn
from zhijian.rules.dictated import dictated_numbers
from zhijian.rules.names import names
from zhijian.rules.numbers import NUMERAL, amounts, cardinal
from zhijian.rules.repeat_back import RepeatBack, repeat_back, was_said
from zhijian.rules.times import times

__all__ = ["Datum", "Place", "RepeatBack", "Turn", "extract", "repeat_back"]

_RATE_BEFORE = re.compile("(?:每度|一度|度电|电价|单价|每月)$")
_RATE_AFTER = re.compile("(?:一度|每度|一个月|每月|一平)")
_PAID = re.compile(f"(?:[充交缴付扣欠存补退花]了?|多收了?)(?P<sum>{NUMERAL}+)$")
_SMALLEST_BARE_SUM = 10
_CORRECTION = re.compile("不对|错了|不是|说错|应该是|应当是")


def extract(turns: Sequence[Turn], *, reference: datetime | None = None) -> tuple[Datum, ...]:
    """The data that the customer gave in `turns` (in order of speech), in the order in which they came.

    `reference` is the start of the call: 明天 and 下周三 are reckoned from it.
    """
    found = [
        *dictated_numbers(turns),
        *addresses(turns),
        *names(turns),
        *_last_said(_amounts(turns), turns),
        *_last_said(_times(turns, reference), turns),
    ]
    found = [datum for datum in found if not _echoes_agent(datum, turns)]
    return tuple(sorted(found, key=lambda datum: (datum.turn, datum.start)))


def _amounts(turns: Sequence[Turn]) -> Iterator[Datum]:
    """Sums in yuan; rates (五毛六一度) are none. 充了两百 needs no 块."""
    for turn in turns:
        if turn.role != CUSTOMER:
            continue
        chars = turn.text.chars
        for amount in amounts(turn.text):
            if not (_RATE_BEFORE.search(chars[: amount.start]) or _RATE_AFTER.match(chars, amount.end)):
                yield _datum("金额", amount.written, turn, amount.start, amount.end, 0.9)
        for start, end in turn.text.clauses():
            paid = _PAID.search(chars, start, end)
            value = cardinal(paid["sum"]) if paid else None
            if paid and value is not None and value >= _SMALLEST_BARE_SUM:
                yield _datum("金额", str(value), turn, paid.start("sum"), paid.end("sum"), 0.7)


def _times(turns: Sequence[Turn], reference: datetime | None) -> Iterator[Datum]:
    for turn in turns:
        if turn.role == CUSTOMER:
            for time in times(turn.text, reference=reference):
                yield _datum("时间", time.value, turn, time.start, time.end, 0.8)


def _datum(kind: str, value: str, turn: Turn, start: int, end: int, confidence: float) -> Datum:
    return Datum(kind, value, (Place(turn.index, start, end),), confidence)


def _last_said(data: Iterator[Datum], turns: Sequence[Turn]) -> list[Datum]:
    """Without those that are corrected in the same turn (一百,不对,两百) and those said before."""
    texts = {turn.index: turn.text for turn in turns}
    kept: list[Datum] = []
    for datum in data:
        last = kept[-1] if kept else None
        if last and last.turn == datum.turn and _CORRECTION.search(texts[datum.turn].chars[last.end : datum.start]):
            kept.pop()
        if all(datum.value != other.value for other in kept):
            kept.append(datum)
    return kept


def _echoes_agent(datum: Datum, turns: Sequence[Turn]) -> bool:
    return was_said(datum, [turn for turn in turns if turn.role == AGENT and turn.index < datum.turn])
