"""复述: whether the agent said back the key data that the customer gave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from zhijian.models.records.dialogue import Role, Turn
from zhijian.models.records.scorecard import Evidence, EvidenceKind, KeyDatum, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard, once_a_call, searched
from zhijian.rules.call.phrases import hits
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase
from zhijian.rules.keydata.datum import AGENT, CORRECTION, CUSTOMER, Datum
from zhijian.rules.keydata.datum import Turn as KeyTurn
from zhijian.rules.keydata.repeat_back import RepeatBack, spoken, was_said
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, not_applicable, unsure
from zhijian.rules.operators.repeat.lost_digits import KINDS, whole
from zhijian.rules.operators.repeat.same_number import told_apart
from zhijian.rules.words.numbers import NUMERAL, numbers
from zhijian.rules.words.text import normalise, without_fillers

RESEMBLES = 0.5
"""A name or place that the agent says something as similar to as this may have been said back, and misheard."""
SUM_RESEMBLES = 0.75
"""The same of sums and times, which are short and sound more alike."""


_ENDING = 8
"""Characters of an address that are compared: before them may be words that are no part of it."""
OFTEN_SEVERAL = ("金额", "时间")
"""Calls are full of them: another one may be of something else."""
SOON = 4
"""Turns, of both speakers."""
_PUT_RIGHT = re.compile(f"(?<!是)(?:{CORRECTION.pattern}).{{0,8}}(?:{NUMERAL}|幺){{2}}")
_DENIAL = re.compile("不|错|你?听错|哪里")
_HOUSE = re.compile("[号组栋幢座楼单层室弄巷队社排户门](?!客服|话务|工作|员工|键|上午|下午|晚上)")
_NO_NAME = re.compile("请问|我是|您家|您是|您说|好的?|那|是|在|嗯")
_SHORTEST_NAME = 2


class Verdict(StrEnum):
    """What became of a datum, in the words of the report."""

    RIGHT = "复述正确"
    WRONG = "复述得不一样"
    MISSING = "没有复述"
    DOUBTFUL = "听不准"
    CORRECTED = "经客户更正后对不对不能确定"
    ANOTHER = "复述得不一样但可能是另一个"
    HOUSE_NUMBER = "只听清了门牌号"

    @property
    def is_settled(self) -> bool:
        return self in (Verdict.RIGHT, Verdict.WRONG, Verdict.MISSING)


@dataclass(frozen=True, slots=True)
class Words:
    """What was said, by whom and where in the recording."""

    role: Role
    span: Span
    quote: str

    def evidence(self, detail: str) -> Evidence:
        return Evidence(EvidenceKind.FOUND, self.role, self.span, self.quote, detail)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A datum and what became of it: the customer's words and the agent's, None where it was not said back."""

    datum: Datum
    back: RepeatBack
    verdict: Verdict
    customer: Words
    agent: Words | None

    @property
    def confidence(self) -> float:
        return min(self.datum.confidence, self.back.confidence)

    def record(self) -> KeyDatum:
        agent_span = self.agent.span if self.agent else None
        return KeyDatum(
            self.datum.kind, self.datum.value, self.customer.span, self.back.value, agent_span, self.back.match
        )


class RepeatsKeyInfo(Operator):
    """The agent says back every key datum that the customer gave; points in proportion to those said back right.

    Nothing is held against the agent where customer or agent were understood with less than `sure` (0..1) confidence.
    """

    sure: float = Field(gt=0, le=1)

    def look(self, heard: Heard) -> Finding:
        repeats = key_repeats(heard, self.sure)
        if not repeats:
            return not_applicable("客户没有提供关键信息")
        lost = [repeat for repeat in repeats if repeat.verdict in (Verdict.WRONG, Verdict.MISSING)]
        finding = _finding(heard, repeats, lost)
        return replace(
            finding,
            share=Fraction(len(repeats) - len(lost), len(repeats)),
            key_info=tuple(repeat.record() for repeat in repeats),
        )

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "客户说出的户号、电话、地址、姓名、金额、时间,坐席都正确复述;按复述正确的比例得分",
                "客户没有提供的,不适用",
            ),
            reasons=("没有复述,或复述得与客户说的不一样",),
            doubts=(
                f"客户或坐席说的内容,识别的把握不足 {self.sure:.0%}",
                "坐席说的是另一个金额、时间,客户没有说不对",
                "客户更正过,复述得与听出来的不一样",
                "地址只听清了门牌号",
                *sentences.SEARCH_DOUBTS[2:],
            ),
        )


