"""How probable it is that a stretch of an agent's turn says back what the customer wants.

A logistic curve over how much of the request it tells, how it is put (see `manner`), where it stands, and whether the
customer agrees. models/training/train_restating.py fits it; restating.json holds it.
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from operator import mul
from typing import NamedTuple


class Clues(NamedTuple):
    """Of a stretch; 0..1, most of them 0 or 1.

    `overlap`: the root of how much it and the request share; `length`: how much it tells; `tells_number`: it has a
    number that the customer did not say; `first_reply`: the agent had said nothing since the customer began to tell
    the request; `confirmed`: the customer says 对, 是的, 没错 to it. The others are those of its Manner, with `asks`
    where it has something that can be so, and `about_customer` unless it only asks for more.
    """

    overlap: float
    length: float
    says: float
    asks: float
    about_customer: float
    does: float
    supposes: float
    tells_number: float
    first_reply: float
    confirmed: float


class Curve(NamedTuple):
    """Weights of the log odds, one for each clue."""

    intercept: float
    weights: Clues

    def probability(self, clues: Clues) -> float:
        """0..1."""
        log_odds = self.intercept + sum(map(mul, self.weights, clues))
        return 1 / (1 + math.exp(-log_odds))


@cache
def curve() -> Curve:
    """The one that was fitted."""
    made = json.loads(files("zhijian.rules.operators.repeat").joinpath("restating.json").read_text(encoding="utf-8"))
    return Curve(made.pop("intercept"), Clues(**made))
