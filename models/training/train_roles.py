"""Makes models/engines/roles.json from the dialogues and announcements in roles/: python models/training/train_roles.py

The dialogues are made up for this purpose: 坐 = agent, 客 = customer, an empty line between two of them. system.txt
holds what machines say, one announcement a line. Every line is learnt as it stands and misheard in several ways. All
figures are cross-validated: a dialogue is judged by weights that never saw any of it. The same corpus gives the same
file; nothing here is needed at run time.
"""

import hashlib
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import groupby
from pathlib import Path
from statistics import fmean

import numpy as np
from pypinyin import lazy_pinyin
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from zhijian.models.engines import roles
from zhijian.models.engines.roles import Model, features

CORPUS = Path(__file__).with_name("roles")
MADE = Path(roles.__file__).with_name("roles.json")
AGENT, CUSTOMER, SYSTEM = "坐", "客", "系统"
FOLDS = 5
# the share of characters misheard in each copy of the corpus that is learnt beside the original, and in the test
LEARNT_NOISE, TESTED_NOISE = (0.05, 0.15, 0.3), 0.25
DROPPED = 0.15
# a feature of fewer dialogues is chance
DIALOGUES_MIN = 3
WEAK = 0.02
AGENT_C, SYSTEM_C, SYSTEM_WEIGHT = 0.1, 1.0, 2
# no person of the corpus, misheard or not, comes nearer than this to a machine
PERSON_MAX = 0.85
# what calls are calibrated on
PARTS, PART_LENGTHS = 6, (2, 3, 4, 6, 8)
SCALES, DAMPINGS = [round(0.3 * 1.1**step, 2) for step in range(25)], (0.0, 0.05, 0.1, 0.2, 0.5)
COMMON_WORD, COMMON_CHARACTERS = 50, range(0xB0, 0xD8)


@dataclass(frozen=True, slots=True)
class Line:
    role: str
    text: str
    dialogue: int


@dataclass(frozen=True, slots=True)
class Part:
    """A call or a part of it, judged: the evidence that its sides are who they are, out of how many utterances."""

    evidence: float
    utterances: int

    def log_odds(self, scale: float, damping: float) -> float:
        return scale * self.evidence / (1 + self.utterances * damping)


