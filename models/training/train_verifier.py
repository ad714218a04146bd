"""Makes rules/call/belief.json from verifier_rows.csv: python models/training/train_verifier.py

The rows come from tests/benchmarks/verifier_rows.py and hold no text. All printed figures are of calls that the curve
which judges them has not seen.
"""

import itertools
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict

from zhijian.rules.call import belief
from zhijian.rules.call.belief import PROBABILITY_MIN, RATIO_MAX, RATIO_MIN, Curve

ROWS = Path(__file__).with_name("verifier_rows.csv")
MADE = Path(belief.__file__).with_name("belief.json")
FEATURES = ["similarity", "log_likelihood_ratio", "mean_log_probability"]
BINS = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1)


def read_rows() -> pd.DataFrame:
    rows = pd.read_csv(ROWS)
    rows["log_likelihood_ratio"] = np.clip(rows.log_likelihood_ratio, RATIO_MIN, RATIO_MAX)
    rows["mean_log_probability"] = np.maximum(rows.mean_log_probability, PROBABILITY_MIN)
    return rows


def model() -> LogisticRegression:
    return LogisticRegression(C=10)


def fit(rows: pd.DataFrame) -> Curve:
    fitted = model().fit(rows[FEATURES], rows.said)
    return Curve(*(round(float(weight), 4) for weight in (*fitted.intercept_, *fitted.coef_[0])))


def unseen(rows: pd.DataFrame, features: list[str]) -> npt.NDArray[np.float64]:
    """(num_rows,) probabilities, of each call by a curve fitted on the others."""
    guessed = cross_val_predict(
        model(), rows[features], rows.said, groups=rows.call, cv=LeaveOneGroupOut(), method="predict_proba"
    )
    return np.asarray(guessed)[:, 1]


def main() -> None:
    rows = read_rows()
    print(f"{len(rows)} rows of {rows.call.nunique()} calls, {rows.said.sum()} said")
    for count in range(1, len(FEATURES) + 1):
        guessed = unseen(rows, FEATURES[:count])
        area, brier = roc_auc_score(rows.said, guessed), brier_score_loss(rows.said, guessed)
        print(f"area under the curve {area:.3f}, Brier {brier:.4f}: {', '.join(FEATURES[:count])}")
    print("believed       rows  said")
    for low, high in itertools.pairwise(BINS):
        inside = (guessed >= low) & (guessed < high)
        if inside.any():
            print(f"{low:.1f} … {high:.1f}  {inside.sum():7}  {rows.said[inside].mean():.3f}")
    MADE.write_text(json.dumps(asdict(fit(rows)), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
