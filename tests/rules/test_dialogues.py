"""Whole calls by authors who knew the standard and nothing of the rules: how often the verdicts are theirs.

`exemplary` agents do everything right in words of their own, those of `faulty` have one to five faults each,
`near_misses` only look like faults; the other calls have some of all. The first three files were in sight when phrases
were added, the others were not: of their 5279 verdicts on what was right 39 were false deductions then, and 32 of 582
faults were missed.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterator
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
LABELS = (Outcome.PASS, Outcome.FAIL, Outcome.NA)
STANDARD = load_standard()


def without_marks(words: str) -> str:
    return "".join(char for char in words if not unicodedata.category(char).startswith("P"))


def verdicts(call: dict[str, Any], marks: bool) -> Iterator[tuple[str, Outcome, Outcome]]:
    """Each labelled item of a call with its label and its verdict."""
    lines = [
        {role: words if marks else without_marks(words)} for line in call["dialogue"] for role, words in line.items()
    ]
    heard = heard_of(Example.model_validate({"call": call["call"], "dialogue": lines}), STANDARD.settings)
    labels = {item: label for label in LABELS for item in call[label.value]}
    for item in STANDARD.items:
        if item.id in labels:
            yield item.id, labels[item.id], finding_of(item, heard).outcome


@pytest.mark.parametrize("marks", [True, False], ids=["punctuated", "as a recogniser may write it"])
@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.yaml")))
def test_strangers_dialogues(name: str, marks: bool) -> None:
    calls = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    found = [verdict for call in calls for verdict in verdicts(call, marks)]
    pairs = Counter((label, verdict) for _, label, verdict in found)
    faults = sum(label is Outcome.FAIL for _, label, _ in found)
    innocent = len(found) - faults
    wrong = [verdict for verdict in found if verdict[1] is not verdict[2]]
    assert len(found) > 600
    assert pairs[Outcome.PASS, Outcome.FAIL] + pairs[Outcome.NA, Outcome.FAIL] <= 0.005 * innocent, wrong
    assert pairs[Outcome.FAIL, Outcome.PASS] + pairs[Outcome.FAIL, Outcome.NA] <= 0.08 * faults, wrong
    assert sum(verdict is Outcome.UNSURE for _, _, verdict in found) <= 0.03 * len(found), wrong
