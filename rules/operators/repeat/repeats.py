"""复述: whether the agent said back the key data that the customer gave."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from pydantic import Field

from zhijian.models.records.dialogue import Role, Turn
from zhijian.models.records.scorecard import Evidence, EvidenceKind, KeyDatum, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard, once_a_call, searched
from zhijian.rules.call.settings import Settings
from zhijian.rules.keydata.datum import Datum
from zhijian.rules.keydata.repeat_back import RepeatBack
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, not_applicable, unsure
from zhijian.rules.operators.repeat.lost_digits import whole
from zhijian.rules.operators.repeat.same_number import told_apart
from zhijian.rules.operators.repeat.verdict import Verdict, place_after, verdict_on
from zhijian.rules.words.text import normalise


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
            yield searched(place_after(heard, repeat.datum))


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
        verdict, known = verdict_on(heard, datum, back, sure), whole(heard, datum)
        if back.value == datum.value:
            back = replace(back, value=known.value)
        repeats.append(Repeat(known, back, verdict, customer, agent))
    return tuple(repeats)


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
