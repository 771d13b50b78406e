"""Learning a hazard: first how much of the scorecard to believe, then what a booster can add to it.

A LightGBM booster over `training.leads` starts from the scorecard's log-odds, shrunken, with monotone constraints
wherever the catalogue gives a signal a direction; a term ending in the period can only raise the hazard. The number of
trees and how much of the booster to believe are told on periods later than those it was fitted on; a final booster of
that size is fitted on all periods and set to the level of the later ones. With a seed, it is reproducible to the bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.signal import Signal
from training import calibration
from training.calibration import LEVEL_SD, Calibration
from training.errors import NotEnoughTime
from training.leads import CLOCK, RENEWAL, TERM, LeadRows, split
from training.model.hazard import Hazard
from training.scorecard import Cause, Scorecard

ROUNDS = 600
PATIENCE = 40
LATER_SHARE = 0.25
FEWEST_EVENTS = 20
"""Accounts that must have come to the outcome, in the earlier and in the later part, for a booster to be learned."""
WEIGHT_SD = 0.5
"""How far from 1 the weights of the scorecard's parts are believed to lie."""


def parameters(signals: Sequence[Signal], rows: int, seed: int) -> Mapping[str, Any]:
    """LightGBM's parameters: a shrunken model, its leaves as large as a fiftieth of the rows allows, at most 1,000."""
    direction = [-(signal.direction or 0) for signal in signals]
    clock = [1 if name == "renewal_in_lead" else 0 for name in CLOCK]
    return {
        "objective": "binary",
        "boost_from_average": False,  # LightGBM ignores it beside an initial score; said so that it stays so
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


def learn(
    cause: Cause,
    rows: LeadRows,
    history: pl.DataFrame,
    signals: Sequence[Signal],
    scorecard: Scorecard,
    average: float,
    seed: int,
    chosen: Mapping[str, Any] | None = None,
) -> Hazard:
    """The hazard of `cause` from its leads.

    `rows` index `history` (account_id, segment). `average` is how the average account stands, to whom the scorecard's
    rates apply. `chosen` replaces LightGBM's parameters. With too few outcomes for a booster it is the scorecard,
    weighed and levelled by what outcomes there are.
    """
    plain = Hazard(cause, scorecard, None, Calibration(average, slope=0.0))
    if not len(rows.y):
        return plain
    segments = history["segment"].to_numpy()
    try:
        earlier, later = split(rows, LATER_SHARE)
    except NotEnoughTime:
        earlier = later = rows
    weighed = _weighed(plain, earlier)
    prior = _prior(weighed, later)
    if earlier is later or min(_accounts(part, history) for part in (earlier, later)) < FEWEST_EVENTS:
        return replace(weighed, calibration=weighed.calibration.levelled(prior, later.y, segments[later.row]))
    settings = {**parameters(signals, len(rows.y), seed), **(chosen or {})}
    names = [signal.name for signal in signals] + list(CLOCK)
    first = _stopped(settings, names, weighed, earlier, later)
    slope = calibration.slope(prior, _raw(first, later), later.y)
    booster = lgb.train(settings, _dataset(weighed, rows, names), num_boost_round=max(1, first.best_iteration))
    fitted = replace(weighed.calibration, slope=slope).levelled(
        prior + slope * _raw(booster, later), later.y, segments[later.row]
    )
    return replace(weighed, booster=booster, calibration=fitted)


def _stopped(
    settings: Mapping[str, Any], names: list[str], weighed: Hazard, earlier: LeadRows, later: LeadRows
) -> lgb.Booster:
    """A booster of the earlier periods that stops where the later ones no longer get better."""
    train = _dataset(weighed, earlier, names)
    return lgb.train(
        dict(settings),
        train,
        num_boost_round=ROUNDS,
        valid_sets=[train.create_valid(later.x, later.y, init_score=_prior(weighed, later))],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )


def _dataset(weighed: Hazard, rows: LeadRows, names: list[str]) -> lgb.Dataset:
    return lgb.Dataset(rows.x, rows.y, init_score=_prior(weighed, rows), feature_name=names, free_raw_data=True)


def _weighed(plain: Hazard, rows: LeadRows) -> Hazard:
    """The scorecard's parts as the outcomes of `rows` weigh them; never turned round."""
    base = plain.scorecard.base(plain.cause, rows.x[:, RENEWAL], rows.x[:, TERM].astype(np.float64))
    found = calibration.shrunken(
        np.column_stack([np.ones(len(rows.y)), base, -rows.standing]),
        rows.y,
        np.full(len(rows.y), rows.offset),
        np.array([plain.calibration.intercept, 1.0, 1.0]),
        np.array([LEVEL_SD, WEIGHT_SD, WEIGHT_SD]),
    )
    return replace(
        plain,
        base_weight=max(0.0, float(found[1])),
        standing_weight=max(0.0, float(found[2])),
        calibration=replace(plain.calibration, intercept=float(found[0])),
    )


def _prior(weighed: Hazard, rows: LeadRows) -> NDArray[np.float64]:
    """The prior's log-odds as these rows show them, at the level of the earlier periods."""
    return weighed.calibration.intercept + weighed.prior(rows.x, rows.standing) + rows.offset


def _raw(booster: lgb.Booster, rows: LeadRows) -> NDArray[np.float64]:
    return np.asarray(booster.predict(rows.x, raw_score=True), dtype=np.float64)


def _accounts(rows: LeadRows, history: pl.DataFrame) -> int:
    return history["account_id"].gather(rows.row[rows.y == 1]).n_unique()
