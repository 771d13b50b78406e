"""The churn hazard: the chance to leave in a given 28-day period, for those still there when it begins.

A LightGBM classifier over `training.leads`, shrunken, with monotone constraints wherever the catalogue gives a signal
a direction; a term ending in the period can only raise the hazard. The number of trees is chosen on periods later than
those it was fitted on. With a seed, training is reproducible to the bit.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from features.signal import Signal
from training.leads import CLOCK, LeadRows

ROUNDS = 600
PATIENCE = 40


def parameters(signals: Sequence[Signal], rows: int, seed: int) -> Mapping[str, Any]:
    """LightGBM's parameters: a shrunken model, its leaves as large as a fiftieth of the rows allows, at most 1,000."""
    direction = [-(signal.direction or 0) for signal in signals]
    clock = [1 if name == "renewal_in_lead" else 0 for name in CLOCK]
    return {
        "objective": "binary",
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_data_in_leaf": max(20, min(1000, rows // 50)),
        "lambda_l2": 10.0,
        "monotone_constraints": direction + clock,
        "monotone_constraints_method": "intermediate",
        "max_bin": 127,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }


def fit(
    rows: LeadRows,
    signals: Sequence[Signal],
    seed: int,
    *,
    later: LeadRows | None = None,
    rounds: int = ROUNDS,
) -> lgb.Booster:
    """A booster on `rows`; with `later` rows it stops where they no longer get better, else after `rounds` trees."""
    names = [signal.name for signal in signals] + list(CLOCK)
    train = lgb.Dataset(rows.x, rows.y, feature_name=names, free_raw_data=True)
    settings = dict(parameters(signals, len(rows.y), seed))
    if later is None:
        return lgb.train(settings, train, num_boost_round=rounds)
    return lgb.train(
        settings,
        train,
        num_boost_round=rounds,
        valid_sets=[train.create_valid(later.x, later.y)],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )


def log_odds(booster: lgb.Booster, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The hazard in log-odds, before calibration."""
    return np.asarray(booster.predict(x, raw_score=True), dtype=np.float64)
