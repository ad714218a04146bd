"""Who is the agent, who the customer, what a machine: by what is said, never by who speaks first.

Two linear models look at an utterance: agent or customer, machine or person. Their features are words and runs of
syllables without tones, so that a homophone written by the recogniser (工号 as 供号) still counts. Their weights are
data, roles.json, made by models/training/train_roles.py.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from zhijian.models.records.dialogue import BACKCHANNELS

# a side is what one speaker said: utterance by utterance, or all in one text where that is all there is
Side = Sequence[str] | str
# channels are seldom the wrong way round; no call of the corpus that was right, misheard or not, came near this
SWAPPED_FROM = 0.999
# the share of utterances that are the other speaker's
STRAY = 0.05
LONGEST_RUN = 3
_SILENT = re.compile(r"[^\u4e00-\u9fffA-Za-z0-9]+")
_NUMBER = re.compile(r"[0-9]+|[零〇一二三四五六七八九幺两百千]{2,}")
_BACKCHANNEL = frozenset("".join(BACKCHANNELS))


@dataclass(frozen=True, slots=True)
class Model:
    """Weights by feature: (agent or customer, machine or person), as log odds.

    `call_scale` and `call_damping` turn the sum over a call's utterances, which are not independent of each other,
    into honest log odds.
    """

    weights: Mapping[str, tuple[float, float]]
    system_intercept: float
    call_scale: float
    call_damping: float

    def agent_log_odds(self, text: str) -> float:
        """Agent rather than customer said this; 0 = no idea, as of a backchannel: whoever listens says 嗯 and 好的."""
        if is_backchannel(text):
            return 0.0
        return math.fsum(self.weights[f][0] for f in features(text) if f in self.weights)

    def system_log_odds(self, text: str) -> float:
        """A machine rather than a person said this."""
        return self.system_intercept + math.fsum(self.weights[f][1] for f in features(text) if f in self.weights)

    def call_log_odds(self, first: Side, second: Side) -> float:
        """`first` is the agent's side rather than the customer's."""
        sides = [[side] if isinstance(side, str) else side for side in (first, second)]
        evidence = [hedged(self.agent_log_odds(text)) for side in sides for text in side]
        difference = sum(evidence[: len(sides[0])]) - sum(evidence[len(sides[0]) :])
        return self.call_scale * difference / (1 + len(evidence) * self.call_damping)


def agent_confidence(sides: Sequence[Side]) -> float:
    """How probable it is (0..1) that `sides[0]` is the agent's and `sides[1]` the customer's; 0.5 = no idea."""
    return probability(_model().call_log_odds(sides[0], sides[1]))


def are_swapped(expected_agent: Side, expected_customer: Side) -> bool:
    """The channels are the wrong way round, beyond doubt. Politeness alone never says so."""
    return agent_confidence((expected_customer, expected_agent)) >= SWAPPED_FROM


def system_confidence(text: str) -> float:
    """How probable it is (0..1) that a machine said this: an announcement, a menu, a queue message."""
    return probability(_model().system_log_odds(text))


def hedged(log_odds: float) -> float:
    """The log odds when now and then an utterance is put down to the wrong speaker: no single one decides a call."""
    p = probability(log_odds)
    return math.log((p * (1 - STRAY) + (1 - p) * STRAY) / ((1 - p) * (1 - STRAY) + p * STRAY))


def probability(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, log_odds))))


def is_backchannel(text: str) -> bool:
    return _BACKCHANNEL.issuperset(_SILENT.sub("", text))


def features(text: str) -> frozenset[str]:
    """Words, and runs of up to three syllables without tones (`^`, `$` = where the utterance begins and ends).

    Numbers are all alike, punctuation is nothing: recognisers put it where they like.
    """
    from pypinyin import lazy_pinyin  # its dictionaries take a while to load and not everybody needs roles

    said = _NUMBER.sub("0", _SILENT.sub("", text))
    if not said:
        return frozenset()
    syllables = ["^", *lazy_pinyin(said), "$"]
    runs = {
        " ".join(syllables[start : start + length])
        for length in range(1, LONGEST_RUN + 1)
        for start in range(len(syllables) - length + 1)
    }
    return frozenset(words(said)) | (runs - {"^", "$"})


def words(text: str) -> list[str]:
    """The words of a text, as far as a dictionary knows them."""
    return list(tokenizer().cut(text, HMM=False))


@cache
def tokenizer() -> Any:
    """jieba's dictionary; read from the package each time, for jieba would cache it in a folder shared with others."""
    import jieba

    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer


@cache
def _model() -> Model:
    made = json.loads(files("zhijian.models.engines").joinpath("roles.json").read_text(encoding="utf-8"))
    return Model(
        weights={feature: (agent, system) for feature, (agent, system) in made["weights"].items()},
        system_intercept=made["system_intercept"],
        call_scale=made["call_scale"],
        call_damping=made["call_damping"],
    )
