from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.pipeline.ledger.formula import Formula, FormulaError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b * c", Fraction(7)),
        ("(a + b) * c", Fraction(9)),
        ("a / c / c", Fraction(1, 9)),
        ("1 - b / 8", Fraction(3, 4)),
        ("0.1 + 0.2", Fraction(3, 10)),
        ("c - a - a", Fraction(1)),
    ],
)
def test_arithmetic_without_rounding(text, value):
    assert Formula(text).value({"a": Fraction(1), "b": Fraction(2), "c": Fraction(3)}) == value


def test_what_is_divided_by_zero_has_no_value():
    assert Formula("1 / (a - a)").value({"a": Fraction(5)}) is None


def test_the_names_in_it():
    assert Formula("(a + team_b) / a").names == {"a", "team_b"}


@pytest.mark.parametrize(
    "text",
    [
        "a ** 2",
        "a if b else c",
        "f(a)",
        "a.b",
        "a[0]",
        "'a'",
        "a and b",
        "a < b",
        "-a",
        "lambda: a",
        "a //b",
        "1j",
        "True",
        "",
        "a b",
    ],
)
def test_nothing_else(text):
    with pytest.raises(FormulaError):
        Formula(text)


@given(st.text(max_size=30))
def test_any_text_is_a_formula_or_refused(text):
    try:
        formula = Formula(text)
    except FormulaError:
        return
    value = formula.value(dict.fromkeys(formula.names, Fraction(3)))
    assert value is None or isinstance(value, Fraction)
