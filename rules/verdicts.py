"""How probable it is that a verdict is right, and which deductions are too doubtful to stand.

Logistic curves over how well the call was heard, and whether the verdict rests on something that was not heard.
models/training/train_verdicts.py fits them; verdicts.json holds them.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from zhijian.models.records.scorecard import EvidenceKind, Outcome
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.settings import Settings
from zhijian.rules.operators.finding import Finding


@dataclass(frozen=True, slots=True)
class Clues:
    """What tells how far a verdict can be trusted.

    `clarity` (0..1) is that of the dialogue; `unheard`: it rests on something that was looked for and not heard.
    """

    clarity: float
    unheard: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """Weights of the log odds, those of the clues under their names."""

    intercept: float
    clarity: float
    unheard: float

    def probability(self, clues: Clues) -> float:
        """0..1"""
        log_odds = self.intercept + self.clarity * clues.clarity + self.unheard * clues.unheard
        return 1 / (1 + math.exp(-log_odds))


@cache
def curves() -> dict[Outcome, Curve]:
    """Those that were fitted: what does not apply has that of a pass, for neither deducts."""
    fitted = json.loads(files("zhijian.rules").joinpath("verdicts.json").read_text(encoding="utf-8"))
    return {outcome: Curve(**fitted["pass" if outcome is Outcome.NA else outcome]) for outcome in Outcome}


def weighed(finding: Finding, heard: Heard) -> Finding:
    """The finding with the probability that it is right; of an unsure one, that the deduction it withholds would be.

    A deduction below the standard's threshold is unsure. What the call record settles stays as sure as that is.
    """
    if (known := clues(finding, heard)) is None:
        return finding
    confidence = curves()[finding.outcome].probability(known)
    if finding.outcome is Outcome.FAIL and confidence < heard.settings.thresholds.deduct:
        reason = f"{finding.reason};但{too_doubtful(heard.settings)}"
        return replace(finding, outcome=Outcome.UNSURE, confidence=confidence, reason=reason, banned=())
    return replace(finding, confidence=confidence)


def clues(finding: Finding, heard: Heard) -> Clues | None:
    """None where the call record alone settles it."""
    kinds = {evidence.kind for evidence in finding.evidence}
    if kinds == {EvidenceKind.RECORD}:
        return None
    return Clues(heard.dialogue.clarity, finding.outcome is Outcome.NA or EvidenceKind.SEARCHED in kinds)


def too_doubtful(settings: Settings) -> str:
    """Why a deduction does not stand, in Chinese."""
    return f"通话听得不够清楚,扣分的把握不足 {settings.thresholds.deduct:.0%}"
