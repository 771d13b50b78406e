"""Training: from checked tables to a model, told only what was known by a moment.

The history up to `until` is cut in two in time: a booster is fitted on outcomes of the earlier part, the number of its
trees and the slope of its calibration are chosen on outcomes of the later one, and a final booster of that size is
fitted on both and set to the level of the later part.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version

import numpy as np
import polars as pl

from features.catalogue import CATALOGUE, SIGNALS, digest
from features.periods import PERIOD, PERIOD_DAYS
from training import calibration, hazard
from training.calibration import Calibration
from training.errors import NotEnoughOutcomes, NotEnoughTime
from training.leads import CLOCK, LeadRows, expand, signal_values
from training.model import Card, HealthModel, reference_log_odds
from training.outcomes import Outcomes

FEWEST_CHURNS = 20
LATER_SHARE = 0.25


@dataclass(frozen=True)
class Recipe:
    """What a training run is told besides the data."""

    grace_days: int = 30
    seed: int = 7
    reference: float | None = None


def train(
    matrix: pl.DataFrame,
    outcomes: Outcomes,
    recipe: Recipe = Recipe(),
    progress: Callable[[str], None] = lambda _: None,
) -> HealthModel:
    """A model from a matrix of snapshots and the outcomes known at the time.

    Raises NotEnoughTime or NotEnoughOutcomes, saying what there is and what it takes.
    """
    history = outcomes.of(matrix)
    names = [signal.name for signal in SIGNALS if signal.in_model and matrix[signal.name].is_not_null().any()]
    signals = [CATALOGUE[name] for name in names]
    rows = expand(history, names, outcomes.observed_until)
    _enough(rows, history["account_id"], outcomes.observed_until)
    earlier, later = _split(rows)
    progress(f"hazard model, {len(rows.y):,} rows, {int(rows.y.sum()):,} with churn")
    first = hazard.fit(earlier, signals, recipe.seed, later=later)
    slope = calibration.slope(hazard.log_odds(first, later.x), later.y)
    rounds = max(1, first.best_iteration)
    progress(f"hazard model on all of it, {rounds} trees")
    booster = hazard.fit(rows, signals, recipe.seed, rounds=rounds)
    fitted = Calibration(calibration.level(slope * hazard.log_odds(booster, later.x), later.y), slope)
    newest = matrix.filter(pl.col("as_of") == matrix["as_of"].max())
    reference = recipe.reference
    if reference is None:
        reference = reference_log_odds(booster, fitted, signal_values(newest, names))
    gain = booster.feature_importance("gain")[: -len(CLOCK)]
    share = gain / gain.sum() if gain.sum() > 0 else np.full(len(gain), 1 / len(gain))
    card = Card(
        signals=tuple(names),
        catalogue_digest=digest(signals),
        calibration=fitted,
        reference=reference,
        weights={name: float(weight) for name, weight in zip(names, share, strict=True)},
        grace_days=recipe.grace_days,
        trained_on={
            "first_as_of": str(history["as_of"].min()),
            "last_as_of": str(history["as_of"].max()),
            "observed_until": str(outcomes.observed_until),
            "accounts": history["account_id"].n_unique(),
            "snapshots": history["as_of"].n_unique(),
            "churns": history.filter(pl.col("churned_at").is_not_null()).select("account_id", "churned_at").n_unique(),
            "rows": len(rows.y),
            "trees": rounds,
            "seed": recipe.seed,
            "python": platform.python_version(),
            "lightgbm": version("lightgbm"),
            "healthscore": version("healthscore"),
        },
    )
    return HealthModel(booster, card)


def _split(rows: LeadRows) -> tuple[LeadRows, LeadRows]:
    """Rows whose period ended before the cut, and rows whose period began at or after it."""
    cut = _cut(rows)
    return _some(rows, rows.ends <= cut), _some(rows, rows.begins >= cut)


def _cut(rows: LeadRows) -> int:
    first, last = int(rows.begins.min()), int(rows.ends.max())
    return last - max(PERIOD_DAYS, round((last - first) * LATER_SHARE / PERIOD_DAYS) * PERIOD_DAYS)


def _some(rows: LeadRows, keep: np.ndarray) -> LeadRows:
    return LeadRows(rows.x[keep], rows.y[keep], rows.row[keep], rows.begins[keep], rows.ends[keep])


def _enough(rows: LeadRows, accounts: pl.Series, observed_until: datetime) -> None:
    if len(rows.y) == 0 or rows.ends.max() - rows.begins.min() < 3 * PERIOD_DAYS:
        raise NotEnoughTime(
            f"outcomes are known until {observed_until:%Y-%m-%d} and too little lies before it: training needs "
            f"snapshots with at least three periods ({3 * PERIOD_DAYS} days) of outcomes after the first; "
            "begin earlier, or bring more of the contracts' history"
        )
    for part, name in zip(_split(rows), ("earlier", "later"), strict=True):
        left = accounts.gather(part.row[part.y == 1]).n_unique()
        if left < FEWEST_CHURNS or part.y.all():
            raise NotEnoughOutcomes(
                f"in the {name} part of the history {left} accounts left: learning needs at least {FEWEST_CHURNS} that "
                "did and some that stayed; bring more accounts or more history"
            )


def history_starts(outcomes: Outcomes, until: datetime, longest: timedelta = PERIOD * 39) -> datetime:
    """When the snapshots to train on begin: with the first life, at most three years back."""
    first = outcomes.lives["started_at"].min()
    assert isinstance(first, datetime)
    return max(datetime(first.year, first.month, first.day), until - longest)
