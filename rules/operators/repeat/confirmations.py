"""客户确认: whether the customer confirms what the agent said back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import NamedTuple

from pydantic import Field

from zhijian.models.records.dialogue import Role, Separation, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard, found, searched
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrases
from zhijian.rules.keydata.datum import CUSTOMER
from zhijian.rules.keydata.datum import Turn as KeyTurn
from zhijian.rules.keydata.names import surname_of
from zhijian.rules.keydata.repeat_back import was_said
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, not_applicable, unsure
from zhijian.rules.operators.repeat.issue import sounds_like_harassment
from zhijian.rules.operators.repeat.lost_digits import KINDS
from zhijian.rules.operators.repeat.repeats import Repeat, Words, key_repeats, words_of
from zhijian.rules.operators.repeat.restating import restatements
from zhijian.rules.operators.repeat.verdict import Verdict
from zhijian.rules.words.digits import digit_strings
from zhijian.rules.words.gist import gist
from zhijian.rules.words.manner import clauses, manner_of
from zhijian.rules.words.numbers import NUMERAL
from zhijian.rules.words.pinyin import sounds_like
from zhijian.rules.words.text import NormalText, fillers, normalise, without_fillers

UNMISTAKABLE = (*KINDS, "地址")
"""Data that nobody says again by chance, as he may a name or a sum."""
LIKELY = 0.5
"""What is less probably said back than this needs no confirmation; where it was confirmed it was."""
RIGHT = "对"
YES = (RIGHT, "是的", "没错")


class YesLimits(NamedTuple):
    """From which log likelihood ratio and mean log probability on a yes counts that was not recognised."""

    ratio: float
    mean: float

    def allow(self, yes: PhraseScore) -> bool:
        return yes.log_likelihood_ratio >= self.ratio and yes.mean_log_probability >= self.mean


YES_SAID, YES_POSSIBLE = YesLimits(-5.0, -2.75), YesLimits(-7.0, -5.0)
NUMBER_MIN_DIGITS, PART_MIN_DIGITS = 7, 3
"""Of a telephone number, and of a part of one that is no chance."""
YES_WORDS = 3
"""Instead of so many words of a reply it may have been said."""
_NUMBER = re.compile(f"(?:{NUMERAL}|幺)+")
_MISHEARD_YES = re.compile("退(?![费钱款还租])")
"""A telephone leaves little of the difference of d and t."""
_YES_WITHIN = re.compile("[^不没要说就都还只但]{1,2}(?:是的|没错)")
"""明是的: a reply that began with a yes is written with a character before it."""
_DENIES = re.compile("不|没(?!错)|(?<!没)错")
_ASKS = re.compile("^.{0,2}(?:谁|什么|啥|哪|几|怎|咋)|[吗么]$")


@dataclass(frozen=True, slots=True)
class SaidBack:
    """Content that the agent's turn with this index repeats: certainly, or more likely than not."""

    turn: int
    words: Words
    what: str
    certain: bool
    likely: bool


