"""Who is the agent: by what is said, never by who speaks first."""

import math
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

# two voices that differ by one strong cue are told apart with a confidence of 0.9
CONFIDENCE_SCALE = 0.75
SWAPPED_FROM_CUES = 2


def agent_confidence(texts: Sequence[str]) -> float:
    """How probable it is (0..1) that `texts[0]` is the agent's side and `texts[1]` the customer's; 0.5 = no idea."""
    leaning = [_leaning(text) for text in texts]
    return 1 / (1 + math.exp(-CONFIDENCE_SCALE * (leaning[0] - leaning[1])))


def are_swapped(expected_agent: str, expected_customer: str) -> bool:
    """Only the side that should be the customer's says what nobody but an agent says, and says two such things."""
    said_by_agent, said_by_customer = (
        sum(bool(re.search(cue, text)) for cue in _table()["agent_only"])
        for text in (expected_agent, expected_customer)
    )
    return said_by_agent == 0 and said_by_customer >= SWAPPED_FROM_CUES


def _leaning(text: str) -> float:
    """Cues of an agent less cues of a customer, damped so that long texts do not count by length alone."""
    agent, customer = (
        sum(weight * len(cue.findall(text)) for cue, weight in cues) for cues in (_cues("agent"), _cues("customer"))
    )
    return (agent - customer) / math.sqrt(1 + len(text) / 50)


@cache
def _cues(side: str) -> tuple[tuple[re.Pattern[str], float], ...]:
    return tuple((re.compile(cue), weight) for cue, weight in _table()[side].items())


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(
        files("zhijian.models.engines").joinpath("roles.yaml").read_text(encoding="utf-8")
    )
    return table
