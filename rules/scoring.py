"""From findings to points: partial credit, penalties, and items made of parts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.operators.finding import Finding

_CENT = Decimal("0.01")


def points_earned(finding: Finding, points_max: Decimal) -> Decimal | None:
    """All points for a pass; for a fail its share less its penalty, never below 0; None where nothing counts."""
    if finding.outcome is Outcome.PASS:
        return points_max
    if finding.outcome is not Outcome.FAIL:
        return None
    kept = points_max * finding.share.numerator / finding.share.denominator
    return max(Decimal(0), (kept - finding.penalty).quantize(_CENT, ROUND_HALF_UP))


def combine(parts: Sequence[tuple[Decimal, Finding]]) -> Finding:
    """The finding of an item from those of its parts, each with its points.

    One failed part fails the item, which keeps the points of the others: doubt about a part deducts nothing. A part
    that does not apply leaves the item; all of them must apply for a plain pass.
    """
    findings = [finding for _, finding in parts]
    outcome = next(
        outcome
        for outcome in (Outcome.FAIL, Outcome.UNSURE, Outcome.PASS, Outcome.NA)
        if any(finding.outcome is outcome for finding in findings)
    )
    decisive = [finding for finding in findings if finding.outcome is outcome]
    shown = decisive if outcome is not Outcome.FAIL else findings
    lost = sum((points for points, finding in parts if finding.outcome is Outcome.FAIL), Decimal(0))
    total = sum((points for points, _ in parts), Decimal(0))
    return Finding(
        outcome=outcome,
        confidence=min(finding.confidence for finding in decisive),
        reason=";".join(finding.reason for finding in decisive if finding.reason) or None,
        evidence=tuple(evidence for finding in shown for evidence in finding.evidence),
        share=Fraction(total - lost) / Fraction(total),
    )
