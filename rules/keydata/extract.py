"""The key data that a customer gives: 户号, 电话, 地址, 姓名, 金额, 时间.

Vague sums and times, digits of identity cards and values that the agent read out first are none. `repeats` says whether
the agent said a datum back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from zhijian.rules.keydata.addresses import addresses
from zhijian.rules.keydata.datum import CORRECTION, CUSTOMER, Datum, Place, Turn, question_before
from zhijian.rules.keydata.dictated import dictated_numbers
from zhijian.rules.keydata.names import names
from zhijian.rules.keydata.repeat_back import echoes
from zhijian.rules.keydata.times import SpokenTime, times
from zhijian.rules.words.numbers import NUMERAL, Amount, amounts, cardinal
from zhijian.rules.words.sounds import sounds
from zhijian.rules.words.text import NormalText

_RATE_BEFORE = tuple(map(sounds, ("每度", "一度", "度电", "电价", "单价")))
_RATE_AFTER = tuple(map(sounds, ("一度", "每度", "一个月", "每个月", "每月", "一平")))
_AFTER_SUM = 4
_PAID = re.compile(f"(?:[充交缴付扣欠存补退花]了?|多收了?|收了)(?P<sum>{NUMERAL}+)$")
_SMALLEST_BARE_SUM = 10
_PRICE_BEFORE = re.compile("(?:是不是|需不需要|要不要|会不会|[得要收])(?:要|得|需要|收|花|交)?(?:我们?)?$")
_CENTS = Decimal("0.1")
_NOT_A_CENT, _NOT_EVEN = re.compile("钱?(?:都|也|还)?[没不]"), re.compile("钱?(?:都|也)[没不]")
_REGULARLY = re.compile("每个?月|以前|平时|平常|往常|一般|通常|经常|每[天次年周]")
_EVERYDAY = re.compile("[上下]班|睡觉|起床|回来|回家|做饭|吃饭|放学")
_TIME_ASKED = re.compile("几点|时候|时间|哪天|几号|何时|方便|日期|预约")
_TIME_PASSING = tuple(sounds(word + more) for word in ("现在", "都", "才") for more in ("", "都", "已经", "是", "快"))
_QUESTION_END = re.compile("[吗么没呢]$")
_QUESTION = re.compile("能不能|会不会|是不是|有没有|要不要|是否|可不可能|能否")
_BEFORE_TIME, _AFTER_TIME = 12, 8
"""Characters around a time in which a question is one about the time: a clause of a recogniser may be a whole turn."""
_POINTS_BEFORE = re.compile("(?:[说讲提谈]|反映|补充|有)(?:了|一下|这)?$")
"""我说三点: points of a speech, unless the agent asked for the time."""
_PAST = re.compile("昨|前天|上个?[周星礼]")
_PROPOSAL = re.compile("(?:可以|好|行|方便|合适|成)[吗么]$|行不行|可不可以|方不方便|好不好")


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
    found = [datum for datum in found if not echoes(datum, turns)]
    return tuple(sorted(found, key=lambda datum: (datum.turn, datum.start)))


def _amounts(turns: Sequence[Turn]) -> Iterator[Datum]:
    """Sums in yuan. Rates (五毛六一度), what is usual (每个月五十块) and 一毛钱没见着 are none; 充了两百 is one."""
    for turn in turns:
        if turn.role != CUSTOMER:
            continue
        chars = turn.text.chars
        for amount in amounts(turn.text):
            before, after = sounds(chars[: amount.start]), sounds(chars[amount.end : amount.end + _AFTER_SUM])
            rate = before.endswith(_RATE_BEFORE) or any(words in after for words in _RATE_AFTER)
            clause_end = turn.text.clause_of(amount.start)[1]
            idiom = _NOT_A_CENT if amount.value <= _CENTS else _NOT_EVEN
            nothing = amount.value <= 1 and idiom.match(chars, amount.end, clause_end)
            if not (rate or nothing or _is_usual(turn, amount.start) or _asks_price(turn.text, amount)):
                yield _datum("金额", amount.written, turn, amount.start, amount.end, 0.9)
        for start, end in turn.text.clauses():
            paid = _PAID.search(chars, start, end)
            value = cardinal(paid["sum"]) if paid else None
            if paid and value is not None and value >= _SMALLEST_BARE_SUM and not _is_usual(turn, start):
                yield _datum("金额", str(value), turn, paid.start("sum"), paid.end("sum"), 0.7)


def _times(turns: Sequence[Turn], reference: datetime | None) -> Iterator[Datum]:
    """Times the customer gives: all that the agent asked for, else those that are no question and no daily routine.

    A mere hour that nobody asked for is in doubt: 四点 may be 四店.
    """
    for position, turn in enumerate(turns):
        if turn.role != CUSTOMER:
            continue
        asked = _TIME_ASKED.search(question_before(turns, position))
        for time in times(turn.text, reference=reference):
            passing = sounds(turn.text.chars[: time.start]).endswith(_TIME_PASSING)
            if not passing and (asked or _is_told(turn.text, time)):
                sure = asked or time.has_period or "-" in time.value or not time.value.endswith(":00")
                yield _datum("时间", time.value, turn, time.start, time.end, 0.8 if sure else 0.5)


def _is_usual(turn: Turn, at: int) -> bool:
    start, end = turn.text.clause_of(at)
    return bool(_REGULARLY.search(turn.text.chars, start, end))


def _asks_price(text: NormalText, amount: Amount) -> bool:
    """是不是要五十块钱? 我交了五十块怎么还没到账? asks something else."""
    start, end = text.clause_of(amount.start)
    asks = "?" in text.gap(end) or _QUESTION_END.search(text.chars, start, end)
    return bool(asks) and bool(_PRICE_BEFORE.search(text.chars, start, amount.start)) and end - amount.end <= _AFTER_SUM


def _is_told(text: NormalText, time: SpokenTime) -> bool:
    """Not 八点能来电吗 or 我七点上班; 明天九点来可以吗 is a proposal, and meant."""
    start, end = text.clause_of(time.start)
    clause = text.chars[start:end]
    if _REGULARLY.search(clause) or _EVERYDAY.search(clause):
        return False
    if not time.has_period and _POINTS_BEFORE.search(text.chars, start, time.start):
        return False
    near = text.chars[max(start, time.start - _BEFORE_TIME) : min(end, time.end + _AFTER_TIME)]
    ends_near = end <= time.end + _AFTER_TIME
    asks = _QUESTION.search(near) or (ends_near and ("?" in text.gap(end) or _QUESTION_END.search(clause)))
    past = _PAST.search(text.chars[time.start : time.end])
    return not asks or bool(past) or bool(_PROPOSAL.search(near))


def _datum(kind: str, value: str, turn: Turn, start: int, end: int, confidence: float) -> Datum:
    return Datum(kind, value, (Place(turn.index, start, end),), confidence)


def _last_said(data: Iterator[Datum], turns: Sequence[Turn]) -> list[Datum]:
    """Without those that are corrected in the same turn (一百,不对,两百) and those said before."""
    texts = {turn.index: turn.text for turn in turns}
    kept: list[Datum] = []
    for datum in data:
        last = kept[-1] if kept else None
        if last and last.turn == datum.turn and CORRECTION.search(texts[datum.turn].chars[last.end : datum.start]):
            kept.pop()
        if all(datum.value != other.value for other in kept):
            kept.append(datum)
    return kept
