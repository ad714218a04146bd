"""What an operator finds in a call, and what every operator is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction

from zhijian.models.records.scorecard import BannedHit, Evidence, KeyDatum, Outcome
from zhijian.rules.call.excuses import NO_EXCUSES, Excuses
from zhijian.rules.call.heard import Heard, found, searched
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on a call, before points.

    Of a fail's points `share` (0..1) is kept and `penalty` taken off; `grave` says whether a veto item may veto for it.
    `reason` is Chinese and holds no customer data; fail and unsure have one. A pass that is not `certain` is enough to
    spare the agent, and not to demand anything. `confidence` (0..1) is how sure its operator is, of a whole item the
    probability that it is right (verdicts.py).
    """

    outcome: Outcome
    confidence: float
    reason: str | None = None
    evidence: tuple[Evidence, ...] = ()
    share: Fraction = Fraction(0)
    penalty: Decimal = Decimal(0)
    grave: bool = True
    certain: bool = True
    banned: tuple[BannedHit, ...] = ()
    key_info: tuple[KeyDatum, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A check in Chinese sentences for a monitor: what is asked for, the reasons of a fail, what leaves it open.

    A line of `asked` that belongs to the one before it is indented by two spaces.
    """

    asked: tuple[str, ...]
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


class Operator(Term):
    """A question to a call with its parameters, as a rule file writes it. Operators keep no state."""

    @abstractmethod
    def look(self, heard: Heard) -> Finding:
        """The answer; the same for the same call."""

    @abstractmethod
    def explain(self, settings: Settings) -> Explanation:
        """The question in words, under the settings of its standard."""


def passed(*hits: Hit) -> Finding:
    """It was said; all of `hits` were needed."""
    confidence = min((hit.confidence for hit in hits), default=1.0)
    return Finding(outcome=Outcome.PASS, confidence=confidence, evidence=tuple(found(hit) for hit in hits))


def not_applicable(reason: str, evidence: tuple[Evidence, ...] = ()) -> Finding:
    return Finding(outcome=Outcome.NA, confidence=1.0, reason=reason, evidence=evidence)


def unsure(reason: str, confidence: float, *evidence: Evidence) -> Finding:
    return Finding(outcome=Outcome.UNSURE, confidence=confidence, reason=reason, evidence=evidence)


def failed(reason: str, confidence: float, *evidence: Evidence, doubt: str | None) -> Finding:
    """A fail; where there is reason to `doubt` it, unsure."""
    if doubt:
        return unsure(f"{reason};但{doubt}", confidence, *evidence)
    return Finding(outcome=Outcome.FAIL, confidence=confidence, reason=reason, evidence=evidence)


def doubted(finding: Finding, doubt: str, *evidence: Evidence) -> Finding:
    """A fail that rests on something doubtful is unsure; a pass, and what does not apply, stays."""
    if finding.outcome in (Outcome.PASS, Outcome.NA):
        return finding
    return unsure(f"{finding.reason};但{doubt}", finding.confidence, *finding.evidence, *evidence)


def worst(findings: Sequence[Finding]) -> Finding:
    """The gravest outcome, with the reasons and the evidence of all that share it."""
    gravity = (Outcome.FAIL, Outcome.UNSURE, Outcome.PASS, Outcome.NA)
    outcome = next(outcome for outcome in gravity if any(finding.outcome is outcome for finding in findings))
    alike = [finding for finding in findings if finding.outcome is outcome]
    return merged(alike) if len(alike) > 1 else alike[0]


def merged(findings: Sequence[Finding]) -> Finding:
    """Findings of one outcome as one, which rests on all of them."""
    return Finding(
        outcome=findings[0].outcome,
        confidence=min(finding.confidence for finding in findings),
        reason=";".join(dict.fromkeys(finding.reason for finding in findings if finding.reason)) or None,
        evidence=tuple(dict.fromkeys(evidence for finding in findings for evidence in finding.evidence)),
        share=min(finding.share for finding in findings),
        penalty=sum((finding.penalty for finding in findings), Decimal(0)),
        grave=any(finding.grave for finding in findings),
        certain=all(finding.certain for finding in findings),
        banned=tuple(hit for finding in findings for hit in finding.banned),
        key_info=tuple(datum for finding in findings for datum in finding.key_info),
    )


def presence(
    heard: Heard,
    place: Place,
    phrases: tuple[Phrase, ...],
    missing: str,
    *,
    at_least: int = 1,
    unless: Excuses = NO_EXCUSES,
) -> Finding:
    """Was one of the phrases said there, or so many? Doubt, about words or place, is never held against the agent.

    `missing` is the reason of a fail.
    """
    said = _best_first(heard, heard.hits(phrases, place.utterances, unless=unless))[:at_least]
    if len(said) == at_least:
        return replace(passed(*said), certain=all(map(heard.is_certain, said)))
    heard.ask_for(phrases, place.utterances)
    unclear = heard.hits(phrases, heard.elsewhere(place), unless=unless)
    if len(said) + len(unclear) >= at_least:
        return unsure(f"说话人不明的一句话里有「{unclear[0].phrase}」", unclear[0].confidence, found(unclear[0]))
    alike = _best_first(heard, heard.hits(phrases, place.utterances, nearly=True, unless=unless))
    nearest = alike[at_least - 1] if len(alike) >= at_least else None
    doubt = f"有一处听来像「{nearest.phrase}」" if nearest else heard.distrust_of_phrases(place)
    return failed(missing, place.confidence, searched(place, nearest), doubt=doubt)


def _best_first(heard: Heard, hits: Sequence[Hit]) -> list[Hit]:
    return sorted(hits, key=lambda hit: (heard.is_certain(hit), hit.match.similarity), reverse=True)
