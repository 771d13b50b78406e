"""Small books written as text tables, and what the book says of them."""

from collections.abc import Callable
from datetime import datetime

import polars as pl
import pytest

from features.book import NO_TARGETS, Targets, book
from features.tables import TABLES, Tables

AS_OF = datetime(2025, 12, 31)
"""364 days after 2025-01-01."""

Make = Callable[..., Tables]


def parse(name: str, text: str) -> pl.DataFrame:
    """A table from text: a head of column names, then a line per row; `-` is missing."""
    head, *lines = (line.split() for line in text.strip().splitlines())
    schema = TABLES[name].schema
    cells = pl.DataFrame(
        {column: pl.Series([line[at] for line in lines], dtype=pl.String) for at, column in enumerate(head)}
    ).with_columns(pl.all().replace("-", None))
    typed = []
    for column, kind in schema.items():
        value = pl.col(column) if column in head else pl.lit(None, pl.String)
        if isinstance(kind, pl.Datetime):
            value = value.str.to_datetime(time_unit="us")
        elif kind == pl.Date:
            value = value.str.to_date()
        elif kind == pl.Boolean:
            value = value == "yes"
        typed.append(value.cast(kind).alias(column))
    return cells.select(typed)


@pytest.fixture
def make() -> Make:
    """Tables from text, by name; accounts are those of the contracts unless given."""

    def tables(**texts: str) -> Tables:
        frames = {name: parse(name, text).lazy() for name, text in texts.items()}
        if "accounts" not in frames:
            ids = frames["contracts"].select("account_id").unique(maintain_order=True).collect()["account_id"]
            frames["accounts"] = parse("accounts", "\n".join(["account_id", *ids])).lazy()
        return Tables(datetime(2030, 1, 1), frames)

    return tables


@pytest.fixture
def told(make: Make) -> Callable[..., dict[str, float | None]]:
    """Value per measure for the whole book at 2025-12-31, of tables given as text."""

    def values(*, as_of: datetime = AS_OF, grace_days: int = 30, **texts: str) -> dict[str, float | None]:
        rows = book(make(**texts), as_of, grace_days=grace_days)
        return dict(zip(rows["measure"], rows["value"], strict=True))

    return values


@pytest.fixture
def line(make: Make) -> Callable[..., dict[str, object]]:
    """One measure's line of the book at 2025-12-31, of tables given as text."""

    def one(measure: str, *, as_of: datetime = AS_OF, targets: Targets = NO_TARGETS, **texts: str) -> dict[str, object]:
        rows = book(make(**texts), as_of, targets=targets)
        return rows.row(by_predicate=pl.col("measure") == measure, named=True)

    return one
