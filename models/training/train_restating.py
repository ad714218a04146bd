"""Makes rules/operators/repeat/restating.json from restatements/: python models/training/train_restating.py

The dialogues are made up for this purpose (+ the agent says the request back, - he does not; 坐 = agent, 客 =
customer). Each is learnt as it stands, without punctuation, and misheard. Only the dialogue is labelled: of one with a
restatement the stretch that is likeliest counts as it, of one without none does, so the curve is fitted on the
likeliest of each, and these are chosen by the curve, in turns (multiple-instance learning, as in MI-SVM by Andrews et
al. 2002). The files are by different authors; all printed figures are of files that the curve which judges them has
not seen.
"""

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut

from zhijian.models.training.train_roles import Misheard
from zhijian.rules.call.settings import Settings
from zhijian.rules.language import Example
from zhijian.rules.operators.repeat import saying_back
from zhijian.rules.operators.repeat.restating import stretches_by_turn, told
from zhijian.rules.operators.repeat.saying_back import Clues, Curve
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

CORPUS = Path(__file__).with_name("restatements")
MADE = Path(saying_back.__file__).with_name("restating.json")
ROLES = {"客": "customer", "坐": "agent"}
MARKS = str.maketrans("", "", ",。?!、")
MISHEARD_RATE = 0.1
ROUNDS = 15
THRESHOLDS = (0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A dialogue as (role, words) from the file `source`; `restates`: in it the agent says the request back."""

    source: str
    restates: bool
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """A dialogue in one of its forms; `clues` of all stretches that may restate: (num_stretches, num_clues)."""

    form: str
    dialogue: Labelled
    clues: npt.NDArray[np.float64]


def read_corpus() -> list[Labelled]:
    return [
        Labelled(path.stem, label == "+", tuple((ROLES[row[0]], row[2:]) for row in rows))
        for path in sorted(CORPUS.glob("*.txt"))
        for label, *rows in _blocks(path)
    ]


def _blocks(path: Path) -> Iterator[list[str]]:
    block: list[str] = []
    for row in path.read_text(encoding="utf-8").splitlines():
        if row in ("+", "-") and block:
            yield block
            block = []
        if row and not row.startswith("#"):
            block.append(row)
    yield block


def forms() -> dict[str, Callable[[str], str]]:
    """In which the words of a dialogue may come."""
    misheard = Misheard(seed=1)
    return {
        "as written": str,
        "no marks": lambda text: text.translate(MARKS),
        "misheard": lambda text: misheard(text.translate(MARKS), MISHEARD_RATE),
    }


def copies(corpus: Sequence[Labelled], forms: Mapping[str, Callable[[str], str]]) -> list[Copy]:
    settings = load_standard().settings
    return [
        Copy(form, one, _clues(((role, change(text)) for role, text in one.lines), settings))
        for form, change in forms.items()
        for one in corpus
    ]


def _clues(lines: Iterable[tuple[str, str]], settings: Settings) -> npt.NDArray[np.float64]:
    dialogue = [{role: text} for role, text in lines if text]
    heard = heard_of(Example.model_validate({"dialogue": dialogue}), settings)
    found = [one.clues for one in itertools.chain.from_iterable(stretches_by_turn(heard, told(heard)))]
    return np.array(found, dtype=float).reshape(-1, len(Clues._fields))


def fit(learnt: Sequence[Copy]) -> Curve:
    """Begins with the stretch of each that shares most with the request."""
    learnt = [one for one in learnt if len(one.clues)]
    labels = [one.dialogue.restates for one in learnt]
    likeliest = [one.clues[np.argmax(one.clues[:, Clues._fields.index("overlap")])] for one in learnt]
    for _ in range(ROUNDS):
        fitted = LogisticRegression(max_iter=1000).fit(likeliest, labels)
        likeliest = [one.clues[np.argmax(fitted.decision_function(one.clues))] for one in learnt]
    return Curve(round(float(fitted.intercept_[0]), 4), Clues(*(round(float(weight), 4) for weight in fitted.coef_[0])))


def probability(curve: Curve, copy: Copy) -> float:
    return max((curve.probability(Clues(*row)) for row in copy.clues), default=0.0)


def unseen(all_copies: Sequence[Copy]) -> npt.NDArray[np.float64]:
    """(num_copies,) probabilities, of the dialogues of each file by a curve fitted on the other files."""
    guessed = np.zeros(len(all_copies))
    for learnt, judged in LeaveOneGroupOut().split(guessed, groups=[one.dialogue.source for one in all_copies]):
        curve = fit([all_copies[at] for at in learnt])
        guessed[judged] = [probability(curve, all_copies[at]) for at in judged]
    return guessed


def main() -> None:
    corpus = read_corpus()
    all_copies = copies(corpus, forms())
    restates = np.array([one.dialogue.restates for one in all_copies])
    print(f"{len(corpus)} dialogues, {sum(one.restates for one in corpus)} with a restatement")
    guessed = unseen(all_copies)
    print(f"area under the curve {roc_auc_score(restates, guessed):.4f}")
    print("of those with a restatement and of those without: the share at least as probable as")
    print(f"{'':26}" + "".join(f"{threshold:12.2f}" for threshold in THRESHOLDS))
    for source, form in sorted({(one.dialogue.source, one.form) for one in all_copies}):
        inside = np.array([(one.dialogue.source, one.form) == (source, form) for one in all_copies])
        shares = (
            f"{(guessed[inside & restates] >= threshold).mean():7.2f} "
            f"{(guessed[inside & ~restates] >= threshold).mean():.2f}"
            for threshold in THRESHOLDS
        )
        print(f"{source:14}{form:12}" + "".join(shares))
    curve = fit(all_copies)
    made = {"intercept": curve.intercept, **curve.weights._asdict()}
    MADE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
