"""Learning a hazard: how much of the scorecard to believe, what a straight line adds to it, and what trees add to both.

A LightGBM booster over `training.leads` starts from the log-odds of scorecard and line, shrunken, with monotone
constraints wherever the catalogue gives a signal a direction; a term ending in the period can only raise the hazard.
How far the line may go, the number of trees and how much of the booster to believe are told on periods later than
those they were fitted on; a final line and booster of that size are fitted on all periods and set to their level.
Setting it to the later periods alone was no better on simulated companies (log-loss within 90 days .1572 instead of
.1570 before a change of regime, .1503 instead of .1506 after it) and worse on oulad (.3434 instead of .3385): a regime
that has changed is what `training.recalibration` is for. With a seed, it is reproducible to the bit.
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
from training.line import fit
from training.model.hazard import Hazard
from training.model.line import Line
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
        "learning_rate": 0.06,  # .03 takes twice the trees for the same log-loss
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
    plain = Hazard(cause, scorecard, Line.flat(len(signals)), None, Calibration(average, slope=0.0))
    if not len(rows.y):
        return plain
    segments = history["segment"].to_numpy()
    try:
        early, late = split(rows, LATER_SHARE)
    except NotEnoughTime:
        early = late = np.ones(len(rows.y), dtype=bool)
    repeats = _repeats(rows, history)
    weighed = _weighed(plain, rows, early, repeats)
    start = _start(weighed, rows)

    def levelled(hazard: Hazard, log_odds: NDArray[np.float64]) -> Hazard:
        level = hazard.calibration.levelled(log_odds, rows.y, segments[rows.row], repeats)
        return replace(hazard, calibration=level)

    if early is late or min(_accounts(rows, part, history) for part in (early, late)) < FEWEST_EVENTS:
        return levelled(weighed, start)
    told, served = fit(rows, signals, early, late, start, repeats)
    settings = {**parameters(signals, len(rows.y), seed), **(chosen or {})}
    names = [signal.name for signal in signals] + list(CLOCK)
    whole = lgb.Dataset(rows.x, rows.y, feature_name=names, params=settings, free_raw_data=False).construct()
    first = _stopped(settings, whole, early, late, told.log_odds)
    later = rows.some(late)
    slope = calibration.slope(told.log_odds[late], _raw(first, later), later.y, repeats)
    booster = lgb.train(settings, whole.set_init_score(served.log_odds), num_boost_round=max(1, first.best_iteration))
    level = replace(weighed.calibration, intercept=weighed.calibration.intercept + served.level, slope=slope)
    learned = replace(weighed, line=served.line, booster=booster, calibration=level)
    return levelled(learned, served.log_odds + slope * _raw(booster, rows))


def _stopped(
    settings: Mapping[str, Any],
    whole: lgb.Dataset,
    early: NDArray[np.bool_],
    late: NDArray[np.bool_],
    start: NDArray[np.float64],
) -> lgb.Booster:
    """A booster of the earlier periods that stops where the later ones no longer get better."""
    train, judge = (_part(whole, part, start) for part in (early, late))
    stop = lgb.early_stopping(PATIENCE, verbose=False)
    return lgb.train(dict(settings), train, num_boost_round=ROUNDS, valid_sets=[judge], callbacks=[stop])


def _part(whole: lgb.Dataset, part: NDArray[np.bool_], start: NDArray[np.float64]) -> lgb.Dataset:
    """Some rows of a dataset, in its bins."""
    return whole.subset(np.flatnonzero(part)).construct().set_init_score(start[part])


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


def _start(weighed: Hazard, rows: LeadRows) -> NDArray[np.float64]:
    """The scorecard's log-odds as these rows show them, at the level of the earlier periods."""
    standing = weighed.standing_weight * rows.standing
    return weighed.calibration.intercept + weighed.prior(rows.x, standing) + rows.offset


def _raw(booster: lgb.Booster, rows: LeadRows) -> NDArray[np.float64]:
    return np.asarray(booster.predict(rows.x, raw_score=True), dtype=np.float64)


def _accounts(rows: LeadRows, part: NDArray[np.bool_], history: pl.DataFrame) -> int:
    return history["account_id"].gather(rows.row[part & (rows.y == 1)]).n_unique()
