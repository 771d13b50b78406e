"""Whether a model's level is right: expected against actual churn over outcomes that have matured.

Told within 30 days, since that matures first: a level that moved shows two months after it did, once the days of grace
are over. Snapshots lie 28 days apart, so their horizons hardly overlap and each churn is told about once.
"""

import math
from datetime import datetime

import polars as pl

from features.periods import PERIOD
from features.tables import Tables
from training.errors import NotEnoughOutcomes
from training.evaluation import FIGURES, churned_within, with_intervals
from training.intervals import Estimate, Resamples
from training.model import HealthModel
from training.outcomes import Outcomes, outcomes
from training.recalibration import recalibrated

DAYS = 30
FORETOLD = PERIOD * 3
"""How long a level set before is held against what happened."""


def matured(model: HealthModel, matrix: pl.DataFrame, known: Outcomes, since: datetime) -> pl.DataFrame:
    """The rows of `matrix` from `since` on whose outcome within 30 days is known: `churned`, and the model's `risk`."""
    rows = churned_within(matrix.filter(pl.col("as_of") >= since), known, DAYS)
    risk = model.score(rows)[f"risk_{DAYS}d"] if len(rows) else pl.Series([], dtype=pl.Float64)
    return rows.with_columns(risk=risk)


def figures_of(rows: pl.DataFrame) -> tuple[dict[str, Estimate], int]:
    """Every figure of `matured` rows with its interval, and how many of the accounts left."""
    if rows.is_empty():
        return dict.fromkeys(FIGURES, Estimate(math.nan)), 0
    account = rows["account_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    risk, churned, arr = (rows[name].to_numpy() for name in ("risk", "churned", "arr_in_force"))
    figures = with_intervals(risk, churned, arr, account, Resamples.of(int(account.max()) + 1))
    return figures, rows.filter("churned")["account_id"].n_unique()


def level_foretold(model: HealthModel, matrix: pl.DataFrame, tables: Tables, known: Outcomes) -> tuple[Estimate, int]:
    """Expected ÷ actual of `model` as it would have been recalibrated a while ago, since then; and how many left.

    That is the proof of a recalibration: the level was set without the outcomes it is held against. Where there was too
    little to set a level with then, nothing can be told.
    """
    then = known.observed_until - FORETOLD
    past = matrix.filter(pl.col("as_of") <= then)
    try:
        before = recalibrated(model, past, outcomes(tables, model.card.grace_days, then))
    except NotEnoughOutcomes:
        return Estimate(math.nan), 0
    figures, churns = figures_of(matured(before, matrix, known, then))
    return figures["expected_to_actual"], churns
