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

from features.periods import PERIOD_DAYS
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
        "feature_fraction": 0.5,  # out of time, log-loss .1560 to .1557 (simulated), .3465 to .3430 (oulad, day 28)
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
        early, late = split(rows, LATER_SHARE)
    except NotEnoughTime:
        early = late = np.ones(len(rows.y), dtype=bool)
    later, repeats = rows.some(late), _repeats(rows, history)
    weighed = _weighed(plain, rows, early, repeats)
    prior = _prior(weighed, rows)

    def levelled(fitted: Calibration, log_odds: NDArray[np.float64]) -> Calibration:
        return fitted.levelled(log_odds, later.y, segments[later.row], repeats)

    if early is late or min(_accounts(rows, part, history) for part in (early, late)) < FEWEST_EVENTS:
        return replace(weighed, calibration=levelled(weighed.calibration, prior[late]))
    settings = {**parameters(signals, len(rows.y), seed), **(chosen or {})}
    names = [signal.name for signal in signals] + list(CLOCK)
    whole = lgb.Dataset(rows.x, rows.y, init_score=prior, feature_name=names, params=settings, free_raw_data=False)
    first = _stopped(settings, whole.construct(), early, late, prior)
    slope = calibration.slope(prior[late], _raw(first, later), later.y, repeats)
    booster = lgb.train(settings, whole, num_boost_round=max(1, first.best_iteration))
    fitted = levelled(replace(weighed.calibration, slope=slope), prior[late] + slope * _raw(booster, later))
    return replace(weighed, booster=booster, calibration=fitted)


def _stopped(
    settings: Mapping[str, Any],
    whole: lgb.Dataset,
    early: NDArray[np.bool_],
    late: NDArray[np.bool_],
    prior: NDArray[np.float64],
) -> lgb.Booster:
    """A booster of the earlier periods that stops where the later ones no longer get better."""
    train, judge = (_part(whole, part, prior) for part in (early, late))
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    return lgb.train(dict(settings), train, num_boost_round=ROUNDS, valid_sets=[judge], callbacks=[stop])


def _part(whole: lgb.Dataset, part: NDArray[np.bool_], prior: NDArray[np.float64]) -> lgb.Dataset:
    """Some rows of a dataset, in its bins."""
    return whole.subset(np.flatnonzero(part)).construct().set_init_score(prior[part])


def _repeats(rows: LeadRows, history: pl.DataFrame) -> float:
    """In how many rows an event is, on average: it is seen from every snapshot before it."""
    events = pl.DataFrame({"account": history["account_id"].gather(rows.row[rows.y == 1])})
    different = events.with_columns(begins=rows.begins[rows.y == 1] // PERIOD_DAYS).n_unique()
    return max(1.0, len(events) / different) if different else 1.0


def _weighed(plain: Hazard, rows: LeadRows, part: NDArray[np.bool_], repeats: float) -> Hazard:
    """The scorecard's two parts as the outcomes of `part` weigh them; never turned round."""
    base = plain.scorecard.base(plain.cause, rows.x[part, RENEWAL], rows.x[part, TERM].astype(np.float64))
    found = calibration.shrunken(
        np.column_stack([np.ones(len(base)), base, -rows.standing[part]]),
        rows.y[part],
        np.full(len(base), rows.offset),
        np.array([plain.calibration.intercept, 1.0, 1.0]),
        np.array([LEVEL_SD, WEIGHT_SD, WEIGHT_SD]),
        repeats,
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


def _accounts(rows: LeadRows, part: NDArray[np.bool_], history: pl.DataFrame) -> int:
    return history["account_id"].gather(rows.row[part & (rows.y == 1)]).n_unique()
