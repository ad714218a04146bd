"""服务忌语: phrases that the agent must not say, with what excuses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial
from itertools import zip_longest

from pydantic import Field

from zhijian.models.records.dialogue import Role, Turn, Utterance
from zhijian.models.records.scorecard import BannedHit, Evidence, Outcome, Tier
from zhijian.rules.call.excuses import NO_EXCUSES, Excuses, Text, nearby
from zhijian.rules.call.heard import Heard, found
from zhijian.rules.call.phrases import Hit, find, hits
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase, PhraseList, Phrases, Scope, Term
from zhijian.rules.operators.finding import Explanation, Finding, Operator, unsure
from zhijian.rules.operators.sentences import listed
from zhijian.rules.words.pinyin import sounds_like
from zhijian.rules.words.text import NormalText, fillers, normalise

SHORT_CHARS = 3
"""Phrases up to this length have too many neighbours (方不方便, 烦不烦) to be recognised by a similar sound."""
NEGATIONS = "不没别"
"""What turns a phrase into its opposite has to be heard: 做得了 is not 做不了."""
_SOMEBODY = "(?<![找跟给向对和同让])(?:[他她]们?|师傅|抄表员|员工)"
_TOLD = re.compile(f"[说讲]的$|{_SOMEBODY}.{{0,8}}(?<!老实|实话)(?<!再)[说讲]$")
_OWN = re.compile("(?<![跟给和对同])我.{0,8}[说讲]的?$")
REPORTING = ("说", "讲")
"""A clause that begins so tells what somebody said: 他头也不抬,说爱办不办."""
TELLING_CHARS = 6
"""Before the customer has said so much, what he is angry about was before the call."""
QUOTED_SUBJECTS = "你您我"
"""May stand between the words that make a phrase a quotation and the phrase: 您刚才说我没办法."""

TIERS = {Tier.MINOR: "轻微", Tier.MAJOR: "较重", Tier.SEVERE: "严重"}


class Wording(Phrase):
    """A wording of an entry; `literal` and `ends_clause` as there, for this wording alone."""

    literal: bool = False
    ends_clause: bool = False


class BannedPhrase(Term):
    """One entry of the list, with the wording recommended instead and its own proof.

    `also` are other wordings of the same. `accept` and `doubt` are similarities as in `NeverSays`, where those do not
    fit. `literal` wants the very characters, for phrases whose sound is too common; `ends_clause` wants nothing but
    particles between the phrase and the next comma or stop. `hits` and `no_hits` are things an agent says.
    """

    phrase: str
    also: tuple[Wording, ...] = ()
    tier: Tier
    reason: str
    instead: str
    accept: float | None = Field(default=None, gt=0, le=1)
    doubt: float | None = Field(default=None, gt=0, le=1)
    literal: bool = False
    ends_clause: bool = False
    unless: Excuses = NO_EXCUSES
    hits: tuple[Text, ...] = Field(min_length=1)
    no_hits: tuple[Text, ...] = Field(min_length=1)

    @cached_property
    def wordings(self) -> tuple[Wording, ...]:
        """All of them, each with the entry's demands on its form."""
        return tuple(
            wording.model_copy(
                update={
                    "literal": wording.literal or self.literal,
                    "ends_clause": wording.ends_clause or self.ends_clause,
                }
            )
            for wording in (Wording(text=self.phrase), *self.also)
        )


@dataclass(frozen=True, slots=True)
class Spoken:
    """An entry that was said, or may have been: `certain` says which.

    `protest` is the customer's, where that made it certain. `echoes`: the customer had said the same, so that the agent
    may only quote it.
    """

    entry: BannedPhrase
    hit: Hit
    certain: bool
    protest: Hit | None = None
    echoes: bool = False

    @property
    def start(self) -> int:
        return self.hit.match.start

    @property
    def end(self) -> int:
        return self.hit.match.end

    @property
    def name(self) -> str:
        """The entry with its tier, in Chinese."""
        return f"{self.entry.phrase}({TIERS[self.entry.tier]}{',客户当即不满' if self.protest else ''})"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        return (found(self.hit), found(self.protest)) if self.protest else (found(self.hit),)

    def record(self) -> BannedHit:
        return BannedHit(self.entry.phrase, self.entry.tier, self.hit.span, self.hit.quote)