class ConfirmsRepeats(Operator):
    """The customer confirms explicitly something that the agent said back, in the reply to it.

    Later, too, where it is a number or an address that was said back right and is said once more. `phrases` confirm
    where they begin or end a clause of the reply, `bare` ones where they are all of it. What counts as said back is
    told by `restated` and `doubtful` as in restates_issue, by `sure` as in repeats_key_info. `missing` is the reason
    of a fail.
    """

    restated: float = Field(gt=0, le=1)
    doubtful: float = Field(gt=0, le=1)
    sure: float = Field(gt=0, le=1)
    phrases: Phrases
    bare: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        said_back = sorted(self._said_back(heard), key=lambda one: one.words.span)
        for one in said_back:
            if confirmation := self._confirmation(heard, reply_to(heard, one).utterances):
                evidence = (one.words.evidence(f"{one.what}的复述"), found(confirmation))
                return Finding(outcome=Outcome.PASS, confidence=confirmation.confidence, evidence=evidence)
        if confirmed := self._said_again(heard):
            return confirmed
        likely = [one for one in said_back if one.likely]
        for one in likely:
            reply = reply_to(heard, one)
            if (yes := _yes_by_sound(heard, reply, YES_SAID)) and not _denies_or_asks(reply):
                evidence = (one.words.evidence(f"{one.what}的复述"), _yes_said(reply, yes))
                return Finding(outcome=Outcome.PASS, confidence=reply.confidence, evidence=evidence)
        if likely:
            return self._unconfirmed(heard, likely)
        return not_applicable("坐席没有复述任何内容")

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "坐席复述了诉求或关键信息(不论对错)之后,客户在紧接着的回答里明确地确认",
                f"  或者后来把复述对了的{'、'.join(UNMISTAKABLE)}再说一遍,明确地确认",
                f"  在分句的开头或末尾说到{sentences.listed(self.phrases)}",
                f"  或整句只说{sentences.listed(self.bare)}",
                f"  或听录音核对,回答开头有一声{'、'.join(f'「{yes}」' for yes in YES)}没有识别出来",
                "  只说「嗯」「好」「行」不算;什么都没有复述的不适用",
            ),
            reasons=(self.missing,),
            doubts=(
                "是否复述过不能确定",
                "客户的回答有说话声没有识别出文字、文字可疑或把握太低",
                "客户的回答以「是」或同音的字开头,可能是在确认",
                "听录音核对,回答开头可能有这样一声",
                "单声道录音里,坐席问了「对吗」又接着说「对」",
                "客户后来确认了坐席的另一句话,可能也是复述",
            ),
        )

    def _said_back(self, heard: Heard) -> Iterator[SaidBack]:
        for one in restatements(heard):
            if one.probability >= self.doubtful:
                words = words_of(heard.turns[one.turn], one.start, one.end)
                likely = one.probability >= LIKELY and not sounds_like_harassment(heard)  # who wants nothing
                yield SaidBack(one.turn, words, "诉求", one.probability >= self.restated, likely)
        for repeat in key_repeats(heard, self.sure):
            if repeat.agent and repeat.back.turn is not None and not _is_form_of_address(repeat):
                certain = repeat.verdict not in (Verdict.DOUBTFUL, Verdict.ANOTHER)
                yield SaidBack(repeat.back.turn, repeat.agent, repeat.datum.kind, certain, likely=True)

    def _said_again(self, heard: Heard) -> Finding | None:
        """The customer confirms later on what was said back right, and says it once more: 对,就是石桥村七组."""
        for repeat in key_repeats(heard, self.sure):
            if repeat.agent is None or not repeat.back.match or repeat.datum.kind not in UNMISTAKABLE:
                continue
            for turn in heard.turns[(repeat.back.turn or 0) + 1 :]:
                confirmation = self._confirmation(heard, turn.utterances) if turn.role is Role.CUSTOMER else None
                if confirmation and was_said(repeat.datum, [KeyTurn(0, CUSTOMER, _two_clauses(confirmation))]):
                    evidence = (repeat.agent.evidence(f"{repeat.datum.kind}的复述"), found(confirmation))
                    return Finding(outcome=Outcome.PASS, confidence=confirmation.confidence, evidence=evidence)
        return None

    def _confirmation(self, heard: Heard, utterances: Sequence[Utterance]) -> Hit | None:
        said = heard.settings.thresholds.said
        for utterance in utterances:
            for phrases, whole in ((self.phrases, False), (self.bare, True)):
                for hit in heard.alike(phrases, [utterance], lambda phrase: phrase.accept or said):
                    if _stands_alone(heard, hit, whole=whole):
                        return hit
        return None

    def _unconfirmed(self, heard: Heard, said_back: Sequence[SaidBack]) -> Finding:
        """Nothing is held against the agent where it is not certain that there was anything to confirm, or no reply."""
        replies = [reply_to(heard, one) for one in said_back]
        evidence: list[Evidence] = []
        for one, reply in zip(said_back, replies, strict=True):
            evidence += [one.words.evidence(f"{one.what}的复述"), searched(reply)]
        confidence = min(reply.confidence for reply in replies)
        if not any(one.certain for one in said_back):
            return unsure("坐席是否复述过不能确定,之后没有听到客户确认", confidence, *evidence)
        doubts = (
            heard.distrust(reply) or self._doubt(heard, one, reply)
            for one, reply in zip(said_back, replies, strict=True)
        )
        doubt = next(filter(None, doubts), None) or self._later_doubt(heard, said_back[0])
        return failed(self.missing, confidence, *evidence, doubt=doubt)

    def _doubt(self, heard: Heard, said: SaidBack, reply: Place) -> str | None:
        """Why a confirmation may have been missed."""
        if self._confirmation(heard, heard.elsewhere(reply)):
            return "说话人不明的一句话里有确认"
        if heard.dialogue.separation is Separation.DIARIZATION and self._answers_itself(heard, said.turn):
            return "坐席问了「对吗」又接着说「对」,可能是客户说的"
        if beginning := self._half_heard_yes(heard, reply):
            return f"客户的回答以「{beginning}」开头,可能是在确认"
        if yes := _yes_by_sound(heard, reply, YES_POSSIBLE):
            return f"客户的回答开头可能有一声「{_wording(yes)}」没有识别出来"
        spoken = any(span.overlap(reply.span) for span in heard.dialogue.voice_of(Role.CUSTOMER))
        return "客户应了一声,没有识别出文字" if spoken and not reply.utterances else None

    def _later_doubt(self, heard: Heard, first: SaidBack) -> str | None:
        """A confirmation of what may have been a restatement: a number, or something that the agent asked back."""
        for agents, turn in pairwise(heard.turns[first.turn :]):
            if turn.role is not Role.CUSTOMER or not _may_say_back(heard, normalise(agents.text)):
                continue
            if said := self._confirmation(heard, turn.utterances):
                return f"客户后来说了「{said.quote}」,可能是在确认"
        return None

    def _half_heard_yes(self, heard: Heard, reply: Place) -> str | None:
        """How a reply begins that may be a yes: 是挺吓人的, where no mark tells, 队,一闪一闪的, and 退充了两百块."""
        for utterance in reply.utterances[:1]:
            first = _first_clause(normalise(utterance.text))
            if not _ASKS.search(first) and (_begins_like_yes(first) or self._begins_bare(heard, utterance)):
                return first
        return None

    def _begins_bare(self, heard: Heard, utterance: Utterance) -> bool:
        hits = heard.alike(self.bare, [utterance], lambda phrase: phrase.accept or heard.settings.thresholds.said)
        return any(heard.settings.silences.is_assent(hit.text.chars[: hit.match.start]) for hit in hits)

    def _answers_itself(self, heard: Heard, turn: int) -> bool:
        """Does somebody ask 对吗 and go on with 对?"""
        said = heard.settings.thresholds.said
        for hit in heard.alike(self.phrases, heard.turns[turn].utterances, lambda phrase: phrase.accept or said):
            before = [hit.text.chars[start:end] for start, end in clauses(hit.text) if end <= hit.match.start]
            if before and manner_of(before[-1]).asks:
                return True
        return False


