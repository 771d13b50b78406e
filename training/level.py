"""Whether a model's level is right: expected against actual churn over outcomes that have matured.

Told within 30 days, since that matures first: a level that moved shows two months after it did, once the days of grace
are over. Snapshots lie 28 days apart, so their horizons hardly overlap and each churn is told about once.
"""

import math
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from features.periods import PERIOD
from features.tables import Tables
from training.errors import NotEnoughOutcomes
from training.evaluation import FIGURES, churned_within, with_intervals
from training.floors import Floor, calibrated
from training.intervals import Estimate, Resamples
from training.model import HealthModel
from training.outcomes import Outcomes, outcomes
from training.recalibration import recalibrated

DAYS = 30
FORETOLD = PERIOD * 3
"""How long a level set before is held against what happened."""
AS_FAR_OFF = 1.1
"""Ratios that are off by factors no further apart than this are as far off."""


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


@dataclass(frozen=True)
class Foretold:
    """Expected ÷ actual of a level set a while ago, over the `churns` since, and of the `source` it was set for.

    `source` is None where its own level knows outcomes that weren't known then.
    """

    ratio: Estimate
    churns: int
    source: Estimate | None


def level_foretold(model: HealthModel, matrix: pl.DataFrame, tables: Tables, known: Outcomes) -> Foretold:
    """How the level of `model` would have been, had it been recalibrated a while ago.

    That is the proof of a recalibration: the level was set without the outcomes it is held against. Where there was too
    little to set a level with then, nothing can be told.
    """
    then = known.observed_until - FORETOLD
    past, knew = matrix.filter(pl.col("as_of") <= then), outcomes(tables, model.card.grace_days, then)
    try:
        before = recalibrated(model, past, knew)
    except NotEnoughOutcomes:
        return Foretold(Estimate(math.nan), 0, None)
    figures, churns = figures_of(matured(before, matrix, known, then))
    if levelled_until(model) > knew.observed_until:
        return Foretold(figures["expected_to_actual"], churns, None)
    own, _ = figures_of(matured(model, matrix, known, then))
    return Foretold(figures["expected_to_actual"], churns, own["expected_to_actual"])


def level_floor(foretold: Foretold) -> Floor:
    """The floor `expected_to_actual` of a level set anew.

    After a change that nobody could know of a while ago every level is off. So being off speaks against setting it only
    where the version it was set for, knowing no more, was nearer and right, or off in the other direction.
    """
    floor, source = calibrated(foretold.ratio, foretold.churns), foretold.source
    if floor.outcome != "failed":
        return floor
    if source is None:
        why = "the version it was made of knows more than was known then, so which is nearer can't be told"
    elif _excused(foretold.ratio.value, source.value, calibrated(source, foretold.churns)):
        why = f"the version it was made of, knowing no more, expected {source.value:.2f}"
    else:
        return floor
    return replace(floor, outcome="cannot tell", sentence=f"{floor.sentence.removesuffix('.')}; {why}.")


def _excused(ratio: float, of_source: float, source: Floor) -> bool:
    no_nearer = source.outcome == "failed" or _factor(of_source) * AS_FAR_OFF >= _factor(ratio)
    return no_nearer and (ratio < 1) == (of_source < 1)


def _factor(ratio: float) -> float:
    """How many times too many or too few were expected."""
    return max(ratio, 1 / ratio) if ratio > 0 else math.inf


def levelled_until(model: HealthModel) -> datetime:
    """The last moment whose outcomes a model's level knows."""
    on = model.card.trained_on
    return datetime.fromisoformat(on.get("recalibrated", {}).get("until", on["observed_until"]))