def repeated_wrong(heard: Heard, sure: float) -> bool:
    """Did the agent say back a datum in a form that is certainly not the customer's?"""
    return any(repeat.verdict is Verdict.WRONG for repeat in key_repeats(heard, sure))


def _finding(heard: Heard, repeats: Sequence[Repeat], lost: Sequence[Repeat]) -> Finding:
    doubtful = [repeat for repeat in repeats if not repeat.verdict.is_settled]
    unresolved = [*lost, *doubtful]
    right = [repeat for repeat in repeats if repeat.verdict is Verdict.RIGHT]
    confidence = min(repeat.confidence for repeat in unresolved or right)
    evidence = tuple(_evidence(heard, unresolved or right))
    if not unresolved:
        return Finding(outcome=Outcome.PASS, confidence=confidence, evidence=evidence)
    reason = f"客户给了{len(repeats)}项关键信息,正确复述{len(right)}项;" + "、".join(
        f"{repeat.datum.kind}{repeat.verdict}" for repeat in unresolved
    )
    return failed(reason, confidence, *evidence, doubt=None) if lost else unsure(reason, confidence, *evidence)


def _evidence(heard: Heard, repeats: Sequence[Repeat]) -> Iterator[Evidence]:
    """For each datum the customer's words, and the agent's, or where they were looked for."""
    for repeat in repeats:
        kind = repeat.datum.kind
        yield repeat.customer.evidence(f"{kind}:{repeat.verdict}")
        if repeat.agent:
            yield repeat.agent.evidence(f"{kind}的复述")
        else:
            yield searched(_place_after(heard, repeat.datum))


@once_a_call
def key_repeats(heard: Heard, sure: float) -> tuple[Repeat, ...]:
    """What became of every datum. Turns are counted among those of agent and customer."""
    repeats = []
    for given, said in zip(heard.key_data, heard.repeat_backs, strict=True):
        datum, back = told_apart(heard, given, said)
        customer = words_of(heard.turns[datum.turn], datum.start, datum.end)
        agent = None
        if back.turn is not None and back.start is not None and back.end is not None:
            agent = words_of(heard.turns[back.turn], back.start, back.end)
        verdict, known = _verdict(heard, datum, back, sure), whole(heard, datum)
        if back.value == datum.value:
            back = replace(back, value=known.value)
        repeats.append(Repeat(known, back, verdict, customer, agent))
    return tuple(repeats)


def _verdict(heard: Heard, datum: Datum, back: RepeatBack, sure: float) -> Verdict:
    if back.match:
        return Verdict.RIGHT
    if min(datum.confidence, back.confidence) < sure:
        return Verdict.DOUBTFUL
    if back.said_back:
        return _verdict_on_another(heard, datum, back)
    if datum.kind == "地址" and _house_numbers_said(heard, datum):
        return Verdict.HOUSE_NUMBER
    place = _place_after(heard, datum)
    if datum.kind in OFTEN_SEVERAL:
        wording, least_alike = spoken(datum, heard.key_turns), SUM_RESEMBLES
    else:
        wording, least_alike = datum.value[-_ENDING:] if datum.kind == "地址" else datum.value, RESEMBLES
    phrase = Phrase(text=wording)
    resembles = any(hits(phrase, utterance, min_similarity=least_alike) for utterance in place.utterances)
    return Verdict.DOUBTFUL if resembles or heard.distrust(place) else Verdict.MISSING


