"""Judging again by the rules that differ alone: it has to say what judging by all of them says."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.records.scorecard import BannedHit, Outcome, Scorecard, Tier
from zhijian.models.records.span import Span
from zhijian.rules.fingerprints import LISTS
from zhijian.rules.judge import judge
from zhijian.rules.language import Example
from zhijian.rules.proof import heard_of
from zhijian.rules.rejudge import Rejudge
from zhijian.rules.standard import BUNDLED, Standard, load_standard

STANDARD = load_standard()
REJUDGE = Rejudge(STANDARD)
IDS = [item.id for item in STANDARD.items]
LISTING = {"language.banned", "repeat.key_info"}
NUM_CALLS = 12


@cache
def calls() -> list[tuple]:
    """Calls with faults of many kinds, each with its dialogue and its scorecard."""
    path = Path(__file__).with_name("dialogues") / "faulty.yaml"
    found = []
    for call in yaml.safe_load(path.read_text(encoding="utf-8"))[:NUM_CALLS]:
        heard = heard_of(
            Example.model_validate({"call": call["call"], "dialogue": call["dialogue"]}), STANDARD.settings
        )
        found.append((heard.call, heard.dialogue, judge(heard.call, heard.dialogue, STANDARD, recording_sha256="ab")))
    return found


def as_judged_otherwise(card: Scorecard, ids: set[str]) -> Scorecard:
    """With other verdicts on these items, by other rules; what they list is something else, too."""
    other = {
        id: {
            "rule": f"another{LISTS * (id in LISTING)}",
            "outcome": Outcome.NA,
            "points": None,
            "evidence": (),
            "veto": False,
        }
        for id in ids
    }
    items = tuple(replace(item, **other.get(item.id, {})) for item in card.items)
    lists = {}
    if ids & LISTING:
        lists = {"banned": (BannedHit("不可能", Tier.MINOR, Span(0, 1), "不可能"),), "key_info": ()}
    return replace(card, items=items, standard=replace(card.standard, version="0", sha256="0"), **lists)


@settings(max_examples=60, deadline=None)
@given(number=st.integers(0, NUM_CALLS - 1), differing=st.sets(st.sampled_from(IDS)))
def test_whatever_differs_the_scorecard_is_that_of_all_rules(number: int, differing: set[str]) -> None:
    call, dialogue, card = calls()[number]
    again = REJUDGE.judge(call, lambda: dialogue, as_judged_otherwise(card, differing))
    assert again == card
    assert [item.rule for item in again.items] == [item.fingerprint for item in STANDARD.items]


def test_where_no_rule_differs_nothing_is_read() -> None:
    call, _, card = calls()[0]
    before = replace(card, standard=replace(card.standard, version="0"))
    assert REJUDGE.judge(call, lambda: pytest.fail("the dialogue was read"), before) == card


def test_a_verdict_without_a_rule_is_judged() -> None:
    """As those are which the program gave before it wrote the rule beside them."""
    call, dialogue, card = calls()[0]
    before = replace(card, items=tuple(replace(item, rule=None) for item in card.items))
    assert REJUDGE.judge(call, lambda: dialogue, before) == card


def edited(folder: Path, file: str, old: str, new: str) -> Standard:
    """The bundled standard with one text replaced."""
    shutil.copytree(BUNDLED, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return load_standard(folder)


def without_item(folder: Path, id: str) -> Standard:
    shutil.copytree(BUNDLED, folder)
    sheet = yaml.safe_load((folder / "standard.yaml").read_text(encoding="utf-8"))
    sheet["items"] = [line for line in sheet["items"] if line["id"] != id]
    (folder / "standard.yaml").write_text(yaml.safe_dump(sheet, allow_unicode=True), encoding="utf-8")
    (folder / f"{id.replace('.', '/')}.yaml").unlink()
    return load_standard(folder)


def listing_no_more(folder: Path, id: str) -> Standard:
    """The item has the rule of another."""
    shutil.copytree(BUNDLED, folder)
    shutil.copy(folder / "opening" / "offer.yaml", folder / f"{id.replace('.', '/')}.yaml")
    return load_standard(folder)


EDITS: dict[str, Callable[[Path], Standard]] = {
    "a threshold": lambda folder: edited(folder, "standard.yaml", "said: 0.8", "said: 0.99"),
    "points": lambda folder: edited(folder, "standard.yaml", "points: 25", "points: 20"),
    "no veto": lambda folder: edited(folder, "standard.yaml", "veto: true", "veto: false"),
    "what may be judged": lambda folder: edited(
        folder, "standard.yaml", "min_speech_ms: 15000", "min_speech_ms: 900000"
    ),
    "without the item that lists": lambda folder: without_item(folder, "language.banned"),
    "an item that lists no more": lambda folder: listing_no_more(folder, "language.banned"),
    "another item that lists no more": lambda folder: listing_no_more(folder, "repeat.key_info"),
    "without another item": lambda folder: without_item(folder, "opening.offer"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_under_an_edited_standard_and_back(edit: Callable[[Path], Standard], tmp_path: Path) -> None:
    standard = edit(tmp_path / "edited")
    there, changed = Rejudge(standard), 0
    for call, dialogue, card in calls():
        under_edited = judge(call, dialogue, standard, recording_sha256="ab")
        assert there.judge(call, lambda dialogue=dialogue: dialogue, card) == under_edited
        assert REJUDGE.judge(call, lambda dialogue=dialogue: dialogue, under_edited) == card
        changed += under_edited.items != card.items
    assert changed


def differing(standard: Standard) -> set[str]:
    ours = {item.id: item.fingerprint for item in STANDARD.items}
    return {item.id for item in standard.items if item.fingerprint != ours[item.id]}


def test_a_list_is_part_of_the_rules_that_use_it(tmp_path: Path) -> None:
    standard = edited(tmp_path / "edited", "phrases/opening.yaml", "  greeting:", "  greeting:\n    - 恭喜发财")
    assert differing(standard) == {"opening.greeting"}


def test_names_notes_and_examples_are_not(tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "edited")
    sheet = tmp_path / "edited" / "standard.yaml"
    sheet.write_text(sheet.read_text(encoding="utf-8").replace("name: ", "name: 新的"), encoding="utf-8")
    rule = tmp_path / "edited" / "opening" / "offer.yaml"
    content = yaml.safe_load(rule.read_text(encoding="utf-8"))
    content["note"], content["examples"]["pass"] = "说明", content["examples"]["pass"][:1]
    rule.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    assert differing(load_standard(tmp_path / "edited")) == set()


def test_points_and_veto_are_the_items_own_and_thresholds_are_everybodys(tmp_path: Path) -> None:
    assert differing(EDITS["points"](tmp_path / "points")) == {"language.banned"}
    assert len(differing(EDITS["no veto"](tmp_path / "veto"))) == 1
    assert differing(EDITS["a threshold"](tmp_path / "threshold")) == set(IDS)


def test_every_process_finds_the_same_fingerprints() -> None:
    script = "from zhijian.rules.standard import load_standard; print([i.fingerprint for i in load_standard().items])"
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        told = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
        assert told.strip() == str([item.fingerprint for item in STANDARD.items])
