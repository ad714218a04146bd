"""Numbers that are one digit short: which of two digits alike the recogniser lost (零零 → 零), the sound is asked.

Only the number that is shown is made whole so; whether the agent said it back is not judged by this.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from zhijian.models.records.dialogue import Role
from zhijian.models.records.questions import PhraseQuery
from zhijian.rules.call.heard import Heard
from zhijian.rules.keydata.datum import Datum
from zhijian.rules.keydata.dictated import is_complete
from zhijian.rules.words.digits import MOBILE, digit_strings
from zhijian.rules.words.text import normalise

KINDS = ("户号", "电话")
STRETCHES_AT_MOST = 3
"""The customer's words and the agent's; more would only take longer."""
SURELY_BETTER = 6.0
"""How much better (log likelihood) a number has to fit the sound than any other, where it was said taken together."""
FITS = -8.0
"""How much worse (log likelihood) it may fit than what was recognised, for each time it was said. 要 for 幺 costs 5."""


def whole(heard: Heard, datum: Datum) -> Datum:
    """The datum with the digit that it lacks, if the sound tells which; has the sound asked if it still can be."""
    wholes = whole_numbers(datum.kind, datum.value)
    if not wholes:
        return datum
    said = 0
    fits = dict.fromkeys(wholes, 0.0)
    for queries in islice(_queries(heard, datum.value, wholes), STRETCHES_AT_MOST):
        if heard.doubts is not None:
            heard.doubts.ask_which(queries)
        if ratios := heard.answers.ratios(queries):
            said += 1
            for number, ratio in zip(wholes, ratios, strict=True):
                fits[number] += ratio
    best, *others = sorted(wholes, key=lambda number: -fits[number])
    sure = all(fits[best] - fits[other] >= SURELY_BETTER for other in others)
    return replace(datum, value=best) if said and sure and fits[best] >= FITS * said else datum


def whole_numbers(kind: str, digits: str) -> tuple[str, ...]:
    """What a number may be of which one of two digits alike was lost; nothing for one that lacks none."""
    if kind not in KINDS or is_complete(kind, digits):
        return ()
    longer = dict.fromkeys(digits[:at] + digits[at - 1 :] for at in range(1, len(digits) + 1))
    return tuple(number for number in longer if is_complete(kind, number) and _may_be_dialled(kind, number))


def _may_be_dialled(kind: str, number: str) -> bool:
    return kind == "户号" or not number.startswith("1") or bool(MOBILE.fullmatch(number))


def _queries(heard: Heard, digits: str, wholes: tuple[str, ...]) -> Iterator[list[PhraseQuery]]:
    """Wherever somebody said just these digits, a question for each of the numbers they may be."""
    for number, utterance in enumerate(heard.dialogue.utterances):
        if utterance.suspect or utterance.role not in (Role.AGENT, Role.CUSTOMER):
            continue
        text = normalise(utterance.text)
        for run in digit_strings(text):
            if run.digits == digits:
                start, end = text.raw_slice(run.start, run.end)
                yield [PhraseQuery(number, start, end, wording) for wording in wholes]
