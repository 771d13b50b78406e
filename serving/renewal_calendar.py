"""The calendar of renewals: what is up for renewal, and expected to be lost, in each week or month."""

from datetime import datetime, timedelta

import polars as pl
from pydantic import Field

from serving.read_models import Shown, Utc

WEEKS_UP_TO = 182
"""Days up to which the calendar is told by week; by month for more, or nobody could read it."""


class Span(Shown):
    """A calendar week (from Monday) or month, with the renewals that fall in it and in the days asked for."""

    begins: Utc = Field(description="First moment, UTC.", examples=["2027-01-25T00:00:00Z"])
    ends: Utc = Field(description="First moment after it, UTC.", examples=["2027-02-01T00:00:00Z"])
    accounts: int = Field(description="Renewals.", examples=[1])
    arr: float = Field(description="Their ARR, currency per year.", examples=[120000.0])
    expected_loss: float = Field(description="Their expected loss of ARR, currency per year.", examples=[28800.0])


def calendar(due: pl.DataFrame, as_of: datetime, within_days: int) -> list[Span]:
    """Every week or month from that of `as_of` to the last within the days, also those without a renewal.

    `due` holds the renewals within the days: `renewal_at`, `arr`, `expected_loss`.
    """
    every = "1w" if within_days <= WEEKS_UP_TO else "1mo"
    ends = as_of + timedelta(days=within_days)
    begins = pl.col("begins")
    spans = pl.select(
        begins=pl.datetime_range(
            pl.lit(as_of).dt.truncate(every), pl.lit(ends).dt.truncate(every), every, time_unit="us"
        )
    )
    summed = (
        due.with_columns(begins=pl.col("renewal_at").dt.truncate(every))
        .group_by("begins")
        .agg(pl.col("arr", "expected_loss").sum(), accounts=pl.len())
    )
    rows = (
        spans.join(summed, on="begins", how="left")
        .sort("begins")
        .with_columns(pl.col("arr", "expected_loss", "accounts").fill_null(0), ends=begins.dt.offset_by(every))
    )
    return [Span.model_validate(row) for row in rows.iter_rows(named=True)]
