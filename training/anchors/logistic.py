"""Logistic regression on all signals and the contract's clock: what a careful analyst would build in an afternoon.

Missing values are filled with the median and marked, all is scaled, and what lies beyond three standard deviations is
cut off. How much the coefficients are shrunken is chosen on accounts that were not fitted on. Measured on a simulated
company at 180 days out of time, without cutting and choosing: log-loss 0.365, worse than the average's 0.335.
"""

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from features.catalogue import SIGNALS
from training.anchors.per_horizon import PerHorizon
from training.leads import renewal_clock, signal_values

SHRINKING = (0.0003, 0.001, 0.003, 0.01, 0.1)
_NAMES = [signal.name for signal in SIGNALS if signal.in_model]


def signals_and_clock(matrix: pl.DataFrame, days: int) -> NDArray[np.floating]:
    """All signals, the days to the renewal and of the term, and whether a term ends within `days`."""
    renewal, term = renewal_clock(matrix)
    return np.column_stack([signal_values(matrix, _NAMES), renewal, term, renewal <= days])


def prepared(*last: Any, mark_missing: bool = True) -> Pipeline:
    """Covariates filled, scaled and cut off, and then the steps of `last`."""
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=mark_missing, keep_empty_features=True),
        StandardScaler(),
        FunctionTransformer(np.clip, kw_args={"a_min": -3.0, "a_max": 3.0}),
        *last,
    )


def _shrunken(accounts: pl.Series) -> BaseEstimator:
    """The regression whose shrinking does best on three in ten of the accounts, fitted on all."""
    groups = accounts.rank("dense").to_numpy()
    regression = LogisticRegressionCV(
        Cs=SHRINKING,
        l1_ratios=(0,),
        cv=list(GroupShuffleSplit(1, test_size=0.3, random_state=0).split(groups, groups=groups)),
        scoring="neg_log_loss",
        solver="newton-cholesky",
        max_iter=200,
        use_legacy_attributes=False,
    )
    return prepared(regression)


LOGISTIC = PerHorizon("logistic regression", signals_and_clock, _shrunken)
