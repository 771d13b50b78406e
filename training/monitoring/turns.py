"""Bands that turned: how many accounts changed theirs since the moment before, and how many turned and turned back.

Moments are those that were published, however far apart.
"""

from dataclasses import dataclass

import polars as pl

from training.intervals import Estimate, Resamples
from training.monitoring.matured import first_said


@dataclass(frozen=True)
class Turns:
    """Shares of accounts, by the `band` shown and the `settled` one that people are told of.

    `changed` counts from the last moment but one to the last; `flipped` the account-moments whose band is alone
    between equals. Missing where too few moments have been published.
    """

    moments: int
    changed: Estimate
    changed_settled: Estimate
    flipped: Estimate
    flipped_settled: Estimate


def turns(said: pl.DataFrame) -> Turns:
    """How bands turned in the published scores (`training.monitoring.matured.SAID`) of the last thirteen moments."""
    rows = first_said(said)
    moments = rows["as_of"].unique().sort().tail(13)
    place = pl.col("as_of").rank("dense")
    rows = rows.filter(pl.col("as_of").is_in(moments.implode())).sort("account_id", "as_of").with_columns(place=place)
    return Turns(
        len(moments),
        *(_changed(rows, column, len(moments)) for column in ("band", "settled_band")),
        *(_flipped(rows, column) for column in ("band", "settled_band")),
    )


def _changed(rows: pl.DataFrame, column: str, moments: int) -> Estimate:
    before = rows.filter(pl.col("place") == moments - 1).select("account_id", before=column)
    both = rows.filter(pl.col("place") == moments).join(before, on="account_id")
    return _share(both.select("account_id", hit=pl.col(column) != pl.col("before")))


def _flipped(rows: pl.DataFrame, column: str) -> Estimate:
    beside = rows.with_columns(
        before=pl.col(column).shift(1).over("account_id"),
        after=pl.col(column).shift(-1).over("account_id"),
        whole=(pl.col("place").shift(-1) - pl.col("place").shift(1)).over("account_id") == 2,
    ).filter(pl.col("whole").fill_null(False))
    hit = (pl.col("before") == pl.col("after")) & (pl.col(column) != pl.col("before"))
    return _share(beside.select("account_id", hit=hit))


def _share(rows: pl.DataFrame) -> Estimate:
    rows = rows.drop_nulls("hit")
    if rows.is_empty():
        return Estimate(float("nan"))
    account = rows["account_id"].rank("dense").cast(pl.Int64).to_numpy() - 1
    return Resamples.of(int(account.max()) + 1).mean(rows["hit"].to_numpy(), account)
