"""Long silences: which are holds, who caused them, and whether the customer was told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.phrases import Hit, find
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import (
    Explanation,
    Finding,
    Operator,
    failed,
    not_applicable,
    passed,
    presence,
    unsure,
    worst,
)
from zhijian.rules.words.numbers import numbers
from zhijian.rules.words.text import NormalText, normalise

NO_HOLD = "没有需要坐席说明的长时间等待"
_OFFER_ENDINGS = ("好吗", "可以吗", "行吗", "好么", "好不好", "行不行", "可以不", "好吧")
"""End a request that is put as a question; what ends with another question word asks for an answer, not for a deed."""
_QUESTION_ENDINGS = ("吗", "呢", "么", "是不是", "对不对", "对吧", "是吧", *_OFFER_ENDINGS)
_CALLING = ("喂", "你好", "还在吗", "在吗", "人呢", "听得到")
"""First words of a customer who was kept waiting."""
_UNCLEAR = "有长时间静默,但听不清是否告知过客户等待、是谁造成的"
_NOT_THE_AGENTS = ("  客户的静默不算:坐席提问后客户没有作答,客户自己要去查看",)
NOTICE_MS = 15_000
"""So long before a silence a request to wait may still have been meant for it, though other words follow."""
_EDGE_MS = 500
"""Words may begin a little before the silence that was measured on the sound ends."""

Utterances = tuple[Utterance, ...]
_PEOPLE = (Role.AGENT, Role.CUSTOMER)


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


@dataclass(frozen=True, slots=True)
class LastWords:
    """What was said before a silence: the agent's last words, what the customer said before them and in `reply`.

    `earlier` is the last long silence before it; what the customer said before that is left out.
    """

    agent: Utterances
    customer: Utterances
    reply: Utterances
    last: Role
    earlier: Span


def holds(heard: Heard) -> tuple[Hold, ...]:
    """Every silence of at least the standard's length, with its cause."""
    silences = heard.dialogue.silences(heard.settings.silences.min_ms)
    return tuple(_hold(heard, *two) for two in pairwise((Span(0, 0), *silences)))


def agents_holds(heard: Heard) -> tuple[Hold, ...]:
    """Those that the agent had to announce, or may have had to."""
    return tuple(hold for hold in holds(heard) if hold.cause is not Cause.CUSTOMER)


def _hold(heard: Heard, earlier: Span, silence: Span) -> Hold:
    words = _last_words(heard, silence, earlier)
    notice = _notice(heard, words)
    music = 2 * sum(span.overlap_ms(silence) for span in heard.dialogue.voice_of(Role.SYSTEM)) > silence.duration_ms
    hold = Hold(silence, Cause.ANNOUNCED if notice else _cause(heard, silence, words), words.agent, notice, music)
    return replace(hold, cause=Cause.UNCLEAR) if _in_doubt(heard, hold, earlier) else hold


def _in_doubt(heard: Heard, hold: Hold, earlier: Span) -> bool:
    """May somebody have spoken, or may the agent have announced it after all, and only answered a question since?"""
    if any(u.suspect and u.span.overlap_ms(hold.silence) for u in heard.dialogue.utterances):
        return True
    if hold.cause is not Cause.UNANNOUNCED:
        return False
    notice = heard.settings.silences.notice
    if heard.said(notice, hold.before) is None:  # else too early, and said of something else
        since_ms = max(earlier.end_ms, hold.silence.start_ms - NOTICE_MS)
        before = [u for u in heard.dialogue.trusted if u.role is Role.AGENT and u.span.end_ms <= hold.silence.start_ms]
        recent = any(tuple(_notices(heard, u)) for u in before if u.span.start_ms >= since_ms)
        if recent or heard.nearest(notice, hold.before):
            return True
    return heard.distrust(hold.place) is not None


def _notice(heard: Heard, words: LastWords) -> Hit | None:
    """The agent's last request to wait, if the silence follows it with little said between.

    What announced an earlier silence announces no other where that was thanked for, or the customer has gone on.
    """
    settings = heard.settings.silences
    if _length(words.reply) > settings.short_reply_chars:
        return None
    since = tuple(one for one in words.agent if one.span.start_ms >= words.earlier.end_ms - _EDGE_MS)
    is_over = heard.said(settings.no_notice, since) is not None or not _is_assent(heard, words.reply)
    chars_after = 0
    for utterance in reversed(since if is_over else words.agent):
        text = normalise(utterance.text)
        if notices := tuple(_notices(heard, utterance)):
            notice = max(notices, key=lambda hit: (hit.match.end, hit.match.similarity))
            chars_after += len(text) - text.sentence_of(notice.match.end - 1)[1]
            return notice if chars_after <= settings.notice_tail_chars else None
        chars_after += len(text)
    return None


