"""What a call is about: one of nine scenarios, found in what is said.

A linear model looks at the characters of the turns, at their syllables without tones, alone and in pairs, so that a
homophone written by the recogniser (报修 as 抱羞) still counts, and at cues, groups of words that hint at the same
thing (rules/lexicon/scenario_cues.txt). What the customer says first tells most. The weights are data, scenarios.json,
made by models/training/train_scenarios.py.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, cached_property
from importlib.resources import files
from itertools import pairwise
from typing import Any

import numpy as np

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Dialogue, Role
from zhijian.rules.words.sounds import reading
from zhijian.rules.words.text import lexicon, normalise, without_fillers

CUSTOMER_PLACES = (1.0, 0.6, 0.4, 0.2)
"""What is said in the customer's first, second … turn counts so much; in all later ones like the last here."""
AGENT_PLACE = 0.4
CUE, OUTRIGHT = 1.5, 3.0
"""A cue counts so much more than a character, and the word for a scenario (我要投诉) so much."""
MIN_CHARS = 4
"""A shorter turn of the customer (喂,你好) is not yet the first."""
CUSTOMER_CUE, AGENT_CUE = "#", "*"
"""What the names of cues begin with: 建议 means one thing if the customer says it, another if the agent does."""
OUTBOUND = "outbound call"
_NUMBER = re.compile(r"[0-9零一二三四五六七八九十百千两]{2,}|[0-9]")
_CUE_SYLLABLES = (2, 3)


class Scenario(StrEnum):
    FAULT = "fault"
    OUTAGE = "outage"
    BILLING = "billing"
    NEW_CONNECTION = "new_connection"
    COMPLAINT = "complaint"
    WHISTLE_BLOWING = "whistle_blowing"
    SUGGESTION = "suggestion"
    HARASSMENT = "harassment"
    CALLBACK = "callback"


_RECORDED = {
    Scenario.FAULT: "故障报修 报修 故障 抢修",
    Scenario.OUTAGE: "停电咨询 停电 停电查询",
    Scenario.BILLING: "电费/业务查询 电费 电费咨询 电费查询 电费业务 业务查询 业务咨询 咨询 查询",
    Scenario.NEW_CONNECTION: "业扩报装 报装 业扩 新装 装表",
    Scenario.COMPLAINT: "投诉 complaints",
    Scenario.WHISTLE_BLOWING: "举报 report",
    Scenario.SUGGESTION: "建议/表扬 建议表扬 建议 表扬 praise",
    Scenario.HARASSMENT: "骚扰 骚扰电话",
    Scenario.CALLBACK: "回访 外呼回访 call_back",
}
RECORDED: Mapping[str, Scenario] = {
    word: scenario for scenario, words in _RECORDED.items() for word in (scenario.value, *words.split())
}
"""What call lists write, in lower case with _ between words, and what it means."""


@dataclass(frozen=True, slots=True)
class ScenarioGuess:
    """How probable the scenarios are (0..1), those that are left out not at all."""

    probabilities: Mapping[Scenario, float]

    @property
    def name(self) -> Scenario:
        """The most probable."""
        return max(self.probabilities, key=self.probabilities.__getitem__)

    @property
    def confidence(self) -> float:
        """The probability that `name` is right; 1 where the call list says so."""
        return self.probabilities[self.name]

    def probability_of(self, scenarios: Iterable[Scenario]) -> float:
        """That it is one of these."""
        return sum(self.probabilities.get(scenario, 0.0) for scenario in scenarios)


@dataclass(frozen=True)
class Model:
    """Log odds by feature, a number for each scenario in their order. Where nothing is found all are as probable."""

    weights: Mapping[str, tuple[float, ...]]

    @cached_property
    def _rows(self) -> Mapping[str, int]:
        return {feature: row for row, feature in enumerate(self.weights)}

    @cached_property
    def _matrix(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array(list(self.weights.values()))

    def probabilities(self, found: Mapping[str, float]) -> dict[Scenario, float]:
        """Of all scenarios, for the features of a call; they add up to 1."""
        rows = self._rows
        known = [(row, value) for feature, value in found.items() if (row := rows.get(feature)) is not None]
        rows_found, values = np.array([row for row, _ in known], int), np.array([value for _, value in known])
        log_odds = (values @ self._matrix[rows_found]).tolist()  # in order: sums depend on it
        highest = max(log_odds)
        likelihoods = [math.exp(one - highest) for one in log_odds]
        total = sum(likelihoods)
        return {scenario: one / total for scenario, one in zip(Scenario, likelihoods, strict=True)}


def classify(call: Call, dialogue: Dialogue) -> ScenarioGuess:
    """The scenario that the call list gives, or else how probable each is."""
    if recorded := recorded_scenario(call.scenario):
        return ScenarioGuess({recorded: 1.0})
    said = ((turn.role, turn.text) for turn in dialogue.turns())
    return ScenarioGuess(_model().probabilities(features(call.direction, said)))


def recorded_scenario(value: str | None) -> Scenario | None:
    """What a call list's own word means; None where that is not known."""
    return RECORDED.get("_".join((value or "").lower().replace("-", " ").split()))


def features(direction: Direction, turns: Iterable[tuple[Role, str]]) -> dict[str, float]:
    """What is found in a call, each worth the most telling place in which it was said."""
    found = {OUTBOUND: 1.0} if direction is Direction.OUTBOUND else {}
    for worth, mark, chars in sorted(_places(turns)):  # what is worth most comes last, and stays
        syllables = [reading(char) for char in chars]
        pairs, triples = list(pairwise(syllables)), zip(syllables, syllables[1:], syllables[2:], strict=False)
        found |= dict.fromkeys((*chars, *syllables, *map(" ".join, pairs)), worth)
        for word in (*pairs, *triples):
            for name, value in _cues().get(word, ()):
                found[mark + name] = max(worth * value, found.get(mark + name, 0.0))
    return found


def _places(turns: Iterable[tuple[Role, str]]) -> Iterator[tuple[float, str, str]]:
    """What is said, in normal characters, with what it is worth there and whose cues it has."""
    places = iter(CUSTOMER_PLACES)
    place = next(places)
    for role, text in turns:
        chars = _bare(text)
        by_customer = role is Role.CUSTOMER
        yield (place, CUSTOMER_CUE, chars) if by_customer else (AGENT_PLACE, AGENT_CUE, chars)
        if by_customer and len(chars) >= MIN_CHARS:
            place = next(places, place)


def _bare(text: str) -> str:
    """The normal text without particles; numbers are all alike."""
    chars = normalise(text).chars
    return _NUMBER.sub("0", without_fillers(chars))


@cache
def _cues() -> Mapping[tuple[str, ...], list[tuple[str, float]]]:
    """The cues that words of such syllables give. Raises ValueError for a word that is too short or too long."""
    cues = defaultdict(list)
    for name, *words in lexicon("scenario_cues"):
        cue = name, OUTRIGHT if name in list(Scenario) else CUE
        for word in words:
            if len(word) not in _CUE_SYLLABLES:
                raise ValueError(f"scenario_cues.txt: {word} has not two or three characters")
            cues[tuple(reading(char) for char in word)].append(cue)
    return dict(cues)


@cache
def _model() -> Model:
    made = json.loads(files("zhijian.rules.call").joinpath("scenarios.json").read_text(encoding="utf-8"))
    return Model({feature: tuple(odds) for feature, odds in made["weights"].items()})
