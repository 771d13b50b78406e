"""Health scores as vendors publish them, re-implemented on the same scorecard.

Each takes the signals' grades by the scorecard's thresholds, averages them within each dimension and weighs the
dimensions; what is missing is left out. They differ in what a grade is worth:

- *weighted points*: 0 to 100, in proportion;
- *100 / 60 / 0*: good, average, poor;
- *10 / 5 / 0*: good, concerning, poor.

None of them gives a probability. Each is turned into one by a logistic regression on the score alone, per horizon, on
what was known: more than a published formula comes with.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from features.catalogue import CATALOGUE
from training.anchors.known import Floats
from training.anchors.per_horizon import PerHorizon
from training.leads import signal_values
from training.scorecard import Scorecard

GOOD, POOR = 2 / 3, 1 / 3
"""Grades from here on are good, and down from here poor."""


@dataclass(frozen=True)
class Formula:
    """A vendor's formula: what a grade (0 poor, 1 good) is worth."""

    name: str
    worth: Callable[[Floats], Floats]

    def score(self, matrix: pl.DataFrame, scorecard: Scorecard) -> Floats:
        """One score per row, the higher the better; NaN where nothing weighed is known."""
        names = list(scorecard.signals)
        grades = scorecard.grades(signal_values(matrix, names), names)
        worth = np.where(np.isnan(grades), np.nan, self.worth(grades))
        total, weights = np.zeros(len(matrix)), np.zeros(len(matrix))
        for dimension, weight in scorecard.dimensions.items():
            of_dimension = worth[:, [CATALOGUE[name].dimension == dimension for name in names]]
            known = ~np.isnan(of_dimension)
            some = known.any(axis=1)
            mean = np.nansum(of_dimension, axis=1)[some] / known.sum(axis=1)[some]
            total[some] += weight * mean
            weights[some] += weight
        with np.errstate(invalid="ignore"):
            return np.asarray(np.where(weights > 0, total / weights, np.nan), dtype=np.float64)

    def anchor(self, scorecard: Scorecard) -> PerHorizon:
        """The formula as an anchor, with a scorecard's weights and thresholds."""
        return PerHorizon(self.name, lambda matrix, _: self.score(matrix, scorecard)[:, None], _probability)


def _stepwise(good: float, average: float, poor: float) -> Callable[[Floats], Floats]:
    return lambda grades: np.select([grades >= GOOD, grades > POOR], [good, average], poor).astype(np.float64)


def _probability(accounts: pl.Series) -> BaseEstimator:
    del accounts
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), LogisticRegression())


FORMULAS = (
    Formula("weighted points", lambda grades: 100.0 * grades),
    Formula("100 / 60 / 0", _stepwise(100.0, 60.0, 0.0)),
    Formula("10 / 5 / 0", _stepwise(10.0, 5.0, 0.0)),
)
