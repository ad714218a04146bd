"""Customer data that the agent reads out: what is owed and used, telephone numbers, addresses, names.

What the customer said before is no disclosure, nor is what the agent only asks or supposes, nor what holds for
everybody: prices, fees, steps of the tariff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from rapidfuzz.distance import Levenshtein

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.terms import Phrases, Term
from zhijian.rules.keydata.datum import CUSTOMER, Turn
from zhijian.rules.keydata.extract import extract
from zhijian.rules.keydata.repeat_back import was_said
from zhijian.rules.words.digits import digit_strings
from zhijian.rules.words.manner import clauses, manner_of
from zhijian.rules.words.numbers import NUMERAL, amounts, cardinal, decimals, numbers
from zhijian.rules.words.pinyin import Match
from zhijian.rules.words.text import NormalText, normalise

CUE_CHARS = 16
"""So near before a figure stands what it is of: 您上个月的电费一共是 …"""
GENERAL_CHARS = 8
"""So near a figure stands what makes it one for everybody: 每度 …, … 以内."""
TAIL_MIN_DIGITS, NUMBER_MIN_DIGITS = 3, 4
MISHEARD_SHARE = 3
"""A third of the digits of one number may differ because they were misheard."""
OF_ACCOUNT = ("户号", "地址")
"""Key data that tell which account a customer speaks of."""
_LEAST_METERED = 10
"""电费两个字 are characters, 一百八十个字 is what a meter counts."""
_ROUGHLY = re.compile(f"(?P<number>{NUMERAL}+)[块元]多")
_ELECTRICITY = re.compile(f"(?P<number>{NUMERAL}+)(?:点{NUMERAL}+)?(?:度|千瓦时|个字)")

Stretch = tuple[int, int]
"""The normal characters [start, end) of an utterance."""


class PrivateData(Term):
    """What tells that the agent reads out customer data.

    A `figures` phrase before a sum or an amount of electricity makes it one of the account, and so may the customer's
    question, one of `asked`; what he answers, one of `taken`, leaves no doubt. A `general` phrase beside it makes it
    one for everybody, a `perhaps_general` one in its sentence may, where the account is not known. `own` tells that it
    is this customer's. `numbers` stand before a telephone number of the account, `particulars` before a name or an
    address. `states` tell without a figure how the account stands.
    """

    figures: Phrases
    asked: Phrases
    taken: Phrases
    general: Phrases
    perhaps_general: Phrases
    own: Phrases
    numbers: Phrases
    particulars: Phrases
    states: Phrases


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Data read out in the agent's turn with this index; `hit.phrase` says what.

    Not `certain` where it may be none: a recogniser may have misheard the customer who said it before, a customer who
    has not said of which account he speaks may ask in general, and names, addresses and states of an account can be
    told in passing.
    """

    turn: int
    hit: Hit
    certain: bool


def disclosures(heard: Heard, private: PrivateData) -> tuple[Disclosure, ...]:
    """All of them, in order."""
    found: list[Disclosure] = []
    customer: list[Utterance] = []
    for index, turn in enumerate(heard.turns):
        if turn.role is Role.CUSTOMER:
            customer += turn.utterances
            continue
        is_known = any(datum.kind in OF_ACCOUNT and datum.turn < index for datum in heard.key_data)
        for utterance in turn.utterances:
            answer = heard.turns[index + 1].utterances if index + 1 < len(heard.turns) else ()
            words = _Words(heard, private, utterance, tuple(customer), answer, is_known)
            found += [Disclosure(index, hit, certain) for hit, certain in words.told()]
    return tuple(found)