def _notices(heard: Heard, utterance: Utterance) -> Iterator[Hit]:
    """The requests to wait in the utterance, but for those to wait for somebody else, and for thanks: 您的耐心等待."""
    settings, said = heard.settings.silences, heard.settings.thresholds.said
    others = [hit.match for hit in heard.alike(settings.no_notice, [utterance], lambda _: said)]
    for hit in heard.alike(settings.notice, [utterance], lambda phrase: phrase.accept or said):
        if all(hit.match.end <= other.start or hit.match.start >= other.end for other in others):
            yield hit


def _cause(heard: Heard, silence: Span, words: LastWords) -> Cause:
    """Whose an unannounced silence is: the customer's after a question of the agent or an own request to wait."""
    if words.last not in _PEOPLE:
        return Cause.UNCLEAR
    customer_waits = _customer_waits(heard, words.reply or words.customer)
    first_after = _first_after(heard, silence)
    if words.last is Role.CUSTOMER:
        if customer_waits or _agrees(heard, words):
            return Cause.CUSTOMER
        if _asks_result(heard, silence):
            return Cause.UNCLEAR
        return Cause.UNANNOUNCED if first_after is None or _is_waited_for(first_after) else Cause.UNCLEAR
    if _asks(heard, words.agent[-1]) or (
        customer_waits and _length(words.agent) <= heard.settings.silences.short_reply_chars
    ):
        return Cause.CUSTOMER
    met = _has_spoken(heard, Role.CUSTOMER, silence)
    return Cause.UNANNOUNCED if met and first_after and first_after.role is Role.AGENT else Cause.UNCLEAR


def _has_spoken(heard: Heard, role: Role, silence: Span) -> bool:
    return any(u.role is role and u.span.start_ms < silence.start_ms for u in heard.dialogue.trusted)


def _is_waited_for(first_after: Utterance) -> bool:
    """Whose silence it was shows in who ends it: the agent, or a customer who asks whether anybody is there."""
    return first_after.role is Role.AGENT or normalise(first_after.text).chars.startswith(_CALLING)


def _last_words(heard: Heard, silence: Span, earlier: Span) -> LastWords:
    """What was said before a silence; short words of assent between do not end what the agent says."""
    agent: list[Utterance] = []
    customer: list[Utterance] = []
    reply: list[Utterance] = []
    before = [u for u in heard.dialogue.trusted if u.span.start_ms < silence.start_ms and u.role is not Role.SYSTEM]
    last = before[-1].role if before else Role.UNKNOWN
    for utterance in reversed([u for u in before if u.role in _PEOPLE]):
        if utterance.role is Role.AGENT:
            if customer:
                break
            agent.append(utterance)
        elif not agent and not customer:
            reply.append(utterance)
        elif not _is_assent(heard, (utterance,)):
            customer.append(utterance)
    new = tuple(one for one in reversed(customer) if one.span.start_ms >= earlier.end_ms - _EDGE_MS)
    return LastWords(tuple(reversed(agent)), new, tuple(reversed(reply)), last, earlier)


def _is_assent(heard: Heard, utterances: Utterances) -> bool:
    """Nothing but 好的, 嗯, 不急 and the like."""
    return all(heard.settings.silences.is_assent(normalise(utterance.text).chars) for utterance in utterances)


def _agrees(heard: Heard, words: LastWords) -> bool:
    """The customer agrees to what the agent asked for: to go and look or do in any few words, to speak in assent."""
    if not words.agent:
        return False
    settings, sentence = heard.settings.silences, _last_sentence(words.agent[-1])
    if _requests(heard, sentence, settings.requests) and _is_assent(heard, words.reply):
        return True
    replies = [one for utterance in words.reply for one in _sentences(utterance)]
    answers = any(_is_question(one) or any(len(said.digits) > 1 for said in numbers(one)) for one in replies)
    is_short = _length(words.reply) <= settings.short_reply_chars
    return is_short and not answers and _requests(heard, sentence, settings.sends)


def _asks_result(heard: Heard, silence: Span) -> bool:
    """The agent's first words after a silence ask what came of something that the customer may have done."""
    first = _first_after(heard, silence)
    if first is None or first.role is not Role.AGENT:
        return False
    return heard.said(heard.settings.silences.asks_result, [first]) is not None


def _customer_waits(heard: Heard, customer: Utterances) -> bool:
    """The customer says that something has to be looked up, and does not ask for it."""
    settings = heard.settings.silences
    return any(
        find(phrase, sentence, min_similarity=settings.context)
        for utterance in customer
        for sentence in _sentences(utterance)
        if not _is_question(sentence)
        for phrase in settings.customer_waits
    )


def _asks(heard: Heard, utterance: Utterance) -> bool:
    """The utterance ends with a question, or its last sentence asks the customer to say or do something.

    What follows the agent's own deed (我看一下是什么原因) is not asked.
    """
    sentence = _last_sentence(utterance)
    if _is_question(sentence) and not (_own_deeds(heard, sentence) and sentence.chars.endswith("呢")):
        return True
    return _asked_before_deeds(heard, sentence, heard.settings.silences.asks)