def reply_to(heard: Heard, said: SaidBack) -> Place:
    """What the customer says from the repeated words on until the agent goes on; also to a 对吗 that follows them."""
    next_turn = said.turn + 2
    if next_turn + 1 < len(heard.turns) and _only_asks(heard.turns[next_turn].text):
        next_turn += 2
    start_ms = said.words.span.start_ms
    end_ms = heard.turns[next_turn].span.start_ms if next_turn < len(heard.turns) else heard.dialogue.duration_ms
    span = Span(start_ms, max(start_ms, end_ms))
    customer = (u for u in heard.dialogue.trusted if u.role is Role.CUSTOMER)
    return Place(Role.CUSTOMER, span, tuple(u for u in customer if start_ms <= u.span.start_ms < end_ms))


def _is_form_of_address(repeat: Repeat) -> bool:
    """周先生 asks for no confirmation."""
    return repeat.datum.kind == "姓名" and repeat.datum.value == surname_of(repeat.datum.value)


def yes_queries(number: int, reply: Utterance) -> list[PhraseQuery]:
    """Was a yes said before a reply, the utterance with this number, or instead of its first words?"""
    ends = dict.fromkeys(accumulate((len(word.text) for word in reply.words[:YES_WORDS]), initial=0))
    return [PhraseQuery(number, 0, end, f"{yes},") for yes in YES for end in ends]


