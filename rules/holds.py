"""Long silences: which are holds, who caused them, and whether the customer was told."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.finding import Finding, Operator, failed, not_applicable, passed, presence, unsure
from zhijian.rules.heard import Heard, Place
from zhijian.rules.phrases import Hit, find
from zhijian.rules.terms import Phrases
from zhijian.rules.text import normalise

NO_HOLD = "没有需要坐席说明的长时间等待"
_QUESTION_ENDINGS = ("吗", "呢", "么", "是不是", "对不对", "行不行", "好不好", "对吧", "是吧", "好吧")
_UNCLEAR = "有长时间静默,但听不清是否告知过客户等待、是谁造成的"
_EDGE_MS = 500
"""Words may begin a little before the silence that was measured on the sound ends."""

Utterances = tuple[Utterance, ...]


class Cause(StrEnum):
    """Why nobody speaks."""

    ANNOUNCED = "announced"
    UNANNOUNCED = "unannounced"
    CUSTOMER = "customer"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Hold:
    """A long silence between two speeches. `notice` is what announced it; `before` the agent's words that led to it."""

    silence: Span
    cause: Cause
    before: Utterances
    notice: Hit | None = None
    music: bool = False

    @property
    def place(self) -> Place:
        """Where a notice would have been: from the agent's last words to the end of the silence."""
        start = self.before[0].span.start_ms if self.before else self.silence.start_ms
        return Place(Role.AGENT, Span(start, self.silence.end_ms), self.before)


def holds(heard: Heard) -> tuple[Hold, ...]:
    """Every silence of at least the standard's length, with its cause."""
    return tuple(_hold(heard, silence) for silence in heard.dialogue.silences(heard.settings.silences.min_ms))


def agents_holds(heard: Heard) -> tuple[Hold, ...]:
    """Those that the agent had to announce, or may have had to."""
    return tuple(hold for hold in holds(heard) if hold.cause is not Cause.CUSTOMER)


def _hold(heard: Heard, silence: Span) -> Hold:
    agent, customer, last = _last_words(heard, silence)
    notice = _notice(heard, agent, customer if last is Role.CUSTOMER else ())
    music = 2 * sum(span.overlap_ms(silence) for span in heard.dialogue.voice_of(Role.SYSTEM)) > silence.duration_ms
    if notice:
        return Hold(silence, Cause.ANNOUNCED, agent, notice, music)
    hold = Hold(silence, _cause(heard, silence, agent, customer, last), agent, None, music)
    too_early = heard.said(heard.settings.silences.notice, agent)
    in_doubt = (not too_early and heard.nearest(heard.settings.silences.notice, agent)) or heard.distrust(hold.place)
    return replace(hold, cause=Cause.UNCLEAR) if hold.cause is Cause.UNANNOUNCED and in_doubt else hold


def _notice(heard: Heard, agent: Utterances, reply: Utterances) -> Hit | None:
    """The agent's request to wait, if the silence follows it with little said between."""
    settings = heard.settings.silences
    notice = heard.said(settings.notice, agent)
    if notice is None or _length(reply) > settings.short_reply_chars:
        return None
    return notice if _chars_after(notice, agent) <= settings.notice_tail_chars else None


def _cause(heard: Heard, silence: Span, agent: Utterances, customer: Utterances, last: Role) -> Cause:
    """Whose an unannounced silence is: the customer's after a question of the agent or an own request to wait."""
    settings = heard.settings.silences
    customer_waits = heard.said(settings.customer_waits, customer, at_least=settings.context) is not None
    if last is Role.CUSTOMER:
        return Cause.CUSTOMER if customer_waits else Cause.UNANNOUNCED
    if last is not Role.AGENT:
        return Cause.UNCLEAR
    if _asks(heard, agent[-1]) or (customer_waits and _length(agent) <= settings.short_reply_chars):
        return Cause.CUSTOMER
    return Cause.UNANNOUNCED if _speaks_first_after(heard, silence) is Role.AGENT else Cause.UNCLEAR


def _last_words(heard: Heard, silence: Span) -> tuple[Utterances, Utterances, Role]:
    """What agent and customer said last before a silence, and who spoke last: (agent, customer, role)."""
    before = [u for u in heard.dialogue.trusted if u.span.start_ms < silence.start_ms and u.role is not Role.SYSTEM]
    stretches = [(role, tuple(utterances)) for role, utterances in itertools.groupby(before, key=lambda u: u.role)]
    last = dict(stretches[-2:])
    return last.get(Role.AGENT, ()), last.get(Role.CUSTOMER, ()), stretches[-1][0] if stretches else Role.UNKNOWN


