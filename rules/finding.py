"""What an operator finds in a call, and what every operator is."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from zhijian.models.records.scorecard import BannedHit, Evidence, KeyDatum, Outcome
from zhijian.rules.heard import Heard, Place, found, searched
from zhijian.rules.phrases import Hit
from zhijian.rules.terms import Phrase, Term


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict on a call, before points.

    Of a fail's points `share` (0..1) is kept and `penalty` taken off; `grave` says whether a veto item may veto for it.
    `reason` is Chinese and holds no customer data; fail and unsure have one.
    """

    outcome: Outcome
    confidence: float
    reason: str | None = None
    evidence: tuple[Evidence, ...] = ()
    share: Fraction = Fraction(0)
    penalty: Decimal = Decimal(0)
    grave: bool = True
    banned: tuple[BannedHit, ...] = ()
    key_info: tuple[KeyDatum, ...] = ()


class Operator(Term):
    """A question to a call with its parameters, as a rule file writes it. Operators keep no state."""

    @abstractmethod
    def look(self, heard: Heard) -> Finding:
        """The answer; the same for the same call."""


def passed(*hits: Hit) -> Finding:
    """It was said; all of `hits` were needed."""
    confidence = min((hit.confidence for hit in hits), default=1.0)
    return Finding(outcome=Outcome.PASS, confidence=confidence, evidence=tuple(found(hit) for hit in hits))


def not_applicable(reason: str, evidence: tuple[Evidence, ...] = ()) -> Finding:
    return Finding(outcome=Outcome.NA, confidence=1.0, reason=reason, evidence=evidence)


def unsure(reason: str, confidence: float, *evidence: Evidence) -> Finding:
    return Finding(outcome=Outcome.UNSURE, confidence=confidence, reason=f"{reason},请听录音核对", evidence=evidence)


def failed(reason: str, confidence: float, *evidence: Evidence, doubt: str | None) -> Finding:
    """A fail; where there is reason to `doubt` it, unsure."""
    if doubt:
        return unsure(f"{reason};但{doubt}", confidence, *evidence)
    return Finding(outcome=Outcome.FAIL, confidence=confidence, reason=reason, evidence=evidence)


def presence(heard: Heard, place: Place, phrases: tuple[Phrase, ...], missing: str) -> Finding:
    """Was one of the phrases said there? Doubt, about the words or about the place, is never held against the agent.

    `missing` is the reason of a fail.
    """
    if hit := heard.said(phrases, place.utterances):
        return passed(hit)
    if hit := heard.said(phrases, heard.elsewhere(place)):
        return unsure(f"说话人不明的一句话里有「{hit.phrase}」", hit.confidence, found(hit))
    nearest = heard.nearest(phrases, place.utterances)
    doubt = f"有一处听来像「{nearest.phrase}」" if nearest else heard.distrust(place)
    return failed(missing, place.confidence, searched(place, nearest), doubt=doubt)
