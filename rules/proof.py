"""The proof of a standard: every example inside its rule files, judged and compared with what it says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue, Utterance, Voice
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import pieces
from zhijian.rules.judge import finding_of, result_of
from zhijian.rules.language import CallFacts, Example, Line
from zhijian.rules.operators.banned import BannedPhrase, NeverSays
from zhijian.rules.standard import Item, Standard

MS_PER_CHAR = 240
"""How long a character of an example lasts, where its line does not say how long it takes."""


@dataclass(frozen=True, slots=True)
class ProofResult:
    """One example: what it claims and what the rule finds. It passes if they agree; a known miss if they do not."""

    item_id: str
    file: str
    example: str
    expected: str
    found: str
    known_miss: bool = False

    @property
    def passed(self) -> bool:
        return (self.expected == self.found) is not self.known_miss

    def __str__(self) -> str:
        if self.known_miss and not self.passed:
            return f"{self.file} {self.example} 已判为「{self.expected}」,请删去 known_miss"
        return f"{self.file} {self.example} 应为「{self.expected or '无'}」,判为「{self.found or '无'}」"


def run(standard: Standard) -> tuple[ProofResult, ...]:
    """Every example of every rule file, those inside the lists of banned phrases included."""
    return tuple(result for item in standard.items for result in _prove(item, standard.settings))


def _prove(item: Item, settings: Settings) -> Iterator[ProofResult]:
    for number, (outcome, example) in enumerate(item.rule.examples.by_outcome(), 1):
        finding = finding_of(item, heard_of(example, settings))
        points = result_of(item, finding).points
        compared = example.points if example.points is None else points
        yield ProofResult(
            item.id,
            item.file,
            f"第{number}例:{example.dialogue[0].text}",
            _verdict(outcome, example.points),
            _verdict(finding.outcome, compared),
            example.known_miss,
        )
    for operator in pieces(item.rule, NeverSays):
        for entry in operator.entries:
            yield from _prove_entry(item, operator, entry, settings)


def _prove_entry(item: Item, operator: NeverSays, entry: BannedPhrase, settings: Settings) -> Iterator[ProofResult]:
    """A phrase is expected for certain in its hits, and nothing at all, not even in doubt, in its other examples."""
    for text in entry.hits:
        said = _banned_in(operator, text, settings)
        found = entry.phrase if entry.phrase in said else "、".join(said)
        yield ProofResult(item.id, item.file, text, entry.phrase, found)
    for text in entry.no_hits:
        yield ProofResult(item.id, item.file, text, "", "、".join(_banned_in(operator, text, settings)))


def _banned_in(operator: NeverSays, text: str, settings: Settings) -> list[str]:
    """The entries found; those in doubt are marked as such."""
    heard = heard_of(Example(dialogue=(Line(agent=text),)), settings)
    return [one.entry.phrase if one.certain else f"疑似:{one.entry.phrase}" for one in operator.spoken(heard)]


def _verdict(outcome: Outcome, points: Decimal | None) -> str:
    return outcome.value if points is None else f"{outcome.value} {points.normalize():f}"


def heard_of(example: Example, settings: Settings) -> Heard:
    """The example as a call that was heard."""
    utterances: list[Utterance] = []
    at_ms = 0
    for line in example.dialogue:
        start_ms = max(0, at_ms + line.gap_ms)
        end_ms = start_ms + (line.lasts_ms or MS_PER_CHAR * len(line.text))
        utterances.append(Utterance(line.role, Span(start_ms, end_ms), line.text, line.confidence, line.suspect))
        at_ms = max(at_ms, end_ms)
    utterances.sort(key=lambda utterance: utterance.span)
    dialogue = Dialogue(
        duration_ms=at_ms,
        separation=example.separation,
        engine="example",
        language="zh",
        utterances=tuple(utterances),
        voices=tuple(Voice(utterance.role, utterance.span) for utterance in utterances),
    )
    return Heard(_call(example.call), dialogue, settings)


def _call(facts: CallFacts) -> Call:
    return Call(
        source="example",
        call_id="example",
        recording="example.wav",
        started_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
        direction=facts.direction,
        agent_no=facts.agent_no,
        ring_count=facts.ring_count,
        hangup_side=facts.hangup_side,
        scenario=facts.scenario,
        identity_verified=facts.identity_verified,
    )