def _requests(heard: Heard, sentence: NormalText, phrases: Phrases) -> bool:
    """The sentence asks the customer to do something, not only to confirm."""
    if _is_question(sentence) and not sentence.chars.endswith(_OFFER_ENDINGS):
        return False
    return _asked_before_deeds(heard, sentence, phrases)


def _asked_before_deeds(heard: Heard, sentence: NormalText, phrases: Phrases) -> bool:
    """Is one of the phrases in the sentence, and no deed of the agent's own in it or before it: 您这个情况我看一下?"""
    first_deed = min(_own_deeds(heard, sentence), default=len(sentence))
    least = heard.settings.silences.context
    return any(match.end <= first_deed for phrase in phrases for match in find(phrase, sentence, min_similarity=least))


def _own_deeds(heard: Heard, sentence: NormalText) -> list[int]:
    """Where the agent tells of deeds of his own."""
    deeds = heard.settings.silences.own_deeds
    return [match.start for phrase in deeds for match in find(phrase, sentence, min_similarity=1)]


def _is_question(sentence: NormalText) -> bool:
    return "?" in sentence.gap(len(sentence)) or sentence.chars.endswith(_QUESTION_ENDINGS)


def _sentences(utterance: Utterance) -> Iterator[NormalText]:
    """Each with the mark that ends it."""
    text = normalise(utterance.text)
    for start, end in text.sentences():
        stop = text.offsets[end] if end < len(text) else len(text.raw)
        yield normalise(text.raw[text.offsets[start] : stop])


def _last_sentence(utterance: Utterance) -> NormalText:
    return tuple(_sentences(utterance))[-1] if normalise(utterance.text).chars else normalise("")


def _first_after(heard: Heard, silence: Span) -> Utterance | None:
    return next(iter(_after(heard, silence)), None)


def _first_words_after(heard: Heard, silence: Span) -> Place:
    """The agent's first words after a silence, up to the customer's next that are more than assent."""
    words: list[Utterance] = []
    for utterance in _after(heard, silence):
        if utterance.role is Role.AGENT:
            words.append(utterance)
        elif words and not _is_assent(heard, (utterance,)):
            break
    end_ms = words[-1].span.end_ms if words else heard.dialogue.duration_ms
    return Place(Role.AGENT, Span(silence.end_ms, max(silence.end_ms, end_ms)), tuple(words))


def _after(heard: Heard, silence: Span) -> Utterances:
    return tuple(
        u for u in heard.dialogue.trusted if u.role in _PEOPLE and u.span.start_ms >= silence.end_ms - _EDGE_MS
    )


def _length(utterances: Utterances) -> int:
    return sum(len(normalise(utterance.text)) for utterance in utterances)


class AnnouncesHolds(Operator):
    """Before every hold the customer is asked to wait. `missing` is the reason of a fail."""

    missing: str

    def look(self, heard: Heard) -> Finding:
        return _over_holds(heard, self._announced)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"每次让客户等 {sentences.seconds(settings.silences.min_ms)}以上之前,先请客户等待,"
                f"说到{sentences.listed(settings.silences.notice)}",
                *_NOT_THE_AGENTS,
            ),
            reasons=(self.missing,),
            doubts=(_UNCLEAR,),
        )

    def _announced(self, heard: Heard, hold: Hold) -> Finding:
        return passed(hold.notice) if hold.notice else _unannounced(hold, self.missing)


class ThanksAfterHolds(Operator):
    """The agent's first words after every hold thank or apologise for the wait. `missing` is the reason of a fail."""

    phrases: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        return _over_holds(heard, self._thanked)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"每次让客户等 {sentences.seconds(settings.silences.min_ms)}以上之后,坐席的第一句话里,"
                f"说到{sentences.listed(self.phrases)}",
                *_NOT_THE_AGENTS,
            ),
            reasons=(self.missing,),
            doubts=(_UNCLEAR, *sentences.SEARCH_DOUBTS),
        )

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
        return worst([_unannounced(hold, self.missing) for hold in unexplained])

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"没有 {sentences.seconds(settings.silences.min_ms)}以上未说明的静默",
                "  请客户等待过的、放音乐的不算",
                *_NOT_THE_AGENTS,
            ),
            reasons=(self.missing,),
            doubts=(_UNCLEAR,),
        )


def _over_holds(heard: Heard, look_at: Callable[[Heard, Hold], Finding]) -> Finding:
    applicable = agents_holds(heard)
    return worst([look_at(heard, hold) for hold in applicable]) if applicable else not_applicable(NO_HOLD)


def _unannounced(hold: Hold, missing: str) -> Finding:
    """A silence without notice: a fail, unless it is not clear whose it was."""
    seconds = hold.silence.duration_ms / 1000
    evidence = Evidence(EvidenceKind.SEARCHED, Role.AGENT, hold.place.span, hold.place.quote, f"静默 {seconds:.1f} 秒")
    if hold.cause is Cause.UNCLEAR:
        return unsure(_UNCLEAR, hold.place.confidence, evidence)
    return failed(missing, hold.place.confidence, evidence, doubt=None)
