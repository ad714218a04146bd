"""The false-alarm gate: exchanges in which nothing deserves a deduction, judged by the rules of a standard.

A deduction from one of them is a false alarm. One that the bundled standard is known to raise stands in the corpus with
its reason, and is counted openly.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from zhijian.models.records.dialogue import Separation
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.terms import Term, pieces
from zhijian.rules.judge import finding_of
from zhijian.rules.language import ID_PATTERN, CallFacts, Example, Line, Problem, StandardError, read
from zhijian.rules.operators.banned import NeverSays
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import Item, Standard

CORPUS = Path(__file__).parent / "blameless"


class KnownAlarm(Term):
    """A false alarm that the rules are known to raise in an exchange; `why` is for readers."""

    item: str = Field(pattern=f"^{ID_PATTERN}$")
    outcome: Literal[Outcome.FAIL, Outcome.UNSURE]
    why: str


class Exchange(Term):
    """A blameless piece of a call; a bare string is one thing an agent says, and its own title."""

    title: str
    call: CallFacts = CallFacts()
    separation: Literal[Separation.CHANNELS, Separation.DIARIZATION] = Separation.CHANNELS
    dialogue: tuple[Line, ...] = Field(min_length=1)
    expected: tuple[KnownAlarm, ...] = ()

    @property
    def example(self) -> Example:
        return Example(call=self.call, separation=self.separation, dialogue=self.dialogue)

    @model_validator(mode="before")
    @classmethod
    def _from_string(cls, value: Any) -> Any:
        return {"title": value, "dialogue": [{"agent": value}]} if isinstance(value, str) else value


class Theme(Term):
    """A file of the corpus: exchanges of one kind.

    `items` are the ids that judge them, * for any characters. Pieces of calls are judged by what forbids something;
    what has to be said somewhere in a call, a greeting say, can only be asked of whole calls: without `items` all
    items judge.
    """

    theme: str
    items: tuple[str, ...] = Field(default=("*",), min_length=1)
    exchanges: tuple[Exchange, ...] = Field(min_length=1)

    def is_judged_by(self, item: Item) -> bool:
        return any(fnmatchcase(item.id, pattern) for pattern in self.items)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an item finds in an exchange. An `alarm` is held against the agent, and `known` if the corpus expects it."""

    file: str
    title: str
    item_id: str
    outcome: Outcome
    reason: str | None
    alarm: bool
    known: bool

    def __str__(self) -> str:
        return f"{self.file}「{self.title}」{self.item_id} 误判为 {self.outcome.value}:{self.reason}"


@dataclass(frozen=True, slots=True)
class Gate:
    """All verdicts on the corpus of `exchanges` exchanges; `gone` are the known alarms that did not occur.

    A standard that knows better than the bundled one is not wrong for it: `gone` does not shut the gate.
    """

    exchanges: int
    verdicts: tuple[Verdict, ...]
    gone: tuple[str, ...]

    @property
    def wrong(self) -> tuple[str, ...]:
        """What shuts the gate: the alarms that nobody has listed."""
        return tuple(str(verdict) for verdict in self.verdicts if verdict.alarm and not verdict.known)

    @property
    def counts(self) -> dict[str, Any]:
        """`unsure` counts by item what is no verdict, and no alarm either."""
        unsure = Counter(v.item_id for v in self.verdicts if v.outcome is Outcome.UNSURE and not v.alarm)
        return {
            "exchanges": self.exchanges,
            "wrong": list(self.wrong),
            "known": [str(verdict) for verdict in self.verdicts if verdict.alarm and verdict.known],
            "gone": list(self.gone),
            "unsure": dict(unsure),
        }

    @property
    def summary(self) -> str:
        counts = self.counts
        unsure = "、".join(f"{item_id} {count}" for item_id, count in counts["unsure"].items())
        return (
            f"没有过错的对话 {self.exchanges} 段:{len(self.wrong)} 处不符,{len(counts['known'])} 处已知误判,"
            f"{sum(counts['unsure'].values())} 处存疑{f'({unsure})' if unsure else ''}"
        )


def load_corpus(folder: Path = CORPUS) -> dict[str, Theme]:
    """The files of the corpus by name. Raises StandardError with every problem of every file."""
    themes: dict[str, Theme] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            themes[path.name] = read(path, f"{folder.name}/{path.name}", Theme)
        except StandardError as error:
            problems.extend(error.problems)
    if problems:
        raise StandardError(problems)
    return themes


def run(standard: Standard, corpus: dict[str, Theme] | None = None) -> Gate:
    """Judge the corpus, by default the bundled one. Items that the standard does not have are left out."""
    themes = load_corpus() if corpus is None else corpus
    verdicts = tuple(verdict for file, theme in themes.items() for verdict in _verdicts(file, theme, standard))
    gone = tuple(gone for file, theme in themes.items() for gone in _gone(file, theme, standard, verdicts))
    return Gate(sum(len(theme.exchanges) for theme in themes.values()), verdicts, gone)


def _verdicts(file: str, theme: Theme, standard: Standard) -> Iterator[Verdict]:
    items = [item for item in standard.items if theme.is_judged_by(item)]
    for exchange in theme.exchanges:
        heard = heard_of(exchange.example, standard.settings)
        for item in items:
            finding = finding_of(item, heard)
            yield Verdict(
                file,
                exchange.title,
                item.id,
                finding.outcome,
                finding.reason,
                alarm=finding.outcome is Outcome.FAIL or (finding.outcome is Outcome.UNSURE and _accuses(item)),
                known=any((one.item, one.outcome) == (item.id, finding.outcome) for one in exchange.expected),
            )


def _accuses(item: Item) -> bool:
    """Is the item's doubt already a suspicion, that a banned phrase was said?"""
    return any(pieces(item.rule, NeverSays))


def _gone(file: str, theme: Theme, standard: Standard, verdicts: tuple[Verdict, ...]) -> Iterator[str]:
    occurred = {(verdict.file, verdict.title, verdict.item_id) for verdict in verdicts if verdict.known}
    judging = {item.id for item in standard.items if theme.is_judged_by(item)}
    for exchange in theme.exchanges:
        for one in exchange.expected:
            if one.item in judging and (file, exchange.title, one.item) not in occurred:
                yield f"{file}「{exchange.title}」{one.item} 已不再误判为 {one.outcome.value}"
