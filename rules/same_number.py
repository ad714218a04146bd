"""Is it the customer's number that the agent said back, where the two were heard differently? The sound is asked.

A recogniser drops, adds and mishears digits of either. Both numbers are tried in both places: where one of them fits
both places as well as each fits its own, one number was said twice; where it fits far worse, they are two (a
generalised likelihood ratio).
"""

from __future__ import annotations

from dataclasses import replace

from zhijian.models.records.questions import PhraseQuery
from zhijian.rules.datum import Datum
from zhijian.rules.dictated import is_complete
from zhijian.rules.heard import Heard
from zhijian.rules.repeat_back import LIKELY, SURE, RepeatBack
from zhijian.rules.text import normalise

KINDS = ("户号", "电话")
SAME_UP_TO, TWO_FROM = 3.0, 7.0
"""How much better (log likelihood) two numbers fit than one where one was said, and where two were.

One that is not whole may lack the very digit that was said wrong; of two that are not as long one lost a digit or has
one more.
"""
_MORE_CHARS = 1
"""Than digits in a stretch that is nothing but a number."""
_SPOKEN = str.maketrans("0123456789", "零一二三四五六七八九")
"""Written like this digits are told apart best, whatever the recogniser wrote."""


def told_apart(heard: Heard, datum: Datum, back: RepeatBack) -> tuple[Datum, RepeatBack]:
    """Both as the sound has them, as they are where it cannot tell; has it asked if it still can be."""
    if datum.kind not in KINDS or back.match is not False or back.value is None or back.value == datum.value:
        return datum, back
    numbers = (datum.value, back.value)
    whole = [number for number in numbers if is_complete(datum.kind, number)]
    as_long = len(datum.value) == len(back.value)
    if not whole and not as_long:
        return datum, back
    customers, agents = _queries(heard, numbers, datum), _queries(heard, numbers, back)
    if customers and agents and heard.doubts is not None:
        heard.doubts.ask_which([*customers, *agents])
    given = dict(zip(numbers, heard.answers.ratios(customers), strict=False))
    said = dict(zip(numbers, heard.answers.ratios(agents), strict=False))
    if not given or not said:
        return datum, back
    together = {number: given[number] + said[number] for number in numbers}
    apart = max(given.values()) + max(said.values()) - max(together.values())
    sure = replace(datum, confidence=max(LIKELY, datum.confidence))
    if whole and apart <= SAME_UP_TO:
        number = max(whole, key=together.__getitem__)
        return replace(sure, value=number), replace(back, value=number, match=True, confidence=LIKELY)
    if as_long and apart >= TWO_FROM:
        return sure, replace(back, confidence=SURE)
    return datum, back


def _queries(heard: Heard, numbers: tuple[str, str], said: Datum | RepeatBack) -> list[PhraseQuery]:
    """Was this number said there, or that? Nothing where it was not said in one go."""
    if (
        (isinstance(said, Datum) and len(said.places) > 1)
        or said.turn is None
        or said.start is None
        or said.end is None
    ):
        return []
    if said.end - said.start > len(said.value or "") + _MORE_CHARS:
        return []
    turn = heard.turns[said.turn]
    start, end = normalise(turn.text).raw_slice(said.start, said.end)
    for utterance in turn.utterances:
        if start >= 0 and end <= len(utterance.text):
            number = heard.dialogue.utterances.index(utterance)
            return [PhraseQuery(number, start, end, digits.translate(_SPOKEN)) for digits in numbers]
        start, end = start - len(utterance.text), end - len(utterance.text)
    return []
