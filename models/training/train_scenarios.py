"""Makes rules/call/scenarios.json from the calls in scenarios/ and roles/: python models/training/train_scenarios.py

The calls are made up for this purpose and lie in files named by their scenario: dialogues in SCENARIO.txt (坐 = agent,
客 = customer, an empty line between two of them), and in SCENARIO.openings.txt what the caller says first, a call a
line. What is said in calls about anything is in anything.txt: it is learnt for every scenario alike, lest a greeting
tell one from the other. Every call is learnt as it stands and misheard in several ways. All figures are
cross-validated: a call is judged by weights that never saw it. (That callbacks are hardly ever missed is due to their
direction.) The same corpus gives the same file; nothing here is needed at run time.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from zhijian.models.records.call import Direction
from zhijian.models.records.dialogue import Role
from zhijian.models.training.train_roles import Misheard
from zhijian.rules.call import scenario
from zhijian.rules.call.scenario import Model, Scenario, features

CORPUS = Path(__file__).parent
MADE = Path(scenario.__file__).with_name("scenarios.json")
CUES = Path(scenario.__file__).parents[1] / "lexicon" / "scenario_cues.txt"
# the dialogues of roles/ that are about one thing, where they are not named by it
OTHER_NAMES = {"praise": Scenario.SUGGESTION, "report": Scenario.WHISTLE_BLOWING}
ANYTHING, OPENINGS = "anything", ".openings"
ROLES = {"坐": Role.AGENT, "客": Role.CUSTOMER}
FOLDS = 5
# the share of characters misheard in each copy of the corpus that is learnt beside the original, and in the test
LEARNT_NOISE, TESTED_NOISE = (0.05, 0.15, 0.3), 0.25
# a feature of fewer calls is chance
CALLS_MIN = 3
C, WEAK = 0.1, 0.1
SCALES = [round(0.5 + 0.05 * step, 2) for step in range(60)]
SURE = 0.8


@dataclass(frozen=True)
class Example:
    scenario: Scenario
    turns: tuple[tuple[Role, str], ...]

    @cached_property
    def features(self) -> dict[str, float]:
        direction = Direction.OUTBOUND if self.scenario is Scenario.CALLBACK else Direction.INBOUND
        return features(direction, self.turns)

    @property
    def is_dialogue(self) -> bool:
        return len(self.turns) > 1


def read_corpus(folder: Path = CORPUS) -> list[Example]:
    """Every call of the files that are named by a scenario."""
    return [
        Example(about, turns) for path in _files(folder) if (about := _scenario_of(path)) for turns in _calls_of(path)
    ]


def read_anything(folder: Path = CORPUS) -> list[Example]:
    """What may be said in any call, once for every scenario."""
    path = folder / "scenarios" / f"{ANYTHING}.txt"
    return [Example(about, turns) for turns in _calls_of(path) for about in Scenario]


def _files(folder: Path) -> list[Path]:
    return [path for name in ("roles", "scenarios") for path in sorted((folder / name).glob("*.txt"))]


def _scenario_of(path: Path) -> Scenario | None:
    name = path.stem.removesuffix(OPENINGS)
    return Scenario(name) if name in list(Scenario) else OTHER_NAMES.get(name)


def _calls_of(path: Path) -> list[tuple[tuple[Role, str], ...]]:
    text = path.read_text(encoding="utf-8").strip()
    if path.stem.endswith(OPENINGS):
        caller = Role.AGENT if _scenario_of(path) is Scenario.CALLBACK else Role.CUSTOMER
        return [((caller, line),) for line in text.splitlines()]
    return [tuple(_turn(path, line) for line in dialogue.splitlines()) for dialogue in text.split("\n\n")]


def _turn(path: Path, line: str) -> tuple[Role, str]:
    mark, _, text = line.partition(":")
    if mark not in ROLES or not text:
        raise ValueError(f"{path.name}: {line}")
    return ROLES[mark], text


def corpus_hash(folder: Path = CORPUS) -> str:
    """Of the corpus, the cues and this script: what the weights were made from."""
    made_of = [*_files(folder), CUES, Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in made_of)).hexdigest()


def misheard(examples: Sequence[Example], rate: float, seed: int) -> list[Example]:
    noise = Misheard(seed)
    return [replace(x, turns=tuple((role, noise(text, rate)) for role, text in x.turns)) for x in examples]


def fit(copies: Sequence[Sequence[Example]]) -> Model:
    """Weights learnt from several copies of the same calls; not calibrated."""
    calls = defaultdict(set)
    for copy in copies:
        for number, example in enumerate(copy):
            for feature in example.features:
                calls[feature].add(number)
    kept = sorted(feature for feature, found in calls.items() if len(found) >= CALLS_MIN)
    column = {feature: number for number, feature in enumerate(kept)}
    examples = [example for copy in copies for example in copy]
    rows = [[(column[f], value) for f, value in x.features.items() if f in column] for x in examples]
    ends = np.cumsum([0, *map(len, rows)])
    columns, values = zip(*(pair for row in rows for pair in row), strict=True)
    table = csr_matrix((values, columns, ends), shape=(len(rows), len(kept)))
    wanted = [list(Scenario).index(example.scenario) for example in examples]
    fitted = LogisticRegression(C=C, class_weight="balanced", fit_intercept=False, tol=1e-4, max_iter=1000).fit(
        table, wanted
    )
    return Model({feature: tuple(odds) for feature, odds in zip(kept, fitted.coef_.T.tolist(), strict=True)})


def scaled(model: Model, scale: float) -> Model:
    """The same opinions, so much surer; without weak weights."""
    weights = {
        feature: tuple(round(scale * one, 2) + 0.0 for one in odds)  # no -0.0
        for feature, odds in model.weights.items()
    }
    return Model({feature: odds for feature, odds in weights.items() if max(map(abs, odds)) > WEAK})


class CrossValidation:
    """Every call judged, as it stands and misheard, by weights learnt from the other folds."""

    def __init__(self, examples: Sequence[Example], anything: Sequence[Example]) -> None:
        self.truth = np.array([list(Scenario).index(example.scenario) for example in examples])
        self.is_dialogue = np.array([example.is_dialogue for example in examples])
        copies, always = with_misheard(examples), with_misheard(anything)
        tests = {"as_written": examples, "misheard": misheard(examples, TESTED_NOISE, seed=100)}
        self.log_odds = {name: np.zeros((len(examples), len(Scenario))) for name in tests}
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
        for learnt, tested in folds.split(self.truth, self.truth):
            model = fit([[copy[n] for n in learnt] + more for copy, more in zip(copies, always, strict=True)])
            for name, test in tests.items():
                for number in tested:
                    self.log_odds[name][number] = _log_odds(model, test[number])

    def log_loss(self, scale: float) -> float:
        """In nats, over all test sets."""
        return float(np.mean([_log_loss(scale * odds, self.truth) for odds in self.log_odds.values()]))

    def figures(self, test_set: str, scale: float) -> dict[str, object]:
        """What the weights are worth; `confusion` has a row for each true scenario, a column for each found."""
        log_odds = scale * self.log_odds[test_set]
        confidence, found = _probabilities(log_odds).max(axis=1), log_odds.argmax(axis=1)
        right, sure = found == self.truth, confidence >= SURE
        confusion = np.zeros((len(Scenario), len(Scenario)), dtype=int)
        np.add.at(confusion, (self.truth, found), 1)
        return {
            "calls": len(right),
            "right": _share(right),
            "dialogues_right": _share(right[self.is_dialogue]),
            "openings_right": _share(right[~self.is_dialogue]),
            "log_loss": round(_log_loss(log_odds, self.truth), 4),
            f"surer_than_{SURE}": _share(sure),
            f"surer_than_{SURE}_right": _share(right[sure]),
            "recall": _by_scenario(confusion.diagonal() / confusion.sum(axis=1)),
            "precision": _by_scenario(confusion.diagonal() / confusion.sum(axis=0)),
            "confusion": {name.value: row for name, row in zip(Scenario, confusion.tolist(), strict=True)},
        }


def with_misheard(examples: Sequence[Example]) -> list[list[Example]]:
    """What is learnt: the calls and their misheard copies."""
    return [list(examples), *(misheard(examples, rate, seed) for seed, rate in enumerate(LEARNT_NOISE))]


def _log_odds(model: Model, example: Example) -> NDArray[np.float64]:
    return np.log(list(model.probabilities(example.features).values()))


def _probabilities(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    likelihoods = np.exp(log_odds - log_odds.max(axis=1, keepdims=True))
    return likelihoods / likelihoods.sum(axis=1, keepdims=True)


def _log_loss(log_odds: NDArray[np.float64], truth: NDArray[np.int_]) -> float:
    return float(-np.log(_probabilities(log_odds)[np.arange(len(truth)), truth]).mean())


def _share(marks: NDArray[np.bool_]) -> float:
    return round(float(marks.mean()), 4)


def _by_scenario(shares: NDArray[np.float64]) -> dict[str, float]:
    return {name.value: round(share, 3) for name, share in zip(Scenario, shares.tolist(), strict=True)}


def main() -> None:
    examples, anything = read_corpus(), read_anything()
    cv = CrossValidation(examples, anything)
    scale = min(SCALES, key=cv.log_loss)
    model = scaled(fit(with_misheard([*examples, *anything])), scale)
    made = {
        "about": "made by models/training/train_scenarios.py: log odds of the scenarios by feature",
        "corpus": corpus_hash(),
        "cross_validation": {name: cv.figures(name, scale) for name in cv.log_odds},
        "scale": scale,
        "scenarios": [one.value for one in Scenario],
    }
    head = json.dumps(made, ensure_ascii=False, indent=1).removesuffix("\n}")
    weights = ",\n".join(f"  {json.dumps(f, ensure_ascii=False)}: {list(odds)}" for f, odds in model.weights.items())
    MADE.write_text(f'{head},\n "weights": {{\n{weights}\n }}\n}}\n', encoding="utf-8")
    print(json.dumps(made["cross_validation"], ensure_ascii=False, indent=1))
    print(f"{MADE.name}: {len(model.weights)} features, {MADE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
