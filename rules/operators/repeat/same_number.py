"""Is it the customer's number that the agent said back, where the two were heard differently? The sound is asked.

A recogniser drops, adds and mishears digits of either. Both numbers are tried in both places: where one of them fits
both places as well as each fits its own, one number was said twice; where it fits far worse, they are two (a
generalised likelihood ratio).
"""

from __future__ import annotations

from dataclasses import replace

from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.rules.call.heard import Heard
from zhijian.rules.keydata.datum import Datum
from zhijian.rules.keydata.dictated import is_complete
from zhijian.rules.keydata.repeat_back import LIKELY, SURE, RepeatBack
from zhijian.rules.operators.repeat.lost_digits import KINDS
from zhijian.rules.words.digits import in_numerals
from zhijian.rules.words.text import normalise

SAME_UP_TO, TWO_FROM = 2.5, 7.0
"""How much better (log likelihood) two numbers fit than one where one was said, and where two were."""
FITS = -2.2
"""The mean log probability of a number that was said where it is tried; where none fits, the sound tells nothing."""
_MORE_CHARS = 1
"""Than digits in a stretch that is nothing but a number."""


def told_apart(heard: Heard, datum: Datum, back: RepeatBack) -> tuple[Datum, RepeatBack]:
    """Both as the sound has them, as they are where it cannot tell; has it asked if it still can be.

    A number that is not whole may lack the very digit that was said wrong: one of the two has to be whole to be the one
    that was said twice, and both to be two.
    """
    if datum.kind not in KINDS or back.match is not False or back.value is None or back.value == datum.value:
        return datum, back
    numbers = (datum.value, back.value)
    whole = [number for number in numbers if is_complete(datum.kind, number)]
    customers, agents = _queries(heard, numbers, datum), _queries(heard, numbers, back)
    if not whole or not customers or not agents:
        return datum, back
    if heard.doubts is not None:
        heard.doubts.ask_which([*customers, *agents])
    given = dict(zip(numbers, heard.answers.of(customers), strict=False))
    said = dict(zip(numbers, heard.answers.of(agents), strict=False))
    if not given or not said:
        return datum, back
    two = max(map(_ratio, given.values())) + max(map(_ratio, said.values()))
    apart = two - max(_ratio(given[number], said[number]) for number in numbers)
    one = max(whole, key=lambda number: _ratio(given[number], said[number]))
    sure = replace(datum, confidence=max(LIKELY, datum.confidence))
    if apart <= SAME_UP_TO and _fit(given[one], said[one]):
        return replace(sure, value=one), replace(back, value=one, match=True, confidence=LIKELY)
    if apart >= TWO_FROM and len(whole) == len(numbers) and _fit(given[datum.value], said[back.value]):
        return sure, replace(back, confidence=SURE)
    return datum, back


def _ratio(*scores: PhraseScore) -> float:
    return sum(score.log_likelihood_ratio for score in scores)


def _fit(given: PhraseScore, said: PhraseScore) -> bool:
    return min(given.mean_log_probability, said.mean_log_probability) >= FITS


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
            return [PhraseQuery(number, start, end, in_numerals(digits)) for digits in numbers]
        start, end = start - len(utterance.text), end - len(utterance.text)
    return []
