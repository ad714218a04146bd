"""Points: partial credit, penalties, parts; no item ever earns more than its points or less than none."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.operators.finding import Finding
from zhijian.rules.scoring import combine, points_earned

PASS = Finding(outcome=Outcome.PASS, confidence=1.0)
FAIL = Finding(outcome=Outcome.FAIL, confidence=0.8, reason="没有说")
UNSURE = Finding(outcome=Outcome.UNSURE, confidence=0.4, reason="听不清")
NA = Finding(outcome=Outcome.NA, confidence=1.0, reason="不适用")


@pytest.mark.parametrize(
    ("finding", "points"),
    [
        (PASS, Decimal(8)),
        (FAIL, Decimal(0)),
        (UNSURE, None),
        (NA, None),
        (Finding(outcome=Outcome.FAIL, confidence=1, reason="-", share=Fraction(1, 3)), Decimal("2.67")),
        (Finding(outcome=Outcome.FAIL, confidence=1, reason="-", share=Fraction(1), penalty=Decimal(3)), Decimal(5)),
        (Finding(outcome=Outcome.FAIL, confidence=1, reason="-", share=Fraction(1), penalty=Decimal(30)), Decimal(0)),
    ],
)
def test_points_earned(finding: Finding, points: Decimal | None) -> None:
    assert points_earned(finding, Decimal(8)) == points


@pytest.mark.parametrize(
    ("findings", "outcome", "points"),
    [
        ((PASS, PASS), Outcome.PASS, Decimal(6)),
        ((PASS, FAIL), Outcome.FAIL, Decimal(4)),
        ((FAIL, PASS), Outcome.FAIL, Decimal(2)),
        ((FAIL, FAIL), Outcome.FAIL, Decimal(0)),
        ((PASS, UNSURE), Outcome.UNSURE, None),
        ((FAIL, UNSURE), Outcome.FAIL, Decimal(2)),  # doubt about a part deducts nothing
        ((NA, PASS), Outcome.PASS, Decimal(6)),
        ((NA, NA), Outcome.NA, None),
    ],
)
def test_parts(findings: tuple[Finding, Finding], outcome: Outcome, points: Decimal | None) -> None:
    first, second = findings
    whole = combine([(Decimal(4), first), (Decimal(2), second)])
    assert (whole.outcome, points_earned(whole, Decimal(6))) == (outcome, points)


@given(
    share=st.fractions(min_value=0, max_value=1),
    penalty=st.decimals(min_value=0, max_value=100, places=2),
    points_max=st.decimals(min_value="0.5", max_value=100, places=1),
)
def test_points_stay_within_the_item(share: Fraction, penalty: Decimal, points_max: Decimal) -> None:
    finding = Finding(outcome=Outcome.FAIL, confidence=1.0, reason="-", share=share, penalty=penalty)
    points = points_earned(finding, points_max)
    assert points is not None
    assert 0 <= points <= points_max
