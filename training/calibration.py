"""Calibration: `intercept + slope · log-odds`, fitted on periods later than those the booster was fitted on.

Affine in log-odds, so that contributions stay additive and the order of accounts stays as it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

ENOUGH_EVENTS = 50


@dataclass(frozen=True)
class Calibration:
    """The two numbers that turn a booster's log-odds into those that are served."""

    intercept: float = 0.0
    slope: float = 1.0

    def apply(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated log-odds."""
        return self.intercept + self.slope * log_odds


def fit(log_odds: NDArray[np.float64], y: NDArray[np.float32]) -> Calibration:
    """Both numbers where there are `ENOUGH_EVENTS`; with fewer, only the level is moved, and with none nothing is.

    The slope never turns the order of accounts round, and never makes the model surer of itself than 1.5 times.
    """
    events = int(y.sum())
    if events in (0, len(y)):
        return Calibration()
    if events >= ENOUGH_EVENTS:
        model = LogisticRegression(C=np.inf, max_iter=200).fit(log_odds[:, None], y)
        slope = float(np.clip(model.coef_[0, 0], 0.3, 1.5))
    else:
        slope = 1.0
    return Calibration(_level(slope * log_odds, events), slope)


def _level(log_odds: NDArray[np.float64], events: int) -> float:
    """The intercept that makes the expected number of events the observed one."""
    return float(brentq(lambda level: expit(log_odds + level).sum() - events, -30.0, 30.0))
