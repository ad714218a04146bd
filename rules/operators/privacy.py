"""身份核实: whether the agent verifies who is calling before reading out customer data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from zhijian.models.records.call import Direction
from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.scorecard import Evidence, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard, found
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases
from zhijian.rules.keydata.datum import AGENT, CUSTOMER
from zhijian.rules.keydata.datum import Turn as KeyTurn
from zhijian.rules.keydata.extract import extract
from zhijian.rules.operators import sentences
from zhijian.rules.operators.disclosures import Disclosure, PrivateData, disclosures
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, not_applicable
from zhijian.rules.operators.repeat.repeats import words_of
from zhijian.rules.words.digits import digit_strings
from zhijian.rules.words.manner import clauses, manner_of
from zhijian.rules.words.text import normalise

ACCOUNT, SECRET = "户号", "证件号或密码"
IDENTIFYING = (ACCOUNT, "姓名", "地址", "电话")
SECRET_MIN_DIGITS, ACCOUNT_MIN_DIGITS = 3, 6
ENOUGH_OTHERS = 2
"""Without the account number so many other data leave it open whether the caller was verified."""
_GRAVITY = (Outcome.PASS, Outcome.UNSURE, Outcome.FAIL)


@dataclass(frozen=True, slots=True)
class Identity:
    """A datum that tells who is calling, given or confirmed by the customer."""

    kind: str
    evidence: Evidence


class VerifiesIdentity(Operator):
    """Before customer data are read out, the customer gives or confirms the account number and one datum more.

    `asks_account` and `asks_others` ask for it, `secrets` name what else tells who is calling, `vouched` says that it
    was found out otherwise. Where verification is not `spoken`, a call does not show that there was none. `missing` is
    the reason of a fail.
    """

    private: PrivateData
    asks_account: Phrases
    asks_others: Phrases
    secrets: Phrases
    vouched: Phrases
    spoken: bool = True
    missing: str

    def look(self, heard: Heard) -> Finding:
        told = disclosures(heard, self.private)
        if not told:
            return not_applicable("没有告知客户资料")
        return max((self._verdict(heard, one) for one in told), key=lambda finding: _GRAVITY.index(finding.outcome))

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "告知客户资料之前,客户报出或确认过户号,再加一项:姓名、地址、电话、证件号或密码",
                f"  客户资料如:{sentences.listed(self.private.figures)}后面的数字、登记的电话、姓名、地址",
                f"  对谁都一样的不算,如{sentences.listed(self.private.general)};客户自己说过的也不算",
                "  没有告知客户资料的不适用",
            ),
            reasons=(self.missing,),
            doubts=(
                "不能确定告知的是不是客户资料",
                "坐席问过身份,但客户的回答没有听清",
                f"坐席提到{sentences.listed(self.vouched)}",
                "外呼电话,或之前的话识别没有把握",
            ),
        )

    def _verdict(self, heard: Heard, told: Disclosure) -> Finding:
        given = [*_given(heard, told.turn), *_confirmed(heard, told.turn), *self._secrets(heard, told.turn)]
        kinds = {one.kind for one in given}
        evidence = (*(one.evidence for one in given), found(told.hit))
        if ACCOUNT in kinds and len(kinds) > 1:
            return Finding(outcome=Outcome.PASS, confidence=told.hit.confidence, evidence=evidence)
        doubt = None if told.certain else f"不能确定坐席告知的{told.hit.phrase}是不是客户资料"
        return failed(self.missing, told.hit.confidence, *evidence, doubt=doubt or self._doubt(heard, told, kinds))

    def _doubt(self, heard: Heard, told: Disclosure, kinds: set[str]) -> str | None:
        """Why the caller may have been verified after all."""
        agent, customer = (_before(heard, role, told) for role in (Role.AGENT, Role.CUSTOMER))
        if not self.spoken:
            return "核实身份不一定说出来"
        if heard.call.direction is Direction.OUTBOUND:
            return "外呼拨打的可能是登记的号码"
        if heard.nearest(self.vouched, (*agent.utterances, told.hit.utterance)):
            return "坐席可能已从来电号码等核实过身份"
        if ACCOUNT not in kinds and len(kinds) >= ENOUGH_OTHERS:
            return "客户没有报户号,但核对过其他资料"
        if heard.nearest(self.asks_others if ACCOUNT in kinds else self.asks_account, agent.utterances):
            return "坐席问过身份,客户的回答可能没有听清"
        possible = kinds | set(_possibly_given(customer))
        if ACCOUNT in possible and len(possible) > 1:
            return "客户的话里可能还有户号、姓名或地址"
        return heard.distrust(customer) or heard.distrust(agent)

    def _secrets(self, heard: Heard, before: int) -> Iterator[Identity]:
        """Digits that are no key datum, where the customer or the agent's question names what they are of."""
        for index, turn in enumerate(heard.turns[:before]):
            if turn.role is Role.CUSTOMER and heard.said(self.secrets, _question_and_answer(heard, index)):
                known = [place for datum in heard.key_data for place in datum.places if place.turn == index]
                for run in digit_strings(normalise(turn.text)):
                    new = all(run.end <= place.start or place.end <= run.start for place in known)
                    if new and len(run.digits) >= SECRET_MIN_DIGITS:
                        yield Identity(SECRET, words_of(turn, run.start, run.end).evidence(f"客户报出{SECRET}"))