class NeverSays(Operator):
    """None of the banned phrases is said by the agent; each one said costs the points of its tier.

    `quoting` are the words before a quotation, `polite` what excuses a minor phrase. A phrase at least `accept` alike
    was said; between `doubt` and that it may have been. Inside a longer listed phrase a shorter one does not count.

    `protests` are what a customer answers to rude words. Where the sound leaves open whether a phrase was said, his
    protest right after it decides; where none was found, it leaves a doubt.
    """

    penalties: dict[Tier, Decimal]
    accept: float = Field(gt=0, le=1)
    doubt: float = Field(gt=0, le=1)
    quoting: Phrases
    polite: Phrases
    protests: Phrases
    entries: tuple[BannedPhrase, ...]

    def look(self, heard: Heard) -> Finding:
        spoken = tuple(self.spoken(heard))
        certain = [one for one in spoken if one.certain]
        if certain:
            return Finding(
                outcome=Outcome.FAIL,
                confidence=min(one.hit.confidence for one in certain),
                reason="说了服务忌语:" + "、".join(one.name for one in certain),
                evidence=tuple(evidence for one in certain for evidence in one.evidence),
                share=Fraction(1),
                penalty=sum((self.penalties[one.entry.tier] for one in certain), Decimal(0)),
                grave=any(one.entry.tier is Tier.SEVERE for one in certain),
                banned=tuple(one.record() for one in certain),
            )
        if spoken:
            reason = "疑似说了服务忌语:" + "、".join(one.entry.phrase for one in spoken)
            if any(one.echoes for one in spoken):
                reason += "(客户说过同样的话,可能是转述)"
            return unsure(reason, max(one.hit.confidence for one in spoken), *(found(one.hit) for one in spoken))
        if protest := next((hit for _, hit in self._with_protests(heard) if hit), None):
            reason = f"客户不满坐席说的话(「{protest.phrase}」),而没有听出服务忌语"
            return unsure(reason, protest.confidence, found(protest))
        return Finding(outcome=Outcome.PASS, confidence=heard.place(Scope()).confidence)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                "坐席不说下列服务忌语,每说一次扣一次分,扣完为止:",
                *(
                    f"  {TIERS[tier]},每次扣 {points} 分:"
                    + "".join(f"「{entry.phrase}」" for entry in self.entries if entry.tier is tier)
                    for tier, points in self.penalties.items()
                ),
                f"  客户当即不满的,如{listed(self.protests)},听不准的也算",
                f"  引用别人的话不算,如前面有{listed(self.quoting)}",
                f"  客气地说不算{TIERS[Tier.MINOR]}的,如同一句里有{listed(self.polite)}",
                "  各条另有不算的情况,见规则文件",
            ),
            reasons=("说了服务忌语",),
            doubts=(
                "只是听来像服务忌语",
                "像服务忌语的那几个字,识别的把握太低",
                "客户说过同样的话,坐席可能是转述",
                "没有听出服务忌语,而客户不满坐席说的话",
            ),
        )

    def spoken(self, heard: Heard) -> Iterator[Spoken]:
        """Every entry the agent said or may have said, excused ones left out, in order."""
        customer: list[Turn] = []
        for turn, protest in self._with_protests(heard):
            if turn.role is not Role.AGENT:
                customer.append(turn)
                continue
            for utterance, near in heard.near(self.listens_for, turn.utterances):
                for one in _longest(self._candidates(utterance, near, heard.settings)):
                    if not self._excused(one, turn, heard):
                        yield _unless_quoted(_settled(one, heard, protest), customer, heard)

    def _with_protests(self, heard: Heard) -> Iterator[tuple[Turn, Hit | None]]:
        """All turns; the agent's, once the customer has told something, with the customer's protest right after."""
        told_chars = 0
        for turn, answer in zip_longest(heard.turns, heard.turns[1:]):
            if turn.role is Role.CUSTOMER:
                told_chars += len(turn.text)
            answered = turn.role is Role.AGENT and answer is not None and answer.role is Role.CUSTOMER
            protests = answered and told_chars >= TELLING_CHARS
            yield turn, heard.said(self.protests, answer.utterances) if protests else None

    def _candidates(self, utterance: Utterance, near: Mapping[str, float], settings: Settings) -> Iterator[Spoken]:
        """What sounds like one of the wordings."""
        for place in self.listens_for.among(near):
            entry, wording, accept, doubt = self._sought[place]
            if near[wording.clue] >= doubt:
                for hit in hits(wording, utterance, min_similarity=doubt):
                    if _in_form(wording, hit):
                        sure = hit.word_confidence >= settings.thresholds.word_confidence
                        yield Spoken(entry, hit, certain=sure and hit.match.similarity >= accept)

    @cached_property
    def listens_for(self) -> PhraseList:
        """All wordings, accepted from where they are doubtful."""
        return PhraseList(wording.model_copy(update={"accept": doubt}) for _, wording, _, doubt in self._sought)

    @cached_property
    def _sought(self) -> tuple[tuple[BannedPhrase, Wording, float, float], ...]:
        """All wordings with their entries and limits."""
        return tuple(
            (entry, wording, *self._limits(entry, wording)) for entry in self.entries for wording in entry.wordings
        )

    def _limits(self, entry: BannedPhrase, wording: Wording) -> tuple[float, float]:
        """The similarities from which a wording counts as said, and as doubtful; short ones need their exact sound."""
        if len(normalise(wording.text)) <= SHORT_CHARS:
            return 1.0, 1.0
        return wording.accept or entry.accept or self.accept, entry.doubt or self.doubt

    def _excused(self, one: Spoken, turn: Turn, heard: Heard) -> bool:
        has = partial(heard.has, at_least=self.accept)
        return (
            one.entry.unless.excuse(one.hit, turn.text, has)
            or (one.entry.tier is Tier.MINOR and has(self.polite, nearby(one.hit)))
            or self._quoted(one.hit.text, one.start, heard)
        )

    def _quoted(self, text: NormalText, start: int, heard: Heard) -> bool:
        """Do quoting words stand right before the phrase, but for particles and its subject?"""
        sentence_start, _ = text.sentence_of(start)
        skipped = fillers(text.chars)
        while start > sentence_start and (skipped[start - 1] or text.chars[start - 1] in QUOTED_SUBJECTS):
            start -= 1
        ahead = normalise(text.quote(sentence_start, start))
        return any(
            match.end == len(ahead)
            for phrase in heard.possible(self.quoting, ahead.raw, self.accept)
            for match in find(phrase, ahead, min_similarity=self.accept)
        )


