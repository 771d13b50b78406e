"""Days to the renewal alone: what a renewals calendar knows without looking at the customer."""

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from features.periods import PERIOD_DAYS
from training.anchors.known import Floats
from training.anchors.per_horizon import PerHorizon
from training.leads import LEADS, renewal_clock


def renewal_period(matrix: pl.DataFrame, days: int) -> Floats:
    """The period the next renewal falls in, 1 to 13, then 14 for later and 0 where the contract is open-ended."""
    del days
    renewal, _ = renewal_clock(matrix)
    period = np.minimum(np.ceil(np.nan_to_num(renewal, nan=0.0) / PERIOD_DAYS), LEADS + 1)
    return np.asarray(period[:, None], dtype=np.float64)


def _rate_per_period(accounts: pl.Series) -> BaseEstimator:
    del accounts
    regression = LogisticRegression(solver="newton-cholesky", max_iter=200)
    return make_pipeline(OneHotEncoder(handle_unknown="ignore"), regression)


RENEWAL_DATE = PerHorizon("days to renewal alone", renewal_period, _rate_per_period)
