"""Makes rules/verdicts.json from verdict_rows.csv: python models/training/train_verdicts.py

The rows come from tests/benchmarks/verdict_rows.py and hold no text. All printed figures are of calls that the curves
which judge them have not seen in any of their copies.
"""

import itertools
import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from zhijian.rules import verdicts
from zhijian.rules.verdicts import Clues, Curve

ROWS = Path(__file__).with_name("verdict_rows.csv")
MADE = Path(verdicts.__file__).with_name("verdicts.json")
CLUES = [field.name for field in fields(Clues)]
BINS = (0, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1)
THRESHOLDS = (0, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)


def read_rows() -> pd.DataFrame:
    """With `right`: so is the verdict, or the deduction that an unsure one withholds.

    What the call record settles has no clues and no `curve`.
    """
    rows = pd.read_csv(ROWS)
    rows["curve"] = rows.outcome.replace("na", "pass").where(rows[CLUES].notna().all(axis=1))
    rows["right"] = rows.label == rows.outcome.replace("unsure", "fail")
    return rows


def model() -> LogisticRegression:
    """Hardly held back, for the clarity of calls differs by hundredths."""
    return LogisticRegression(C=300, max_iter=1000)


def fit(rows: pd.DataFrame) -> dict[str, Curve]:
    curves = {}
    for name, alike in rows.groupby("curve"):
        fitted = model().fit(alike[CLUES], alike.right)
        curves[str(name)] = Curve(*(round(float(weight), 4) for weight in (*fitted.intercept_, *fitted.coef_[0])))
    return curves


def unseen(rows: pd.DataFrame) -> pd.Series:
    """The probability that each verdict is right, of each call by curves fitted on the others; 1 by the call record."""
    guessed = pd.Series(1.0, rows.index)
    for _, alike in rows.groupby("curve"):
        of_calls = cross_val_predict(
            model(), alike[CLUES], alike.right, groups=alike.call, cv=LeaveOneGroupOut(), method="predict_proba"
        )
        guessed[alike.index] = of_calls[:, 1]
    return guessed


def of_thresholds(rows: pd.DataFrame, guessed: pd.Series) -> pd.DataFrame:
    """For each threshold and folder the innocent items, those of them that are deducted, and what is left unsure."""
    fails = rows.outcome == "fail"
    counts = []
    for threshold in THRESHOLDS:
        stands = fails & (guessed >= threshold)
        for folder, of_folder in rows.groupby("folder"):
            innocent = of_folder.label.isin(["pass", "na"])
            deducted = stands[of_folder.index]
            unsure = (of_folder.outcome == "unsure") | (fails[of_folder.index] & ~deducted)
            counts.append((threshold, folder, innocent.sum(), (innocent & deducted).sum(), unsure.sum()))
    return pd.DataFrame(counts, columns=["deduct", "folder", "innocent", "false_deductions", "unsure"])


def reliability(right: pd.Series, guessed: pd.Series) -> Iterator[str]:
    """A line for each bin: how many, how sure on average, how many of them were right."""
    for low, high in itertools.pairwise(BINS):
        inside = (guessed >= low) & ((guessed < high) | (high == 1))
        if inside.any():
            yield f"{low:.2f} … {high:.2f}  {inside.sum():5}  {guessed[inside].mean():.3f}  {right[inside].mean():.3f}"


def main() -> None:
    rows = read_rows()
    guessed = unseen(rows)
    print(f"{len(rows)} verdicts on {rows.call.nunique()} calls in {rows.folder.nunique()} folders")
    for outcome, of_outcome in rows[rows.curve.notna()].groupby("outcome"):
        right, by_curve = of_outcome.right, guessed[of_outcome.index]
        before, after = brier_score_loss(right, of_outcome.operator), brier_score_loss(right, by_curve)
        print(f"\n{outcome}: Brier {before:.4f} by the operator alone, {after:.4f} by the curve")
        print("probability      rows   mean  right", *reliability(right, by_curve), sep="\n")
    print("", of_thresholds(rows, guessed).to_string(index=False), sep="\n")
    made = {name: asdict(curve) for name, curve in fit(rows).items()}
    MADE.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
