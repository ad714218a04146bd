"""How probable it is that a phrase was said where something like it was recognised, now that the sound was asked.

A logistic curve over how alike the two sound, how much better the phrase fits the sound, and how well it fits at all
(models/engines/verifier.py). models/training/train_verifier.py fits it; belief.json holds it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from zhijian.models.records.questions import PhraseScore

RATIO_MIN, RATIO_MAX = -20.0, 5.0
PROBABILITY_MIN = -8.0
"""Log likelihood ratios and mean log probabilities beyond say no more than these."""


@dataclass(frozen=True, slots=True)
class Curve:
    """Weights of the log odds."""

    intercept: float
    similarity: float
    log_likelihood_ratio: float
    mean_log_probability: float

    def probability(self, similarity: float, score: PhraseScore) -> float:
        """0..1, for a similarity of 0..1."""
        log_odds = (
            self.intercept
            + self.similarity * similarity
            + self.log_likelihood_ratio * min(RATIO_MAX, max(RATIO_MIN, score.log_likelihood_ratio))
            + self.mean_log_probability * max(PROBABILITY_MIN, score.mean_log_probability)
        )
        return 1 / (1 + math.exp(-log_odds))


@cache
def curve() -> Curve:
    """The one that was fitted."""
    return Curve(**json.loads(files("zhijian.rules.call").joinpath("belief.json").read_text(encoding="utf-8")))
