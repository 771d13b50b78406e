"""Bands and churners on books a reader can work out by hand."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from training.intervals import Resamples
from training.timing import band_rates, flips, missed, warned

START = datetime(2025, 1, 1)
H, R, C = "healthy", "at_risk", "critical"


def book(**bands: list[str]) -> pl.DataFrame:
    """Monthly snapshots, from START on, of accounts with these bands."""
    rows = [
        {"account_id": name, "account": number, "as_of": START + timedelta(days=28 * month), "band": band}
        for number, (name, given) in enumerate(bands.items())
        for month, band in enumerate(given)
    ]
    return pl.DataFrame(rows)


def leaving(rows: pl.DataFrame, **days: int) -> pl.DataFrame:
    """The book with those accounts leaving so many days after START."""
    at = {name: START + timedelta(days=day) for name, day in days.items()}
    when = pl.col("account_id").replace_strict(at, default=None, return_dtype=pl.Datetime("us"))
    return rows.with_columns(churned_at=when)


@pytest.mark.parametrize(
    "bands, share",
    [
        ([H, R, H], 1),
        ([H, R, R, H], 0),  # turned for two months
        ([H, R, C], 0),  # turned and went on
        ([H, R, H, R, H], 1),  # each of the three months in between
        ([H, H, R, H], 1 / 2),
        ([H, C, H, H, H, H], 1 / 4),
    ],
)
def test_flips(bands: list[str], share: float) -> None:
    assert flips(book(a=bands), "band", Resamples.of(1)).value == pytest.approx(share)


def test_a_gap_or_another_account_between_is_no_flip() -> None:
    gap = book(a=[H, R, R, H]).filter(pl.col("as_of") != START + timedelta(days=56))
    assert np.isnan(flips(gap, "band", Resamples.of(1)).value)
    assert np.isnan(flips(book(a=[H, R], b=[H, H]), "band", Resamples.of(2)).value)


def test_warned_counts_each_churn_once_in_a_stretch_by_its_earliest_snapshot() -> None:
    rows = leaving(book(early=[R, H, H], late=[H, H, C], stays=[C, C, C]), early=86, late=70)
    by_stretch = {found.from_days: found for found in warned(rows, Resamples.of(3))}
    # early: 86, 58 and 30 days before; late: 70, 42 and 14 days before
    assert {days: (found.churns, found.not_green.value) for days, found in by_stretch.items() if found.churns} == {
        0: (1, 1.0),  # late, critical 14 days before
        30: (2, 0.0),  # early 58 days before (not 30), late 42
        60: (2, 0.5),
    }


def test_band_rates() -> None:
    rows = book(a=[H, H], b=[R, C]).with_columns(churned=pl.Series([False, True, True, True]))
    found = band_rates(rows, [H, R, C], Resamples.of(2))
    assert [(rate.band, rate.rows, rate.churn_rate.value) for rate in found] == [(H, 2, 0.5), (R, 1, 1.0), (C, 1, 1.0)]


def test_who_left_while_green_is_named_with_what_weighed_most() -> None:
    rows = leaving(book(green=[H] * 4, turned=[H, H, C], soon=[H], stays=[H]), green=150, turned=118, soon=59)
    rows = rows.with_columns(
        name=pl.col("account_id").str.to_titlecase(),
        segment=pl.lit("small"),
        arr_in_force=pl.when(pl.col("account_id") == "green").then(100.0).otherwise(300.0),
        health=pl.lit(60.0),
        risk_90d=pl.lit(0.1),
        points__nps_364d=pl.lit(-2.0),
        points__tenure_days=pl.lit(5.0),
        points__products=pl.lit(0.0),
    )
    values = rows.select(
        "account_id", "as_of", owner=pl.lit("Ada Byron"), nps_364d=None, tenure_days=pl.lit(400.0), products=pl.lit(1.0)
    )
    found = missed(rows, values.sample(fraction=1.0, shuffle=True, seed=1))
    # the last snapshots 60 to 180 days before: green's 66 days (healthy), turned's 62 days (critical); soon has none
    assert (found.churns, found.green, found.arr, found.green_arr) == (2, 1, 400.0, 100.0)
    (churner,) = found.named
    assert (churner.name, churner.owner, churner.arr) == ("Green", "Ada Byron", 100.0)
    assert churner.as_of == START + timedelta(days=84)
    assert [(driver.signal, driver.points) for driver in churner.drivers] == [("tenure_days", 5.0), ("nps_364d", -2.0)]
    assert churner.drivers[0].value == 400.0
    assert np.isnan(churner.drivers[1].value)
