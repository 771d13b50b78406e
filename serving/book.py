"""The book beside the scores: what the company's measures are, and what the scores say will become of it.

Made once, when a batch is published, for the whole company and for each grouping, and kept with the batch.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from features.book import GROUPINGS, Targets, books
from features.book.groups import UNKNOWN, WHOLE, groups
from features.book.view import View
from features.tables import Tables
from serving.scores import BANDS
from training import model as trained
from training.model import HealthModel


def book_parts(
    tables: Tables,
    scored: pl.DataFrame,
    model: HealthModel,
    as_of: datetime,
    *,
    targets: Mapping[str, float],
    grace_days: int,
) -> dict[str, list[dict[str, Any]]]:
    """The parts of the book by grouping (`all`: the whole), each with its `group`, `forecast` and `measures`.

    Raises UnusableData for several currencies, SettingsError for a wrong target.
    """
    view = View(tables, as_of, grace_days)
    parts = {}
    for by, measured in books(tables, as_of, (None, *GROUPINGS), Targets(targets), grace_days).items():
        forecasts = forecast(scored, groups(view, by), model)
        measures: dict[str, dict[str, Any]] = {}
        for row in measured.iter_rows(named=True):
            measures.setdefault(row.pop("group"), {})[row.pop("measure")] = row
        names = sorted(measures.keys() | forecasts.keys())
        parts[by or WHOLE] = [
            {"group": name, "forecast": forecasts.get(name), "measures": measures.get(name, {})} for name in names
        ]
    return parts


def forecast(scored: pl.DataFrame, members: pl.DataFrame, model: HealthModel) -> dict[str, dict[str, Any]]:
    """What the scores of each group add up to; `members` (account_id, group) names them, empty for the whole.

    Shares are expected ones: the mean of the accounts' probabilities, weighted by ARR where it is a share of ARR. What
    is left of the ARR comes with its interval, as the model forecasts it.
    """
    if members.is_empty():
        rows = scored.with_columns(group=pl.lit(WHOLE))
    else:
        rows = scored.join(members, on="account_id", how="left").with_columns(pl.col("group").fill_null(UNKNOWN))
    arr, at_risk = pl.col("arr_in_force").sum(), pl.col("arr_at_risk").sum()
    summed = rows.group_by("group").agg(
        leaving_share=pl.col("risk_365d").mean(),
        leaving_arr_share=pl.when(arr > 0).then(at_risk / arr),
        reducing_share=pl.col("contraction_risk_365d").mean(),
        arr_at_risk=at_risk,
        bands=pl.struct((pl.col("band") == band).sum().alias(band) for band in BANDS),
    )
    joined = trained.forecast(rows, model, "group").join(summed, on="group", how="left")
    return {row.pop("group"): row for row in joined.iter_rows(named=True)}
