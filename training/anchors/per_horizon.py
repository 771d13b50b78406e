"""A classifier of scikit-learn for each horizon, as most churn models are built."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from training.anchors.known import Floats, Known, Risks, base_rate
from training.model import HORIZONS


@dataclass(frozen=True)
class PerHorizon:
    """An anchor that learns each horizon by itself; where all stayed or all left it says the share of those who left.

    `covariates` gives the rows' values for a horizon in days, NaN where missing. `classifier` makes the estimator that
    is fitted to them, given whose each row is.
    """

    name: str
    covariates: Callable[[pl.DataFrame, int], NDArray[np.floating]]
    classifier: Callable[[pl.Series], BaseEstimator]

    def fit(self, known: Known) -> Risks:
        """One classifier per horizon, on the snapshots whose outcome within it was known."""
        fitted = [self._one(known, days) for days in HORIZONS]
        return lambda matrix: np.column_stack([risk(matrix) for risk in fitted])

    def _one(self, known: Known, days: int) -> Callable[[pl.DataFrame], Floats]:
        rows = known.labelled(days)
        churned = rows["churned"].to_numpy()
        if churned.all() or not churned.any():
            rate = base_rate(churned)
            return lambda matrix: np.full(len(matrix), rate)
        classifier = self.classifier(rows["account_id"]).fit(self.covariates(rows, days), churned)
        return lambda matrix: np.asarray(
            classifier.predict_proba(self.covariates(matrix, days))[:, 1], dtype=np.float64
        )