def _yes_by_sound(heard: Heard, reply: Place, limits: YesLimits) -> PhraseScore | None:
    """The likeliest yes that the recogniser lost or misheard at the beginning of the reply, from these limits on.

    Has the sound asked if it still can be.
    """
    if not reply.utterances:
        return None
    first = reply.utterances[0]
    queries = yes_queries(heard.dialogue.utterances.index(first), first)
    if heard.doubts is not None:
        heard.doubts.ask_which(queries)
    return max(
        filter(limits.allow, heard.answers.known(queries)), key=lambda yes: yes.log_likelihood_ratio, default=None
    )


def _denies_or_asks(reply: Place) -> bool:
    """不对 has 对 in it."""
    first = _first_clause(normalise(reply.utterances[0].text))
    return bool(_DENIES.search(first) or _ASKS.search(first))


def _yes_said(reply: Place, yes: PhraseScore) -> Evidence:
    first = reply.utterances[0]
    end = yes.query.end or len(first.words[0].text if first.words else first.text)
    detail = f"听录音核对为「{_wording(yes)}」"
    return Evidence(EvidenceKind.FOUND, reply.role, first.time_of(0, end), first.text[:end], detail)


def _wording(yes: PhraseScore) -> str:
    return yes.query.wording.rstrip(",")


def _first_clause(text: NormalText) -> str:
    """Without particles."""
    return without_fillers(text.chars[: text.clauses()[0][1]]) if text.chars else ""


def _may_say_back(heard: Heard, text: NormalText) -> bool:
    """Does it ask 对吗, or have a long number or a part of one that the customer gave?"""
    given = [datum.value for datum in heard.key_data if datum.kind in KINDS]
    for run in digit_strings(text):
        is_part = len(run.digits) >= PART_MIN_DIGITS and any(run.digits in value for value in given)
        if is_part or len(run.digits) >= NUMBER_MIN_DIGITS:
            return True
    return any(manner_of(text.chars[start:end]).asks for start, end in clauses(text))


def _begins_like_yes(clause: str) -> bool:
    """对 itself is found as such, unless it is none: 对面."""
    if clause[:1] in ("", RIGHT):
        return False
    return (
        sounds_like(clause[0], RIGHT)
        or _MISHEARD_YES.match(clause) is not None
        or _YES_WITHIN.match(clause) is not None
        or (len(clause) == 1 and sounds_like(clause, "是"))
    )


def _only_asks(text: str) -> bool:
    chars = normalise(text).chars
    return manner_of(chars).asks and not gist(chars)


def _stands_alone(heard: Heard, hit: Hit, *, whole: bool) -> bool:
    """Is there nothing but assent and numbers before it in its clause, or after it? With `whole`, on both sides."""
    text = hit.text
    start, end = text.clause_of(hit.match.start)[0], text.clause_of(hit.match.end - 1)[1]
    before = heard.settings.silences.is_assent(_NUMBER.sub("", text.chars[start : hit.match.start]))
    rest = text.chars[hit.match.end : end]
    after = heard.settings.silences.is_assent(rest)
    if whole:
        return before and (after or fillers(text.chars)[hit.match.end])
    return before or after


def _two_clauses(hit: Hit) -> NormalText:
    """The clause of a confirmation and the next one."""
    start, end = hit.text.clause_of(hit.match.start)
    if end < len(hit.text):
        _, end = hit.text.clause_of(end)
    return normalise(hit.text.quote(start, end))
