"""The rule of an item as Chinese sentences that a monitor understands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.settings import Settings
from zhijian.rules.language import Case, Rule
from zhijian.rules.operators.finding import Explanation
from zhijian.rules.operators.sentences import indented
from zhijian.rules.standard import Item
from zhijian.rules.verdicts import too_doubtful

_OUTCOMES = {Outcome.PASS: "得满分", Outcome.NA: "不适用"}


@dataclass(frozen=True, slots=True)
class ItemExplanation:
    """`cases` are settled by the call record and come first; of the rest `asked` is asked.

    `reasons` are those of a deduction, `doubts` what sends the item to a monitor instead.
    """

    id: str
    name: str
    points: Decimal
    veto: bool
    note: str
    cases: tuple[str, ...]
    asked: tuple[str, ...]
    reasons: tuple[str, ...]
    doubts: tuple[str, ...]

    def __str__(self) -> str:
        title = f"{self.id} {self.name}:{self.points} 分{',不合格一票否决' if self.veto else ''}"
        sections = (
            ("先看通话本身:", self.cases),
            ("其余的通话,要求:" if self.cases else "要求:", self.asked),
            ("扣分理由:", self.reasons),
            ("存疑,不扣分,由质检员听录音核对:", self.doubts),
        )
        lines = [title, *self.note.splitlines()]
        for heading, section in sections:
            if section:
                lines += ["", heading, *indented(section)]
        return "\n".join(lines)


def explain(item: Item, settings: Settings) -> ItemExplanation:
    """The item's rule under the settings of its standard."""
    explained = [*_of_cases(item.rule, settings), *_of_rule(item.rule, settings)]
    return ItemExplanation(
        item.id,
        item.name,
        item.points,
        item.veto,
        (item.rule.note or "").strip(),
        cases=tuple(line for case in item.rule.cases for line in _case(case, settings)),
        asked=tuple(line for part in _of_rule(item.rule, settings) for line in part.asked),
        reasons=tuple(dict.fromkeys(reason for one in explained for reason in one.reasons)),
        doubts=tuple(dict.fromkeys((*(doubt for one in explained for doubt in one.doubts), too_doubtful(settings)))),
    )


def _case(case: Case, settings: Settings) -> tuple[str, ...]:
    """What follows from the call record, or what is asked instead."""
    when = case.when.in_words()
    if case.outcome is not None:
        return (f"{when}:{_OUTCOMES[case.outcome]}",)
    return (f"{when}的,改为要求:", *indented(case.check.operator.explain(settings).asked))


def _of_cases(rule: Rule, settings: Settings) -> Iterator[Explanation]:
    for case in rule.cases:
        if case.check is not None:
            yield case.check.operator.explain(settings)


def _of_rule(rule: Rule, settings: Settings) -> Iterator[Explanation]:
    """Its check, or its parts, each under its name and points."""
    if rule.check:
        yield rule.check.operator.explain(settings)
    for part in rule.parts:
        explained = part.check.operator.explain(settings)
        yield Explanation(
            asked=(f"{part.name}({part.points} 分):", *indented(explained.asked)),
            reasons=explained.reasons,
            doubts=explained.doubts,
        )
