"""Calls by authors who knew the standard and nothing of the rules: how often the verdicts are theirs.

`exemplary` agents do everything right in words of their own, those of `faulty` have one to five faults each,
`near_misses` only look like faults; the other calls have some of all. The first three files were in sight when phrases
were added, the others were not: of their 15375 verdicts on what was right 89 were false deductions then, and 82 of 1332
faults were missed. `waits` are pieces of calls around silences: at first sight 18 of 113 were false, 9 of 62 missed.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from zhijian.models.records.scorecard import Outcome
from zhijian.rules.judge import finding_of
from zhijian.rules.language import Example
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

FOLDER = Path(__file__).with_name("dialogues")
WAITS = "waits"
LABELS = (Outcome.PASS, Outcome.FAIL, Outcome.NA)
STANDARD = load_standard()


def without_marks(words: str) -> str:
    return "".join(char for char in words if not unicodedata.category(char).startswith("P"))


def verdicts(call: dict[str, Any], marks: bool) -> Iterator[tuple[str, Outcome, Outcome]]:
    """Each labelled item of a call with its label and its verdict."""
    lines = [
        {key: without_marks(said) if isinstance(said, str) and not marks else said for key, said in line.items()}
        for line in call["dialogue"]
    ]
    heard = heard_of(Example.model_validate({"call": call["call"], "dialogue": lines}), STANDARD.settings)
    labels = {item: label for label in LABELS for item in call[label.value]}
    for item in STANDARD.items:
        if item.id in labels:
            yield item.id, labels[item.id], finding_of(item, heard).outcome


MARKS = pytest.mark.parametrize("marks", [True, False], ids=["punctuated", "as a recogniser may write it"])


@dataclass(frozen=True)
class Shares:
    """Of so many verdicts: false deductions of what was right, missed of the faults, doubts of all."""

    verdicts: int
    false: float
    missed: float
    unsure: float


def compared(name: str, marks: bool) -> tuple[Shares, list[tuple[str, Outcome, Outcome]]]:
    """How the verdicts on a file's calls compare with their labels, and the ones that differ."""
    calls = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    found = [verdict for call in calls for verdict in verdicts(call, marks)]
    pairs = Counter((label, verdict) for _, label, verdict in found)
    faults = sum(label is Outcome.FAIL for _, label, _ in found)
    shares = Shares(
        verdicts=len(found),
        false=(pairs[Outcome.PASS, Outcome.FAIL] + pairs[Outcome.NA, Outcome.FAIL]) / (len(found) - faults),
        missed=(pairs[Outcome.FAIL, Outcome.PASS] + pairs[Outcome.FAIL, Outcome.NA]) / faults,
        unsure=sum(verdict is Outcome.UNSURE for _, _, verdict in found) / len(found),
    )
    return shares, [verdict for verdict in found if verdict[1] is not verdict[2]]


@MARKS
@pytest.mark.parametrize("name", sorted({path.stem for path in FOLDER.glob("*.yaml")} - {WAITS}))
def test_strangers_dialogues(name: str, marks: bool) -> None:
    shares, wrong = compared(name, marks)
    assert shares.verdicts > 600
    assert shares.false <= 0.005, wrong
    assert shares.missed <= 0.08, wrong
    assert shares.unsure <= 0.03, wrong


@MARKS
def test_strangers_waits(marks: bool) -> None:
    """Short pieces around one or two silences, which leave more doubt than anything else in a call."""
    shares, wrong = compared(WAITS, marks)
    assert shares.verdicts > 150
    assert shares.false <= 0.01, wrong
    assert shares.missed <= 0.08, wrong
    assert shares.unsure <= 0.12, wrong
