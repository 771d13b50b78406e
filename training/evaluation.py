"""Out-of-time figures: what a model said at a moment against what then happened within a horizon."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.outcomes import Outcomes


@dataclass(frozen=True)
class Figures:
    """How well risks agreed with outcomes; figures that can't be told (nobody left, or all did) are NaN.

    `base_brier` is the Brier score of saying the average for everyone; `expected_to_actual` is 1 where as many left as
    expected, and `expected_to_actual_arr` the same in money.
    """

    accounts: int
    churned: int
    auc: float
    pr_auc: float
    brier: float
    base_brier: float
    log_loss: float
    expected_to_actual: float
    expected_to_actual_arr: float


def churned_within(matrix: pl.DataFrame, outcomes: Outcomes, days: int) -> pl.DataFrame:
    """The rows of `matrix` whose outcome within `days` is known, with `churned` (bool).

    A row's outcome is known when its whole horizon has been observed.
    """
    horizon = timedelta(days=days)
    known = outcomes.of(matrix).filter(pl.col("as_of") + horizon <= outcomes.observed_until)
    return known.with_columns(churned=(pl.col("churned_at") <= pl.col("as_of") + horizon).fill_null(value=False))


def figures(risk: NDArray[np.float64], churned: NDArray[np.bool_], arr: NDArray[np.float64]) -> Figures:
    """Figures for risks (probabilities) of the same accounts, in the same order, as outcomes and ARR."""
    both = bool(churned.any() and not churned.all())
    lost = float(arr[churned].sum())
    return Figures(
        accounts=len(risk),
        churned=int(churned.sum()),
        auc=float(roc_auc_score(churned, risk)) if both else np.nan,
        pr_auc=float(average_precision_score(churned, risk)) if both else np.nan,
        brier=float(brier_score_loss(churned, risk)) if len(risk) else np.nan,
        base_brier=float(churned.mean() * (1 - churned.mean())) if len(risk) else np.nan,
        log_loss=float(log_loss(churned, risk, labels=[False, True])) if len(risk) else np.nan,
        expected_to_actual=float(risk.sum() / churned.sum()) if churned.any() else np.nan,
        expected_to_actual_arr=float((risk * arr).sum() / lost) if lost > 0 else np.nan,
    )