def _asks(heard: Heard, utterance: Utterance) -> bool:
    """The utterance ends with a question, or its last sentence asks the customer to say or do something."""
    text = normalise(utterance.text)
    if not text.chars:
        return False
    if "?" in text.gap(len(text)) or text.chars.endswith(_QUESTION_ENDINGS):
        return True
    start, end = text.sentence_of(len(text) - 1)
    last_sentence = normalise(text.quote(start, end))
    settings = heard.settings.silences
    return any(find(phrase, last_sentence, min_similarity=settings.context) for phrase in settings.asks)


def _speaks_first_after(heard: Heard, silence: Span) -> Role | None:
    return next((utterance.role for utterance in _after(heard, silence)), None)


def _first_words_after(heard: Heard, silence: Span) -> Place:
    """The agent's first words after a silence, up to the customer's next."""
    words: list[Utterance] = []
    for utterance in _after(heard, silence):
        if utterance.role is Role.AGENT:
            words.append(utterance)
        elif words:
            break
    end_ms = words[-1].span.end_ms if words else heard.dialogue.duration_ms
    return Place(Role.AGENT, Span(silence.end_ms, max(silence.end_ms, end_ms)), tuple(words))


def _after(heard: Heard, silence: Span) -> Utterances:
    people = (Role.AGENT, Role.CUSTOMER)
    return tuple(u for u in heard.dialogue.trusted if u.role in people and u.span.start_ms >= silence.end_ms - _EDGE_MS)


def _chars_after(notice: Hit, agent: Utterances) -> int:
    """Characters the agent said after announcing the wait."""
    following = agent[agent.index(notice.utterance) + 1 :]
    return len(notice.text) - notice.match.end + _length(following)


def _length(utterances: Utterances) -> int:
    return sum(len(normalise(utterance.text)) for utterance in utterances)


class AnnouncesHolds(Operator):
    """Before every hold the customer is asked to wait. `missing` is the reason of a fail."""

    missing: str

    def look(self, heard: Heard) -> Finding:
        return _over_holds(heard, self._announced)

    def _announced(self, heard: Heard, hold: Hold) -> Finding:
        return passed(hold.notice) if hold.notice else _unannounced(hold, self.missing)


class ThanksAfterHolds(Operator):
    """The agent's first words after every hold thank or apologise for the wait. `missing` is the reason of a fail."""

    phrases: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        return _over_holds(heard, self._thanked)

    def _thanked(self, heard: Heard, hold: Hold) -> Finding:
        finding = presence(heard, _first_words_after(heard, hold.silence), self.phrases, self.missing)
        if finding.outcome is Outcome.FAIL and hold.cause is Cause.UNCLEAR:
            return unsure(_UNCLEAR, finding.confidence, *finding.evidence)
        return finding


class ExplainsSilences(Operator):
    """No long silence but announced holds, music and the customer's own waits. `missing` is the reason of a fail."""

    missing: str

    def look(self, heard: Heard) -> Finding:
        unexplained = [hold for hold in agents_holds(heard) if not hold.notice and not hold.music]
        if not unexplained:
            return Finding(outcome=Outcome.PASS, confidence=1.0)
        return _worst([_unannounced(hold, self.missing) for hold in unexplained])


def _over_holds(heard: Heard, look_at: Callable[[Heard, Hold], Finding]) -> Finding:
    applicable = agents_holds(heard)
    return _worst([look_at(heard, hold) for hold in applicable]) if applicable else not_applicable(NO_HOLD)


def _unannounced(hold: Hold, missing: str) -> Finding:
    """A silence without notice: a fail, unless it is not clear whose it was."""
    seconds = hold.silence.duration_ms / 1000
    evidence = Evidence(EvidenceKind.SEARCHED, Role.AGENT, hold.place.span, hold.place.quote, f"静默 {seconds:.1f} 秒")
    if hold.cause is Cause.UNCLEAR:
        return unsure(_UNCLEAR, hold.place.confidence, evidence)
    return failed(missing, hold.place.confidence, evidence, doubt=None)


def _worst(findings: list[Finding]) -> Finding:
    """The gravest outcome, with the evidence of all that share it."""
    outcome = next(o for o in (Outcome.FAIL, Outcome.UNSURE, Outcome.PASS) if any(f.outcome is o for f in findings))
    decisive = [finding for finding in findings if finding.outcome is outcome]
    return replace(
        decisive[0],
        confidence=min(finding.confidence for finding in decisive),
        evidence=tuple(evidence for finding in decisive for evidence in finding.evidence),
    )
