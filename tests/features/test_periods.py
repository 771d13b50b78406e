from datetime import date, datetime, timedelta

import narwhals as nw
import polars as pl
import pytest

from features.errors import SettingsError
from features.periods import calendar, days_between, grids, known_on, minutes_between, moment, panel_periods, snapshots

AS_OF = datetime(2025, 6, 1)
INSTANT = timedelta(microseconds=1)


def day_known(at: datetime | None, available_at: datetime | None) -> date | None:
    rows = pl.LazyFrame(
        {"at": [at], "available_at": [available_at]}, schema=dict.fromkeys(["at", "available_at"], TIME)
    )
    known: pl.LazyFrame = nw.from_native(rows).select(known=known_on("at")).to_native()
    return known.collect().item()


TIME = pl.Datetime("us")


@pytest.mark.parametrize(
    "at, available_at, counts",
    [
        (AS_OF, None, True),
        (AS_OF + INSTANT, None, False),
        (AS_OF - INSTANT, None, True),
        (AS_OF - timedelta(days=40), AS_OF, True),
        (AS_OF - timedelta(days=40), AS_OF + INSTANT, False),
        (AS_OF + INSTANT, AS_OF - timedelta(days=40), False),
        (None, AS_OF, False),
    ],
)
def test_a_row_counts_from_the_microsecond_it_is_known(
    at: datetime | None, available_at: datetime | None, counts: bool
) -> None:
    known = day_known(at, available_at)
    assert (known is not None and known < AS_OF.date()) == counts


@pytest.mark.parametrize(
    "at, period",
    [
        (AS_OF, 13),
        (AS_OF - timedelta(days=28) + INSTANT, 13),
        (AS_OF - timedelta(days=28), 12),
        (AS_OF - timedelta(days=13 * 28) + INSTANT, 1),
        (AS_OF - timedelta(days=13 * 28), 0),
        (AS_OF - timedelta(days=5000), 0),
    ],
)
def test_a_period_is_open_at_its_start_and_closed_at_its_end(at: datetime, period: int) -> None:
    days = calendar([AS_OF])
    assert days.filter(known_on=day_known(at, None))["period"].item() == period


def test_what_is_known_later_has_no_day_in_the_calendar() -> None:
    assert calendar([AS_OF])["known_on"].max() == date(2025, 5, 31)


def test_a_date_is_known_when_its_day_is_over() -> None:
    rows = nw.from_native(pl.LazyFrame({"date": [date(2025, 5, 31), date(2025, 6, 1)]}))
    known: pl.LazyFrame = rows.select(known=known_on("date", known=(), whole_day=True)).to_native()
    assert (known.collect()["known"] < AS_OF.date()).to_list() == [True, False]


def test_a_row_waits_for_all_its_times() -> None:
    rows = pl.LazyFrame(
        {"a": [datetime(2025, 1, 1, 8)] * 3, "b": [datetime(2025, 1, 3, 8), None, datetime(2024, 1, 1)]},
        schema={"a": TIME, "b": TIME},
    )
    known: pl.LazyFrame = nw.from_native(rows).select(known=known_on("a", "b", known=())).to_native()
    assert known.collect()["known"].to_list() == [date(2025, 1, 3), None, date(2025, 1, 1)]


def test_differences_of_times_are_those_of_python() -> None:
    start = [datetime(2023, 12, 31, 23, 59, 58), datetime(1999, 2, 28), datetime(2024, 2, 28, 12)]
    end = [datetime(2024, 1, 1, 0, 0, 1), datetime(2100, 3, 1, 6), datetime(2023, 3, 1)]
    rows = nw.from_native(pl.LazyFrame({"start": start, "end": end}))
    between = [f(nw.col("start"), nw.col("end")).alias(f.__name__) for f in (days_between, minutes_between)]
    found: pl.LazyFrame = rows.select(*between).to_native()
    seconds = [(b - a).total_seconds() for a, b in zip(start, end, strict=True)]
    assert found.collect().rows() == [(s / 86_400, s / 60) for s in seconds]


def test_the_panel_begins_a_year_before_the_first_snapshot() -> None:
    panel = panel_periods([AS_OF, AS_OF + timedelta(days=56)])
    assert panel["period"].to_list() == list(range(16))
    assert panel["as_of"][13] == AS_OF
    assert panel["as_of"][-1] == AS_OF + timedelta(days=56)


def test_snapshots_whole_periods_apart_share_a_grid() -> None:
    days = [AS_OF, AS_OF - timedelta(days=28), AS_OF - timedelta(days=27)]
    assert sorted(map(len, grids(days))) == [1, 2]
    assert snapshots(AS_OF - timedelta(days=60), AS_OF) == [
        AS_OF - timedelta(days=56),
        AS_OF - timedelta(days=28),
        AS_OF,
    ]


@pytest.mark.parametrize("value", [AS_OF + INSTANT, AS_OF.replace(hour=9), AS_OF.astimezone()])
def test_an_as_of_with_a_time_of_day_or_a_zone_is_refused(value: datetime) -> None:
    with pytest.raises(SettingsError, match="must be a midnight in UTC"):
        moment(value)


def test_a_date_is_its_first_moment() -> None:
    assert moment(date(2025, 6, 1)) == AS_OF