def _settled(one: Spoken, heard: Heard, protest: Hit | None) -> Spoken:
    """A doubt is certain if the sound confirms it; if not, another wording of the same may still have been said.

    The customer heard it, too: after a protest it is enough if the sound does not speak against it.
    """
    if one.certain or one.hit.match.similarity == 1:
        return one
    heard.ask([one.hit])
    hit, thresholds = heard.answers.weighed(one.hit), heard.settings.thresholds
    if hit.belief is None or hit.belief < thresholds.possible:
        return replace(one, hit=hit)
    if hit.belief >= thresholds.certain:
        return replace(one, hit=hit, certain=True)
    return replace(one, hit=hit, certain=protest is not None, protest=protest)


def _unless_quoted(one: Spoken, customer: Sequence[Turn], heard: Heard) -> Spoken:
    """A doubt if it may be the customer's words: said in what the agent answers, and here only a part of a clause.

    After 您说的 or 他们讲 the customer may have said it in any turn before. Nobody quotes insults to a customer.
    """
    if not one.certain or one.entry.tier is Tier.SEVERE:
        return one
    text = one.hit.text
    start, end = text.clause_of(one.start)
    sentence_start, _ = text.sentence_of(one.start)
    ahead = text.chars[sentence_start : one.start]
    if (_TOLD.search(ahead) or text.chars[start : one.start] in REPORTING) and not _OWN.search(ahead):
        turns = customer
    else:
        turns = customer[-1:] if one.end - one.start < end - start else []
    said = tuple(utterance for turn in turns for utterance in turn.utterances)
    echoes = heard.said([Phrase(text=one.hit.phrase)], said) is not None
    return replace(one, certain=not echoes, echoes=echoes)


def _longest(candidates: Iterable[Spoken]) -> list[Spoken]:
    """Of candidates that overlap the certain ones win, then the longer; in order."""
    chosen: list[Spoken] = []
    for one in sorted(candidates, key=lambda one: (not one.certain, one.start - one.end)):
        if all(one.end <= other.start or one.start >= other.end for other in chosen):
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.start)


def _in_form(wording: Wording, hit: Hit) -> bool:
    """Does the hit keep the negations, and meet the wording's demands on characters and place in the clause?"""
    heard = hit.text.chars[hit.match.start : hit.match.end]
    if (wording.literal and not hit.match.exact) or not all(
        wording.text.count(negation) <= sum(sounds_like(negation, char) for char in heard) for negation in NEGATIONS
    ):
        return False
    if not wording.ends_clause:
        return True
    _, clause_end = hit.text.clause_of(hit.match.end - 1)
    return all(fillers(hit.text.chars)[hit.match.end : clause_end])