def _verdict_on_another(heard: Heard, datum: Datum, back: RepeatBack) -> Verdict:
    """Something else was said than the customer gave: instead of it, unless there is another reason to say it."""
    if _is_corrected(heard, datum):
        return Verdict.CORRECTED
    if _customer_said(heard, datum, back) or (datum.kind in OFTEN_SEVERAL and not _is_denied(heard, datum, back)):
        return Verdict.ANOTHER
    return Verdict.WRONG


def _is_corrected(heard: Heard, datum: Datum) -> bool:
    """Does somebody put a number right, and the agent say one after that? Then what is right may be misunderstood."""
    for turn in heard.key_turns[datum.turn : datum.last_turn + SOON]:
        since = datum.start if turn.index == datum.turn else 0
        if turn.role == CUSTOMER and _PUT_RIGHT.search(turn.text.chars, since):
            later = heard.key_turns[turn.index + 1 : turn.index + 1 + SOON]
            return any(numbers(one.text) for one in later if one.role == AGENT)
    return False


def _is_denied(heard: Heard, datum: Datum, back: RepeatBack) -> bool:
    """Does the customer say no to what the agent said, or the right thing once more?"""
    replies = [turn for turn in heard.key_turns if turn.index - 1 == back.turn and turn.role == CUSTOMER]
    return any(_DENIAL.match(without_fillers(turn.text.chars)) for turn in replies) or was_said(datum, replies)


def _house_numbers_said(heard: Heard, datum: Datum) -> bool:
    """Does the agent say all the numbers of an address soon, behind some other name, which may have been misheard?"""
    wanted = set(re.findall("[0-9]+", datum.value))
    for turn in heard.key_turns[datum.last_turn : datum.last_turn + SOON]:
        said = [one for one in numbers(turn.text) if _HOUSE.match(turn.text.chars, one.end)]
        if turn.role == AGENT and wanted and wanted <= {one.digits for one in said}:
            sentence = turn.text.sentence_of(said[0].start)[0]
            return len(_NO_NAME.sub("", turn.text.chars[sentence : said[0].start])) >= _SHORTEST_NAME
    return False


def _customer_said(heard: Heard, datum: Datum, back: RepeatBack) -> bool:
    """Had the customer said what the agent said, too? Then it may be no wrong form of the datum, but that."""
    if datum.kind in KINDS or back.turn is None or back.value is None:  # whoever corrects a number has said two
        return False
    others = []
    for turn in heard.key_turns[: back.turn]:
        own = [place for place in datum.places if place.turn == turn.index]
        chars = turn.text.chars
        for place in own:
            others += [turn.text.quote(0, place.start), turn.text.quote(place.end, len(chars))]
        if turn.role == CUSTOMER and not own:
            others.append(turn.text.raw)
    said = [KeyTurn(index, CUSTOMER, normalise(words)) for index, words in enumerate(others)]
    return was_said(replace(datum, value=back.value), said)


def _place_after(heard: Heard, datum: Datum) -> Place:
    """Where the agent could have said it back."""
    utterances = tuple(
        utterance for turn in heard.turns[datum.last_turn :] if turn.role is Role.AGENT for utterance in turn.utterances
    )
    start_ms = heard.turns[datum.turn].span.end_ms
    return Place(Role.AGENT, Span(start_ms, max(start_ms, heard.dialogue.duration_ms)), utterances)


def words_of(turn: Turn, start: int, end: int) -> Words:
    """The normal characters [start, end) of a turn, where they were said."""
    text = normalise(turn.text)
    raw_start, raw_end = text.raw_slice(start, end)
    spans, offset = [], 0
    for utterance in turn.utterances:
        length = len(utterance.text)
        if offset < raw_end and raw_start < offset + length:
            spans.append(utterance.time_of(max(0, raw_start - offset), min(length, raw_end - offset)))
        offset += length
    span = spans[0].hull(spans[-1]) if spans else turn.span
    return Words(turn.role, span, text.quote(start, end))