class Misheard:
    """Writes other words of the same sound, as recognisers do, and swallows a character now and then."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)

    def __call__(self, text: str, rate: float) -> str:
        return "".join(self._word(word, rate) for word in roles.words(text))

    def _word(self, word: str, rate: float) -> str:
        others = _homophones().get(_sound(word), ()) if len(word) > 1 else ()
        if others and self.chance.random() < rate:
            return self.chance.choice(others)
        return "".join(self._character(c) if self.chance.random() < rate else c for c in word)

    def _character(self, character: str) -> str:
        if self.chance.random() < DROPPED:
            return ""
        return self.chance.choice(_homophones().get(_sound(character), (character,)))


@cache
def _homophones() -> dict[str, list[str]]:
    """Common characters and words by their sound."""
    characters = (
        bytes((row, cell)).decode("gb2312", "ignore") for row in COMMON_CHARACTERS for cell in range(161, 255)
    )
    known = roles.tokenizer().FREQ.items()
    common = sorted(word for word, count in known if len(word) in (2, 3) and count >= COMMON_WORD and _is_chinese(word))
    by_sound = defaultdict(list)
    for word in [*filter(None, characters), *common]:
        by_sound[_sound(word)].append(word)
    return by_sound


def _sound(word: str) -> str:
    return " ".join(lazy_pinyin(word))


def _is_chinese(word: str) -> bool:
    return all("\u4e00" <= character <= "\u9fff" for character in word)


def read_corpus(folder: Path = CORPUS) -> list[Line]:
    """Every line; an announcement is a dialogue of its own."""
    lines, dialogue = [], 0
    for path in sorted(folder.glob("*.txt")):
        for row in path.read_text(encoding="utf-8").splitlines():
            if not row or path.name == "system.txt":
                dialogue += 1
            if row:
                role, _, text = (SYSTEM, ":", row) if path.name == "system.txt" else row.partition(":")
                if role not in (AGENT, CUSTOMER, SYSTEM) or not text:
                    raise ValueError(f"{path.name}: {row}")
                lines.append(Line(role, text, dialogue))
        dialogue += 1
    return lines


def corpus_hash(folder: Path = CORPUS) -> str:
    """Of the corpus and of this script: what the weights were made from."""
    made_of = [*sorted(folder.glob("*.txt")), Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()


def misheard(lines: Iterable[Line], rate: float, seed: int) -> list[Line]:
    noise = Misheard(seed)
    return [replace(line, text=noise(line.text, rate)) for line in lines]


def with_misheard(lines: Sequence[Line]) -> list[Line]:
    """What is learnt: the lines and their misheard copies."""
    return [*lines, *(line for seed, rate in enumerate(LEARNT_NOISE) for line in misheard(lines, rate, seed))]


@cache
def _features(text: str) -> frozenset[str]:
    return features(text)


class Fit:
    """Weights of the features, learnt from lines; of all features that at least DIALOGUES_MIN dialogues have."""

    def __init__(self, lines: Sequence[Line]) -> None:
        persons = [line for line in lines if line.role != SYSTEM and not roles.is_backchannel(line.text)]
        agent, _ = _logistic(persons, [line.role == AGENT for line in persons], C=AGENT_C, weight=1, intercept=False)
        system, self.intercept = _logistic(
            lines, [line.role == SYSTEM for line in lines], C=SYSTEM_C, weight=SYSTEM_WEIGHT, intercept=True
        )
        known = sorted(agent.keys() | system.keys())
        pairs = {f: (_rounded(agent.get(f, 0.0)), _rounded(system.get(f, 0.0))) for f in known}
        self.weights = {f: pair for f, pair in pairs.items() if max(map(abs, pair)) > WEAK}

    @property
    def model(self) -> Model:
        """Not calibrated: good for single utterances."""
        return Model(self.weights, round(self.intercept, 2), call_scale=1, call_damping=0)


def _rounded(weight: float) -> float:
    return round(weight, 2) + 0.0  # no -0.0


def _logistic(
    lines: Sequence[Line], wanted: Sequence[bool], *, C: float, weight: float, intercept: bool
) -> tuple[dict[str, float], float]:
    dialogues = defaultdict(set)
    for line in lines:
        for feature in _features(line.text):
            dialogues[feature].add(line.dialogue)
    kept = sorted(feature for feature, found in dialogues.items() if len(found) >= DIALOGUES_MIN)
    column = {feature: number for number, feature in enumerate(kept)}
    rows = [sorted(column[f] for f in _features(line.text) if f in column) for line in lines]
    ends = np.cumsum([0, *map(len, rows)])
    table = csr_matrix((np.ones(ends[-1]), np.concatenate(rows), ends), shape=(len(rows), len(kept)))
    fitted = LogisticRegression(C=C, fit_intercept=intercept, tol=1e-6, max_iter=2000).fit(
        table, wanted, sample_weight=np.where(wanted, weight, 1)
    )
    return dict(zip(kept, fitted.coef_[0].tolist(), strict=True)), float(np.ravel(fitted.intercept_)[0])


class CrossValidation:
    """Every line judged, as it stands and misheard, by weights learnt from the other folds."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.lines = lines
        copies = with_misheard(lines)
        dialogues = sorted({line.dialogue for line in lines})
        random.Random(0).shuffle(dialogues)
        self.fold = {dialogue: number % FOLDS for number, dialogue in enumerate(dialogues)}
        self.models = [Fit([x for x in copies if self.fold[x.dialogue] != f]).model for f in range(FOLDS)]

    @cached_property
    def test_sets(self) -> dict[str, list[Line]]:
        return {"as_written": list(self.lines), "misheard": misheard(self.lines, TESTED_NOISE, seed=100)}

    def agent_log_odds(self, line: Line) -> float:
        return self.models[self.fold[line.dialogue]].agent_log_odds(line.text)

    def system_log_odds(self, line: Line) -> float:
        return self.models[self.fold[line.dialogue]].system_log_odds(line.text)

    def part(self, lines: Sequence[Line], mixed_up: Callable[[], bool] = lambda: False) -> Part:
        """`mixed_up` says of each utterance whether it went to the other side, as happens on one channel."""
        signed = [
            roles.hedged(self.agent_log_odds(line)) * (1 if (line.role == AGENT) != mixed_up() else -1)
            for line in lines
        ]
        return Part(sum(signed), len(signed))