def _given(heard: Heard, before: int) -> Iterator[Identity]:
    for datum in heard.key_data:
        if datum.kind in IDENTIFYING and datum.last_turn < before:
            words = words_of(heard.turns[datum.turn], datum.start, datum.end)
            yield Identity(datum.kind, words.evidence(f"客户报出{datum.kind}"))


def _possibly_given(customer: Place) -> Iterator[str]:
    """What the customer's words would give if they answered a question for it; of places only those with a number."""
    question = KeyTurn(0, AGENT, normalise("请问户号、姓名和地址?"))
    for utterance in customer.utterances:
        text = normalise(utterance.text)
        answers = extract((question, KeyTurn(1, CUSTOMER, text)))
        yield from (one.kind for one in answers if one.kind != "地址" or any(map(str.isdigit, one.value)))
        if any(len(run.digits) >= ACCOUNT_MIN_DIGITS for run in digit_strings(text)):
            yield ACCOUNT


def _confirmed(heard: Heard, before: int) -> Iterator[Identity]:
    """What the agent asks the customer to confirm, and the customer confirms."""
    for index, turn in enumerate(heard.turns[: max(0, before - 1)]):
        text = normalise(turn.text)
        if turn.role is Role.AGENT and _asks_to_confirm(heard, index):
            for datum in extract((KeyTurn(index, CUSTOMER, text),)):
                if datum.kind in IDENTIFYING:
                    yield Identity(datum.kind, words_of(turn, datum.start, datum.end).evidence(f"客户确认{datum.kind}"))


def _asks_to_confirm(heard: Heard, index: int) -> bool:
    """Does the agent's turn with this index put a question that the customer answers with yes?"""
    text, answer = (normalise(turn.text) for turn in heard.turns[index : index + 2])
    manners = [manner_of(text.chars[start:end]) for start, end in clauses(text)]
    asks = any(manner.asks or manner.asks_if for manner in manners)
    return asks and bool(answer.chars) and heard.settings.silences.is_assent(answer.chars[slice(*answer.clauses()[0])])


def _question_and_answer(heard: Heard, index: int) -> tuple[Utterance, ...]:
    return tuple(u for turn in heard.turns[max(0, index - 1) : index + 1] for u in turn.utterances)


def _before(heard: Heard, role: Role, told: Disclosure) -> Place:
    """All that one role says before it."""
    utterances = tuple(u for turn in heard.turns[: told.turn] if turn.role is role for u in turn.utterances)
    return Place(role, Span(0, told.hit.span.start_ms), utterances)
