"""Checks made of checks: where a situation arose, all of them, any of them, not this one, perhaps this one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.heard import Heard, searched
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Scope
from zhijian.rules.operators.finding import (
    Explanation,
    Finding,
    Operator,
    doubted,
    failed,
    merged,
    not_applicable,
    unsure,
    worst,
)
from zhijian.rules.operators.sentences import indented

if TYPE_CHECKING:
    from zhijian.rules.operators.table import Check  # is made of these classes


class Given(Operator):
    """What `then` finds, where the `situation` arose; `otherwise` is the reason why the item does not apply."""

    situation: Check
    otherwise: str
    then: Check

    def look(self, heard: Heard) -> Finding:
        situation = self.situation.operator.look(heard)
        if situation.outcome in (Outcome.FAIL, Outcome.NA):
            return not_applicable(self.otherwise)
        finding = self.then.operator.look(heard)
        if situation.outcome is Outcome.UNSURE or not situation.certain:
            why = f"({situation.reason})" if situation.reason else ""
            return doubted(finding, f"不能确定属于这种情况{why}", *situation.evidence)
        return replace(finding, evidence=tuple(dict.fromkeys((*situation.evidence, *finding.evidence))))

    def explain(self, settings: Settings) -> Explanation:
        situation, then = self.situation.operator.explain(settings), self.then.operator.explain(settings)
        return Explanation(
            asked=(
                "有这种情况的:",
                *indented(situation.asked),
                "要求:",
                *indented(then.asked),
                f"没有这种情况的,不适用:{self.otherwise}",
            ),
            reasons=then.reasons,
            doubts=("没有做到,而又不能确定有这种情况", *situation.doubts, *then.doubts),
        )


class _OfSeveral(Operator):
    """Written as the list of its checks. Checks that do not apply are left out; without any the whole does not."""

    checks: tuple[Check, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        if not isinstance(value, list):
            raise ValueError("all 和 any 下面写列表:每行以“- ”开头,写一个算子")
        return {"checks": value}

    def _explained(self, heading: str, settings: Settings) -> Explanation:
        explained = [check.operator.explain(settings) for check in self.checks]
        numbered = (line for number, one in enumerate(explained, 1) for line in _numbered(number, one.asked))
        return Explanation(
            asked=(heading, *numbered),
            reasons=tuple(dict.fromkeys(reason for one in explained for reason in one.reasons)),
            doubts=tuple(dict.fromkeys(doubt for one in explained for doubt in one.doubts)),
        )


class AllOf(_OfSeveral):
    """Every one of the checks passes."""

    def look(self, heard: Heard) -> Finding:
        return worst([check.operator.look(heard) for check in self.checks])

    def explain(self, settings: Settings) -> Explanation:
        return self._explained("各条都符合(不适用的除外):", settings)


class AnyOf(_OfSeveral):
    """One of the checks passes: the first that does so for certain, else the one that does so most probably."""

    def look(self, heard: Heard) -> Finding:
        findings: list[Finding] = []
        for check in self.checks:
            findings.append(check.operator.look(heard))
            if findings[-1].outcome is Outcome.PASS and findings[-1].certain:
                return findings[-1]
        passes = [finding for finding in findings if finding.outcome is Outcome.PASS]
        if passes:
            return max(passes, key=lambda finding: finding.confidence)
        doubtful = [finding for finding in findings if finding.outcome is Outcome.UNSURE]
        return merged(doubtful) if doubtful else worst(findings)

    def explain(self, settings: Settings) -> Explanation:
        return self._explained("至少符合一条:", settings)


class Not(Operator):
    """The check fails. `reason` is the reason of a fail, where it passes."""

    check: Check
    reason: str

    def look(self, heard: Heard) -> Finding:
        finding = self.check.operator.look(heard)
        if finding.outcome is Outcome.PASS:
            evidence = finding.evidence or (searched(heard.place(Scope())),)
            doubt = None if finding.certain else "听得不够确切"
            return failed(self.reason, finding.confidence, *evidence, doubt=doubt)
        if finding.outcome is Outcome.FAIL:
            return Finding(outcome=Outcome.PASS, confidence=finding.confidence)
        if finding.outcome is Outcome.UNSURE:
            return unsure(f"疑似{self.reason}", finding.confidence, *finding.evidence)
        return finding

    def explain(self, settings: Settings) -> Explanation:
        explained = self.check.operator.explain(settings)
        return Explanation(
            asked=("没有下列情况:", *indented(explained.asked)),
            reasons=(self.reason,),
            doubts=("可能有这种情况,但听得不够确切",),
        )


class Perhaps(Operator):
    """A check that passes too easily: where it does there is a doubt, and no verdict. `reason` says which.

    Where it fails it has nothing to show: what was looked for is shown by the checks beside it.
    """

    check: Check
    reason: str

    def look(self, heard: Heard) -> Finding:
        # few questions are asked of the sound: none is spent on this
        finding = self.check.operator.look(heard.without_asking())
        if finding.outcome is Outcome.PASS:
            return unsure(self.reason, finding.confidence, *finding.evidence)
        return replace(finding, evidence=()) if finding.outcome is Outcome.FAIL else finding

    def explain(self, settings: Settings) -> Explanation:
        explained = self.check.operator.explain(settings)
        asked = ("可能符合(存疑):", *indented(explained.asked))
        return Explanation(asked=asked, reasons=explained.reasons, doubts=(*explained.doubts, self.reason))


def _numbered(number: int, lines: tuple[str, ...]) -> tuple[str, ...]:
    first, *rest = lines
    return (f"  ({number}) {first}", *indented(indented(rest)))
