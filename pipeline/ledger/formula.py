"""Formulas of a scheme, e.g. `(answered / team_answered) / (scheduled_s / team_scheduled_s)`: plain arithmetic."""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class FormulaError(ValueError):
    """The text is no formula; the message says which part of it."""


@dataclass(frozen=True, slots=True)
class Formula:
    """Names, whole numbers, decimals, + - * / and brackets; reckoned in fractions, so that nothing is rounded."""

    text: str

    def __post_init__(self) -> None:
        """Raises FormulaError."""
        for node in ast.walk(self._tree().body):
            allowed = (ast.BinOp, ast.Name, ast.Constant, *_OPERATORS, ast.Load)
            if not isinstance(node, allowed) or (
                isinstance(node, ast.Constant) and type(node.value) not in (int, float)
            ):
                part = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__
                raise FormulaError(f"{part!r}: a formula has names, numbers, + - * / and brackets only")

    @property
    def names(self) -> frozenset[str]:
        return frozenset(node.id for node in ast.walk(self._tree()) if isinstance(node, ast.Name))

    def value(self, of: Mapping[str, Fraction]) -> Fraction | None:
        """The value, all names given; None where something is divided by zero."""
        try:
            return self._value(self._tree().body, of)
        except ZeroDivisionError:
            return None

    def _value(self, node: ast.expr, of: Mapping[str, Fraction]) -> Fraction:
        match node:
            case ast.BinOp(left, op, right):
                return _OPERATORS[type(op)](self._value(left, of), self._value(right, of))
            case ast.Name(id):
                return of[id]
            case _:
                return Fraction(ast.unparse(node))

    def _tree(self) -> ast.Expression:
        try:
            return ast.parse(self.text, mode="eval")
        except (SyntaxError, ValueError):
            raise FormulaError(f"{self.text!r} cannot be read as a formula") from None
