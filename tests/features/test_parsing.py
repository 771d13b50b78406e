"""What text becomes, value by value: `!` marks one that can't be read."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.parsing import parse
from features.tables import POLARS, Type


def read(kind: Type, *values: object) -> list[object]:
    parsed = parse(pl.Series("x", values, strict=False), kind)
    assert parsed.values.dtype == POLARS[kind]
    assert not (parsed.unparseable & parsed.values.is_not_null()).any()
    return ["!" if bad else value for value, bad in zip(parsed.values, parsed.unparseable, strict=True)]


@pytest.mark.parametrize("text", ["", " ", "NA", "n/a", "N/A", "null", "None", "nan", "-", " - "])
@pytest.mark.parametrize("kind", list(POLARS))
def test_what_counts_as_missing(kind: Type, text: str) -> None:
    assert read(kind, text, None) == [None, None]


@pytest.mark.parametrize(
    "kind, text, value",
    [
        ("text", " Acme ", "Acme"),
        ("text", "007", "007"),
        ("integer", "12", 12),
        ("integer", "12.0", 12),
        ("integer", "12.5", "!"),
        ("integer", "many", "!"),
        ("integer", "9999999999999999999999", "!"),
        ("number", "1e3", 1000.0),
        ("number", "-0", 0.0),
        ("number", "inf", "!"),
        ("number", "€12", 12.0),
        ("number", "12.50 EUR", 12.5),
        ("number", "1,234.50", 1234.5),
        ("number", "1.234,50", 1234.5),
        ("number", "1,234,567", 1234567.0),
        ("number", "1234,5", 1234.5),
        ("number", "1,234", "!"),
        ("number", "1 234", 1234.0),
        ("number", "12%", "!"),
        ("boolean", "Yes", True),
        ("boolean", "f", False),
        ("boolean", "1", True),
        ("boolean", "maybe", "!"),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", "2023-02-29", "!"),
        ("date", "2024-02-29T10:00:00", date(2024, 2, 29)),
        ("date", "20240229", "!"),
        ("time", "2024-02-29", datetime(2024, 2, 29)),
        ("time", "2024-02-29 10:30", datetime(2024, 2, 29, 10, 30)),
        ("time", "2024-02-29T10:30:00.25", datetime(2024, 2, 29, 10, 30, 0, 250_000)),
        ("time", "2024-02-29T10:30:00Z", datetime(2024, 2, 29, 10, 30)),
        ("time", "2024-02-29 10:30:00+02:00", datetime(2024, 2, 29, 8, 30)),
        ("time", "2024-02-29 10:30+0530", datetime(2024, 2, 29, 5, 0)),
        ("time", "01/02/2024", "!"),
        ("time", "31/12/2024", datetime(2024, 12, 31)),
        ("time", "12/31/2024 10:30", datetime(2024, 12, 31, 10, 30)),
        ("time", "31.12.2024", datetime(2024, 12, 31)),
        ("time", "yesterday", "!"),
        ("time", "9999-12-31T23:59:59-12:00", "!"),
        ("time", "0001-01-01T00:00:00+12:00", "!"),
        ("date", "9999-12-31T23:59:59-12:00", "!"),
        ("date", "9999-12-31", date(9999, 12, 31)),
    ],
)
def test_one_value(kind: Type, text: str, value: object) -> None:
    assert read(kind, text) == [value]


@pytest.mark.parametrize(
    "kind, texts, values",
    [
        ("number", ["1,234.50", "1,234"], [1234.5, 1234.0]),
        ("number", ["1.234,50", "1.234"], [1234.5, 1234.0]),
        ("number", ["1,234.50", "1.234,50"], ["!", "!"]),
        ("date", ["01/02/2024", "13/02/2024"], [date(2024, 2, 1), date(2024, 2, 13)]),
        ("date", ["01/02/2024", "02/13/2024"], [date(2024, 1, 2), date(2024, 2, 13)]),
        ("date", ["13/02/2024", "02/13/2024"], ["!", "!"]),
        ("date", ["2024-01-31", "01/02/2024"], [date(2024, 1, 31), "!"]),
    ],
)
def test_a_column_settles_what_a_value_alone_does_not(kind: Type, texts: list[str], values: list[object]) -> None:
    assert read(kind, *texts) == values


def test_an_unclear_date_says_how_to_map_it() -> None:
    assert "try_strptime" in parse(pl.Series(["01/02/2024"]), "date").hint


@pytest.mark.parametrize(
    "kind, column, values",
    [
        ("text", pl.Series([17850.0, None]), ["17850", None]),
        ("text", pl.Series([7]), ["7"]),
        ("text", pl.Series(["a"], dtype=pl.Categorical), ["a"]),
        ("integer", pl.Series([1.0, 1.5, float("nan")]), [1, "!", None]),
        ("integer", pl.Series([2**63], dtype=pl.UInt64), ["!"]),
        ("number", pl.Series([Decimal("1.50")]), [1.5]),
        ("number", pl.Series([float("inf"), float("nan")]), ["!", None]),
        ("boolean", pl.Series([1, 0, 2, None]), [True, False, "!", None]),
        ("time", pl.Series([date(2024, 1, 2)]), [datetime(2024, 1, 2)]),
        ("time", pl.Series([datetime(2024, 1, 2, tzinfo=UTC)]), [datetime(2024, 1, 2)]),
        ("date", pl.Series([datetime(2024, 1, 2, 10)]), [date(2024, 1, 2)]),
        ("date", pl.Series([20240102]), ["!"]),
        ("number", pl.Series([[1.0]]), ["!"]),
        ("time", pl.Series([None, None]), [None, None]),
    ],
)
def test_columns_that_have_a_type(kind: Type, column: pl.Series, values: list[object]) -> None:
    parsed = parse(column, kind)
    assert parsed.values.dtype == POLARS[kind]
    assert ["!" if bad else value for value, bad in zip(parsed.values, parsed.unparseable, strict=True)] == values


def test_a_canonical_column_is_not_copied() -> None:
    column = pl.Series("x", ["a", "b"])
    assert parse(column, "text").values is column


@given(st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)), max_size=5), st.integers(-12, 12))
def test_iso_times_come_back_as_written(moments: list[datetime], hours: int) -> None:
    offset = f"{'-' if hours < 0 else '+'}{abs(hours):02}:00"
    assert read("time", *[moment.isoformat() for moment in moments]) == moments
    zoned = [f"{moment.isoformat()}{offset}" for moment in moments]
    assert read("time", *zoned) == [moment - timedelta(hours=hours) for moment in moments]


@given(st.lists(st.text(max_size=12), max_size=6), st.sampled_from(sorted(POLARS)))
def test_no_text_breaks_the_parser(texts: list[str], kind: Type) -> None:
    parsed = parse(pl.Series("x", texts, dtype=pl.String), kind)
    assert len(parsed.values) == len(texts) == len(parsed.unparseable)
    assert parsed.unparseable.null_count() == 0
