"""Walk-forward backtest: at moments of the past, train on what was known then, score what came next, and keep both.

Fold moments lie `FOLD` apart, further than half a year, and the last leaves 90 days and the days of grace to watch.
Between two moments every snapshot is scored by the earlier one's model, as it would have been in use. Signals are
blind to the future, so the rows of the matrix up to a moment are what was known at it; outcomes are told anew from the
contracts known by then (the embargo: of a churn nobody was sure of yet, nothing is learned).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.periods import PERIOD
from features.tables import Tables
from training.anchors.known import Anchor, Known
from training.errors import NotEnoughTime
from training.model import HORIZONS, HealthModel
from training.outcomes import outcomes
from training.train import Recipe, train

Floats = NDArray[np.float64]

MODEL = "the model"
FOLDS = 3
FOLD = PERIOD * 7
WATCH_DAYS = 90
"""Horizon that the last fold's first snapshot must have been watched for."""
BEFORE = PERIOD * 3
"""History a fold needs before its moment."""


@dataclass(frozen=True)
class Fold:
    """A model trained at `as_of` on so many `churns`, used until `until`; `mode` says how much of it is prior."""

    as_of: datetime
    until: datetime
    mode: str
    churns: int


@dataclass(frozen=True)
class Backtest:
    """What was said, to be held against what happened.

    `rows`: the scored snapshots (account_id, as_of, name, segment, arr_in_force, fold and all columns of the model's
    scores). `risks`: for the model and each anchor, rows by `training.model.HORIZONS`, NaN where nothing was said.
    """

    folds: tuple[Fold, ...]
    rows: pl.DataFrame
    risks: Mapping[str, Floats]


def moments(matrix: pl.DataFrame, until: datetime, grace_days: int, folds: int = FOLDS) -> list[datetime]:
    """The moments of the folds, oldest first, as many of `folds` as the matrix has history for.

    Raises NotEnoughTime where it has none for any.
    """
    wait = timedelta(days=WATCH_DAYS + grace_days)
    there = matrix["as_of"].unique().sort().to_list()
    told = [as_of for as_of in there if as_of <= until - wait]
    if not told or told[-1] - BEFORE < there[0]:
        begin = f"the snapshots begin on {there[0]:%Y-%m-%d}" if there else "there are no snapshots"
        raise NotEnoughTime(
            f"a proof needs {wait.days} days to watch after the moment it is made for and {BEFORE.days} before it; "
            f"{begin} and outcomes are told until {until:%Y-%m-%d}: begin earlier, or bring more of the history"
        )
    first, last = there[0], told[-1]
    return [last - FOLD * back for back in range(folds - 1, -1, -1) if last - FOLD * back - BEFORE >= first]


def walk_forward(
    matrix: pl.DataFrame,
    tables: Tables,
    *,
    until: datetime,
    recipe: Recipe,
    anchors: Sequence[Anchor] = (),
    folds: int = FOLDS,
    progress: Callable[[str], None] = lambda _: None,
) -> Backtest:
    """Train and score at each fold's moment.

    The bands' reference, where `recipe` has none, is the first fold's and carried on, as from version to version in
    use. Raises NotEnoughTime where there is no history for any fold.
    """
    at = moments(matrix, until, recipe.grace_days, folds)
    done: list[Fold] = []
    rows: list[pl.DataFrame] = []
    risks: dict[str, list[Floats]] = {name: [] for name in (MODEL, *(anchor.name for anchor in anchors))}
    for moment, end in zip(at, [*at[1:], until + PERIOD], strict=True):
        progress(f"proof: what a model of {moment:%Y-%m-%d} said against what happened")
        past = matrix.filter(pl.col("as_of") <= moment)
        known = Known(past, outcomes(tables, recipe.grace_days, moment), recipe.seed)
        model = train(known.matrix, known.outcomes, recipe)
        recipe = replace(recipe, reference=model.card.reference)
        used = matrix.filter((pl.col("as_of") >= moment) & (pl.col("as_of") < end))
        scored = _scored(model, used, len(done))
        done.append(Fold(moment, min(end, until), model.card.mode, model.card.trained_on["churns"]))
        rows.append(scored)
        risks[MODEL].append(scored.select(f"risk_{days}d" for days in HORIZONS).to_numpy())
        for anchor in anchors:
            risks[anchor.name].append(anchor.fit(known)(used))
    together = pl.concat(rows, how="diagonal")
    return Backtest(tuple(done), together, {name: np.concatenate(parts) for name, parts in risks.items()})


def _scored(model: HealthModel, matrix: pl.DataFrame, fold: int) -> pl.DataFrame:
    """The model's scores beside what names the account."""
    names = matrix.select("account_id", "as_of", "name", "segment", "arr_in_force", fold=pl.lit(fold))
    return pl.concat([names, model.score(matrix).drop("account_id", "as_of")], how="horizontal")
