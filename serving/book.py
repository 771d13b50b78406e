"""The book beside the scores: what the company's measures are, and what the scores say will become of it.

Made once, when a batch is published, for the whole company and for each grouping, and kept with the batch.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from features.book import GROUPINGS, Targets, book
from features.book.groups import UNKNOWN, WHOLE, groups
from features.book.view import View
from features.tables import Tables
from serving.scores import BANDS

_REDUCING = ("contraction_risk", "contraction_risk_365d")


def book_parts(
    tables: Tables, scored: pl.DataFrame, as_of: datetime, *, targets: Mapping[str, float], grace_days: int
) -> dict[str, list[dict[str, Any]]]:
    """The parts of the book by grouping (`all`: the whole), each with its `group`, `forecast` and `measures`.

    Raises UnusableData for several currencies, SettingsError for a wrong target.
    """
    view = View(tables, as_of, grace_days)
    parts = {}
    for by in (None, *GROUPINGS):
        measured = book(tables, as_of, by, Targets(targets), grace_days)
        forecasts = forecast(scored, groups(view, by))
        measures: dict[str, dict[str, Any]] = {}
        for row in measured.iter_rows(named=True):
            measures.setdefault(row.pop("group"), {})[row.pop("measure")] = row
        names = sorted(measures.keys() | forecasts.keys())
        parts[by or WHOLE] = [
            {"group": name, "forecast": forecasts.get(name), "measures": measures.get(name, {})} for name in names
        ]
    return parts


def forecast(scored: pl.DataFrame, members: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """What the scores of each group add up to; `members` (account_id, group) names them, empty for the whole.

    Shares are expected ones: the mean of the accounts' probabilities, weighted by ARR where it is a share of ARR.
    """
    reducing = next((name for name in _REDUCING if name in scored.columns), None)
    arr, expected = pl.col("arr_in_force"), pl.col("expected_arr") if "expected_arr" in scored.columns else pl.lit(None)
    if members.is_empty():
        rows = scored.with_columns(group=pl.lit(WHOLE))
    else:
        rows = scored.join(members, on="account_id", how="left").with_columns(pl.col("group").fill_null(UNKNOWN))
    summed = rows.group_by("group").agg(
        accounts=pl.len(),
        arr=arr.sum(),
        leaving_share=pl.col("risk_365d").mean(),
        leaving_arr_share=_ratio(pl.col("arr_at_risk").sum(), arr.sum()),
        reducing_share=pl.lit(None, pl.Float64) if reducing is None else pl.col(reducing).mean(),
        arr_at_risk=pl.col("arr_at_risk").sum(),
        expected_arr=_all_or_none(expected.cast(pl.Float64)),
        nrr=_ratio(_all_or_none(expected.cast(pl.Float64)), arr.sum()),
        grr=_ratio(_all_or_none(pl.min_horizontal(expected.cast(pl.Float64), arr)), arr.sum())
        if "expected_arr" in scored.columns
        else pl.lit(None, pl.Float64),
        **{band: (pl.col("band") == band).sum() for band in BANDS},
    )
    found = {}
    for row in summed.iter_rows(named=True):
        name, bands = row.pop("group"), {band: row.pop(band) for band in BANDS}
        found[name] = row | {"bands": bands}
    return found


def _ratio(part: pl.Expr, whole: pl.Expr) -> pl.Expr:
    return pl.when(whole > 0).then(part / whole)


def _all_or_none(column: pl.Expr) -> pl.Expr:
    return pl.when(column.is_not_null().all()).then(column.sum())
