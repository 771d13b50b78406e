"""What bands were worth: how early they turned, how steady they were, and who left while green."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from features.catalogue import CATALOGUE
from features.periods import PERIOD
from training.intervals import Estimate, Integers, Resamples
from training.model.bands import settled_along
from training.receipt import BandRate, Driver, GreenChurner, Missed, Warned

GREEN = "healthy"
STRETCH = 30
"""Days of each stretch before leaving."""
STRETCHES = 12
TOO_LATE, SOON_ENOUGH = 60, 180
"""A churner counts as missed where it was green at its last snapshot within these days before it left."""
NAMED = 50
DRIVERS = 5


def band_rates(rows: pl.DataFrame, bands: Sequence[str], resamples: Resamples) -> tuple[BandRate, ...]:
    """Share of each band's rows that left; `rows` has band, churned and account (a number)."""
    found = []
    for band in bands:
        within = rows.filter(pl.col("band") == band)
        found.append(BandRate(band, len(within), resamples.mean(within["churned"].to_numpy(), _account(within))))
    return tuple(found)


def warned(rows: pl.DataFrame, resamples: Resamples) -> tuple[Warned, ...]:
    """Share of churners no longer green, by how long before they left; one row per churn and stretch, its earliest.

    `rows` has as_of, churned_at (missing where the account stayed), band and account.
    """
    before = _before(rows)
    found = []
    for begins in range(0, STRETCH * STRETCHES, STRETCH):
        within = before.filter((pl.col("days_before") >= begins) & (pl.col("days_before") < begins + STRETCH))
        each = within.sort("as_of").unique(["account", "churned_at"], keep="first", maintain_order=True)
        not_green = (each["band"] != GREEN).to_numpy()
        found.append(Warned(begins, begins + STRETCH, len(each), resamples.mean(not_green, _account(each))))
    return tuple(found)


def with_settled(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` (account, as_of, health), sorted by them, with each account's `settled_band`."""
    ordered = rows.sort("account", "as_of")
    bands = [
        band for lot in ordered.partition_by("account", maintain_order=True) for band in settled_along(lot["health"])
    ]
    return ordered.with_columns(settled_band=pl.Series(bands, dtype=pl.String))


def flips(rows: pl.DataFrame, column: str, resamples: Resamples) -> Estimate:
    """Share of account-months, among those with a month before and one after, whose band is alone between equals.

    `column` is the band shown or the settled one.
    """
    per_account = {
        "before": pl.col(column).shift(1),
        "after": pl.col(column).shift(-1),
        "whole": (pl.col("as_of") - pl.col("as_of").shift(1) == PERIOD)
        & (pl.col("as_of").shift(-1) - pl.col("as_of") == PERIOD),
    }
    beside = rows.sort("account", "as_of").with_columns(**{k: v.over("account") for k, v in per_account.items()})
    between = beside.filter("whole")
    flipped = (pl.col("before") == pl.col("after")) & (pl.col(column) != pl.col("before"))
    return resamples.mean(between.select(flipped).to_series().to_numpy(), _account(between))


def missed(rows: pl.DataFrame, matrix: pl.DataFrame) -> Missed:
    """Accounts that left while green, the largest ARR first, with the signals that weighed most.

    Of each churn the last snapshot 60 to 180 days before counts. `matrix` has the values of the signals; one that a
    fold's model didn't know yet gave no points.
    """
    told = (
        _before(rows)
        .filter(pl.col("days_before").is_between(TOO_LATE, SOON_ENOUGH))
        .sort("as_of")
        .unique(["account", "churned_at"], keep="last", maintain_order=True)
    )
    green = told.filter(pl.col("band") == GREEN).sort("arr_in_force", "account_id", descending=[True, False])
    largest = green.head(NAMED)
    points = [column for column in rows.columns if column.startswith("points__")]
    signals = [column.removeprefix("points__") for column in points]
    values = largest.select("account_id", "as_of").join(
        matrix.select("account_id", "as_of", *signals), on=["account_id", "as_of"], how="left", maintain_order="left"
    )
    return Missed(
        churns=len(told),
        arr=float(told["arr_in_force"].sum()),
        green=len(green),
        green_arr=float(green["arr_in_force"].sum()),
        named=tuple(
            GreenChurner(
                account_id=row["account_id"],
                name=row["name"],
                segment=row["segment"],
                arr=row["arr_in_force"],
                as_of=row["as_of"],
                churned_at=row["churned_at"],
                health=row["health"],
                risk_90d=row["risk_90d"],
                drivers=_drivers({name: (seen[name], row[f"points__{name}"] or 0.0) for name in signals}),
            )
            for row, seen in zip(largest.iter_rows(named=True), values.iter_rows(named=True), strict=True)
        ),
    )


def _drivers(seen: dict[str, tuple[float | None, float]]) -> tuple[Driver, ...]:
    """The signals with the most points, up or down; those without any are none."""
    largest = sorted(seen.items(), key=lambda item: -abs(item[1][1]))[:DRIVERS]
    return tuple(
        Driver(
            signal=name,
            dimension=CATALOGUE[name].dimension,
            meaning=CATALOGUE[name].meaning,
            unit=CATALOGUE[name].unit,
            value=np.nan if value is None else float(value),
            points=float(points),
        )
        for name, (value, points) in largest
        if points != 0
    )


def _before(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of those who left, with `days_before`."""
    left = rows.filter(pl.col("churned_at").is_not_null())
    return left.with_columns(days_before=(pl.col("churned_at") - pl.col("as_of")).dt.total_days())


def _account(rows: pl.DataFrame) -> Integers:
    return rows["account"].to_numpy().astype(np.int64)