@dataclass(frozen=True)
class _Words:
    """An utterance of the agent, what the customer has said until then, and what he answers.

    The account is `known` if the customer has said of which he speaks.
    """

    heard: Heard
    private: PrivateData
    utterance: Utterance
    customer: Sequence[Utterance]
    answer: Sequence[Utterance]
    known: bool

    def told(self) -> Iterator[tuple[Hit, bool]]:
        """What is read out, and whether it certainly is."""
        yield from self._figures()
        yield from self._numbers()
        yield from self._particulars()
        yield from self._states()

    def _figures(self) -> Iterator[tuple[Hit, bool]]:
        for span, number in (*_sums(self._text), *_rough_sums(self._text), *_electricity(self._text)):
            if number in self._said_numbers or self._is_general(span):
                continue
            if cue := self._cue_before(span, self.private.figures):
                misheard = any(Levenshtein.distance(number, other) <= 1 for other in self._said_numbers)
                own = self._is_taken(span) or (self._is_told(span, cue) and self._is_own(span))
                yield self._hit("电费或用电量", cue, span), own and not misheard
            elif self.known and len(number) > 1 and self.heard.said(self.private.asked, self.customer[-1:]):
                yield Hit("电费或用电量", self.utterance, Match(*span, 1.0, exact=True)), self._is_taken(span)

    def _numbers(self) -> Iterator[tuple[Hit, bool]]:
        for run in digit_strings(self._text):
            span = (run.start, run.end)
            cue = self._cue_before(span, self.private.numbers) if len(run.digits) >= TAIL_MIN_DIGITS else None
            if cue and not _overlaps(span, self._open):
                said = [run.digits for text in self._customer_texts for run in digit_strings(text)]
                misheard = any(_may_be_misheard(run.digits, digits) for digits in said)
                if not any(_resembles(run.digits, digits) for digits in said):
                    yield self._hit("联系电话", cue, span), not misheard and self._is_told(span, cue)

    def _particulars(self) -> Iterator[tuple[Hit, bool]]:
        if not self.heard.hits(self.private.particulars, [self.utterance]):
            return
        said = [Turn(0, CUSTOMER, text) for text in self._customer_texts]
        for datum in extract((Turn(0, CUSTOMER, self._text),)):
            span = (datum.start, datum.end)
            cue = self._cue_before(span, self.private.particulars)
            if cue and datum.kind in ("姓名", "地址") and not was_said(datum, said) and not _overlaps(span, self._open):
                yield self._hit(datum.kind, cue, span), False

    def _states(self) -> Iterator[tuple[Hit, bool]]:
        for cue in self.heard.hits(self.private.states, [self.utterance]):
            if self.heard.is_certain(cue) and not _overlaps(_stretch(cue), self._open):
                said = {hit.phrase for hit in self.heard.hits(self.private.states, self.customer)}
                if cue.phrase not in said:
                    yield self._hit("账户情况", cue, _stretch(cue)), False

    def _is_taken(self, span: Stretch) -> bool:
        """Does the customer, who has said of which account he speaks, answer as one whose figures these are?"""
        told = self.known and not _overlaps(span, self._open)
        return told and self.heard.said(self.private.taken, self.answer) is not None

    @cached_property
    def _said_numbers(self) -> set[str]:
        """All sums and numbers in the customer's words."""
        pairs = (pair for text in self._customer_texts for pair in (*_sums(text), *_plain_numbers(text)))
        return {number for _, number in pairs}

    def _is_general(self, span: Stretch) -> bool:
        """Does something beside the figure say that it holds for everybody?"""
        general = [_stretch(hit) for hit in self.heard.hits(self.private.general, [self.utterance])]
        return _overlaps((span[0] - GENERAL_CHARS, span[1] + GENERAL_CHARS), general)

    def _is_own(self, span: Stretch) -> bool:
        """Is it certainly the figure of the account that is known, or of one that the agent says is the customer's?"""
        if self.known:
            return True
        doubts = [
            _stretch(hit)
            for phrases in (self.private.general, self.private.perhaps_general)
            for hit in self.heard.hits(phrases, [self.utterance])
        ]
        is_general = _overlaps(self._text.sentence_of(span[0]), doubts)
        return not is_general and bool(self.heard.hits(self.private.own, [self.utterance]))

    @cached_property
    def _text(self) -> NormalText:
        return normalise(self.utterance.text)

    @cached_property
    def _customer_texts(self) -> list[NormalText]:
        return [normalise(utterance.text) for utterance in self.customer]

    @cached_property
    def _open(self) -> list[Stretch]:
        """Where the agent only asks or supposes; what a 对吗 asks reaches back to the stop before it."""
        found = []
        asked_until = 0
        for start, end in clauses(self._text):
            manner = manner_of(self._text.chars[start:end])
            if manner.asks:
                sentence, _ = self._text.sentence_of(start)
                found.append((max(sentence, asked_until), end))
                asked_until = end
            elif manner.questions or manner.asks_if or manner.supposes:
                found.append((start, end))
        return found

    def _cue_before(self, span: Stretch, phrases: Phrases) -> Hit | None:
        """The last of the phrases that stands before a place, near it and in its sentence."""
        sentence = self._text.sentence_of(span[0])
        before = [
            hit
            for hit in self.heard.hits(phrases, [self.utterance])
            if 0 <= span[0] - hit.match.end <= CUE_CHARS and self._text.sentence_of(hit.match.start) == sentence
        ]
        return before[-1] if before else None

    def _is_told(self, span: Stretch, cue: Hit) -> bool:
        return self.heard.is_certain(cue) and not _overlaps(span, self._open)

    def _hit(self, what: str, cue: Hit, span: Stretch) -> Hit:
        match = Match(cue.match.start, max(cue.match.end, span[1]), cue.match.similarity, exact=True)
        return Hit(what, self.utterance, match)


def _sums(text: NormalText) -> Iterator[tuple[Stretch, str]]:
    """Sums of money, as written."""
    for amount in (*amounts(text), *decimals(text)):
        yield (amount.start, amount.end), amount.written


def _rough_sums(text: NormalText) -> Iterator[tuple[Stretch, str]]:
    """五百二十一块多, in whole yuan."""
    for said in _ROUGHLY.finditer(text.chars):
        if (value := cardinal(said["number"])) is not None:
            yield said.span(), str(value)


def _electricity(text: NormalText) -> Iterator[tuple[Stretch, str]]:
    """Amounts of electricity, in whole kilowatt hours."""
    for said in _ELECTRICITY.finditer(text.chars):
        value = cardinal(said["number"])
        if value is not None and (value >= _LEAST_METERED or not said.group().endswith("字")):
            yield said.span(), str(value)


def _plain_numbers(text: NormalText) -> Iterator[tuple[Stretch, str]]:
    for number in numbers(text):
        yield (number.start, number.end), number.digits


def _stretch(hit: Hit) -> Stretch:
    return hit.match.start, hit.match.end


def _overlaps(span: Stretch, others: Iterable[Stretch]) -> bool:
    return any(span[0] < end and start < span[1] for start, end in others)


def _may_be_misheard(digits: str, other: str) -> bool:
    """Are they so much alike that they may be one number?"""
    return len(other) >= NUMBER_MIN_DIGITS and Levenshtein.distance(digits, other) <= max(len(digits), len(other)) // 2


def _resembles(digits: str, other: str) -> bool:
    """Is it the other number, or a part of it, but for what a recogniser mishears?"""
    windows = [other[at : at + len(digits)] for at in range(max(1, len(other) - len(digits) + 1))]
    return min(Levenshtein.distance(digits, window) for window in windows) <= len(digits) // MISHEARD_SHARE