def calibrate(cv: CrossValidation) -> tuple[float, float]:
    """Scale and damping by which the parts of all calls, some misheard or mixed up, get the most honest odds."""
    chance = random.Random(7)
    parts = []
    for lines in cv.test_sets.values():
        for call in calls(lines):
            for _ in range(PARTS):
                length = chance.choice((*PART_LENGTHS, len(call)))
                start = chance.randrange(max(1, len(call) - length + 1))
                parts.append(cv.part(call[start : start + length], lambda: chance.random() < roles.STRAY))
    choices = [(scale, damping) for damping in DAMPINGS for scale in SCALES]
    return min(choices, key=lambda choice: log_loss([part.log_odds(*choice) for part in parts]))


def calls(lines: Iterable[Line]) -> list[list[Line]]:
    """The dialogues in which both sides speak."""
    grouped = [list(group) for _, group in groupby(lines, key=lambda line: line.dialogue)]
    return [call for call in grouped if {line.role for line in call} == {AGENT, CUSTOMER}]


def figures(
    cv: CrossValidation, lines: Sequence[Line], calibration: tuple[float, float], shift: float
) -> dict[str, float]:
    """What the weights are worth. Agent against customer by utterance and by call, with log loss in nats; machines."""
    telling = [line for line in lines if line.role != SYSTEM and not roles.is_backchannel(line.text)]
    by_utterance = [cv.agent_log_odds(line) * (1 if line.role == AGENT else -1) for line in telling]
    by_call = [cv.part(call).log_odds(*calibration) for call in calls(lines)]
    system = [cv.system_log_odds(line) + shift for line in lines if line.role == SYSTEM]
    persons = [cv.system_log_odds(line) + shift for line in lines if line.role != SYSTEM]
    found: dict[str, float] = {
        "utterances": len(by_utterance),
        "utterances_right": fmean([odds > 0 for odds in by_utterance]),
        "utterances_log_loss": log_loss(by_utterance),
        "calls": len(by_call),
        "calls_right": fmean([odds > 0 for odds in by_call]),
        "calls_log_loss": log_loss(by_call),
        "calls_taken_for_swapped": sum(-odds >= log_odds(roles.SWAPPED_FROM) for odds in by_call),
        "swapped_calls_found": fmean([odds >= log_odds(roles.SWAPPED_FROM) for odds in by_call]),
        "announcements": len(system),
        "announcements_above_0.9": fmean([odds > log_odds(0.9) for odds in system]),
        "persons_above_0.9": sum(odds > log_odds(0.9) for odds in persons),
    }
    return {name: figure if isinstance(figure, int) else round(float(figure), 4) for name, figure in found.items()}


def log_loss(odds_of_truth: Sequence[float]) -> float:
    return fmean(np.logaddexp(0, -np.asarray(odds_of_truth)).tolist())


def log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def main() -> None:
    lines = read_corpus()
    cv = CrossValidation(lines)
    calibration = calibrate(cv)
    nearest = max(cv.system_log_odds(x) for test in cv.test_sets.values() for x in test if x.role != SYSTEM)
    shift = min(0.0, log_odds(PERSON_MAX) - nearest)
    fit = Fit(with_misheard(lines))
    made = {
        "about": "made by models/training/train_roles.py: [agent or customer, machine or person] by feature, log odds",
        "corpus": corpus_hash(),
        "cross_validation": {name: figures(cv, test, calibration, shift) for name, test in cv.test_sets.items()},
        "call_scale": round(calibration[0], 2),
        "call_damping": calibration[1],
        "system_intercept": round(fit.intercept + shift, 2),
    }
    head = json.dumps(made, ensure_ascii=False, indent=1).removesuffix("\n}")
    weights = ",\n".join(f"  {json.dumps(f, ensure_ascii=False)}: {list(pair)}" for f, pair in fit.weights.items())
    MADE.write_text(f'{head},\n "weights": {{\n{weights}\n }}\n}}\n', encoding="utf-8")
    print(json.dumps(made, ensure_ascii=False, indent=1))
    print(f"{MADE.name}: {len(fit.weights)} features, {MADE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
