"""The proof of a standard: known misses are counted, and may not be forgotten."""

import dataclasses
from typing import Any

import pytest

from zhijian.rules import proof
from zhijian.rules.language import Rule
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
GREETS, SILENT = [{"agent": "您好。"}], [{"agent": "请讲。"}]
SAYS = {"says_any": {"within": {}, "phrases": ["您好"], "missing": "没有问候"}}


def proved(check: dict[str, Any], **examples: Any) -> tuple[proof.ProofResult, ...]:
    rule = Rule.model_validate({"check": check, "examples": examples}, context={"lists": {}})
    item = dataclasses.replace(STANDARD.items[0], rule=rule)
    return proof.run(dataclasses.replace(STANDARD, items=(item,)))


def known_miss(dialogue: list[dict[str, str]]) -> dict[str, Any]:
    return {"dialogue": dialogue, "known_miss": True}


@pytest.mark.parametrize(
    ("example", "passed"),
    [(GREETS, True), (SILENT, False), (known_miss(SILENT), True), (known_miss(GREETS), False)],
)
def test_an_example_passes_if_it_agrees_and_a_known_miss_if_it_does_not(example: Any, passed: bool) -> None:
    first, _ = proved(SAYS, **{"pass": [example], "fail": [SILENT]})
    assert first.passed is passed


def test_a_known_miss_that_no_longer_is_one_says_what_to_do() -> None:
    result, _ = proved(SAYS, **{"pass": [known_miss(GREETS)], "fail": [SILENT]})
    assert str(result).endswith("已判为「pass」,请删去 known_miss")


def test_banned_phrases_inside_other_checks_are_proved_too() -> None:
    entry = {
        "phrase": "没办法",
        "tier": "major",
        "reason": "推脱",
        "instead": "我为您登记。",
        "hits": ["没办法。"],
        "no_hits": ["有办法。", "没办法。"],
    }
    never = {
        "penalties": {"minor": 4, "major": 10, "severe": 25},
        "accept": 0.9,
        "doubt": 0.8,
        "quoting": ["您刚才说"],
        "polite": ["请问"],
        "protests": ["你怎么说话"],
        "entries": [entry],
    }
    results = proved({"all": [SAYS, {"never_says": never}]}, **{"pass": [GREETS], "fail": [SILENT]})
    assert [result.passed for result in results] == [True, True, True, True, False]
