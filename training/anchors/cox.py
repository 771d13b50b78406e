"""Cox's proportional hazards on the same covariates: what a statistician would build.

The time from each snapshot to the churn is modelled by statsmodels' partial likelihood with a ridge penalty, and its
baseline gives the risk at each horizon (Cox, Regression Models and Life-Tables, 1972; Breslow's baseline hazard).
A renewal's effect can't come and go with it: that is what proportional means, and where this anchor is weak.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from statsmodels.duration.hazard_regression import PHReg  # type: ignore[import-untyped]

from features.periods import PERIOD_DAYS
from training.anchors.known import Floats, Known, Risks, base_rate
from training.anchors.logistic import prepared, signals_and_clock
from training.leads import LEADS, days, renewal_clock
from training.model import HORIZONS

LAST_DAY = float(LEADS * PERIOD_DAYS)
"""Snapshots are followed this far; what happens later says nothing of the horizons."""
PENALTY_PER_EVENT = 0.7
"""Half the squared coefficients cost this much per churn: measured best of 0.007, 0.07 and 0.7 out of time."""
FEWEST_EVENTS = 10
MOST_ROWS = 10_000
"""A step of the likelihood costs statsmodels more than all of a logistic regression."""
_EXACTLY = {"method": "lbfgs", "pgtol": 1e-8, "factr": 10.0, "maxiter": 1000}
"""The same to seven digits as by Newton's steps, whose second derivatives cost statsmodels more than all of this."""


class Cox:
    """The anchor; with fewer than `FEWEST_EVENTS` churns it says the share of snapshots whose account left."""

    name = "Cox proportional hazards"

    def fit(self, known: Known) -> Risks:
        """Coefficients and baseline from the snapshots known so far."""
        rows = known.lives(MOST_ROWS)
        begins, churned, completed = (days(rows[name]) for name in ("as_of", "churned_at", "completed_at"))
        seen = np.fmin(np.fmin(churned, completed), known.outcomes.observed_until.toordinal()) - begins
        left = (churned - begins == seen) & (seen <= LAST_DAY)
        there = seen > 0
        if left[there].sum() < FEWEST_EVENTS:
            rates = [base_rate(known.labelled(horizon)["churned"].to_numpy()) for horizon in HORIZONS]
            return lambda matrix: np.tile(rates, (len(matrix), 1))
        pipeline = prepared(mark_missing=False)
        x = pipeline.fit_transform(_covariates(rows.filter(there)))
        time = np.minimum(seen[there], LAST_DAY)
        regression = _Ridge(time, x, status=left[there], penalty=PENALTY_PER_EVENT * float(left[there].sum()))
        fitted = regression.fit(disp=False, **_EXACTLY)
        times, hazard, _ = fitted.baseline_cumulative_hazard[0]
        baseline = np.interp(HORIZONS, times, hazard)
        return lambda matrix: _risks(matrix, pipeline, np.asarray(fitted.params), baseline)


class _Ridge(PHReg):  # type: ignore[misc]
    """The partial likelihood, less `penalty` times half the squared coefficients."""

    def __init__(self, *given: object, penalty: float, **named: object) -> None:
        super().__init__(*given, **named)
        self.penalty = penalty

    def loglike(self, params: Floats) -> float:
        return float(super().loglike(params) - self.penalty / 2 * params @ params)

    def score(self, params: Floats) -> Floats:
        return np.asarray(super().score(params) - self.penalty * params)

    def hessian(self, params: Floats) -> Floats:
        return np.asarray(super().hessian(params) - self.penalty * np.eye(len(params)))


def _covariates(matrix: pl.DataFrame) -> NDArray[np.floating]:
    """Signals and clock, and whether a term ends within each horizon."""
    renewal, _ = renewal_clock(matrix)
    return np.column_stack([signals_and_clock(matrix, HORIZONS[0]), *(renewal <= horizon for horizon in HORIZONS[1:])])


def _risks(matrix: pl.DataFrame, pipeline: Pipeline, coefficients: Floats, baseline: Floats) -> Floats:
    relative = np.exp(pipeline.transform(_covariates(matrix)) @ coefficients)
    return np.asarray(-np.expm1(-relative[:, None] * baseline), dtype=np.float64)
