"""The laws again, on a whole simulated company with every table: nothing but what was known at `as_of` counts."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from features.book import GROUPINGS, MEASURES, book
from features.quality import check
from features.simulation import simulate
from features.sources import open_source
from features.tables import TABLES, Tables

AS_OF = datetime(2025, 6, 5)
PLANS = ("term_end", "due_at", "planned_at", "notice_at")
"""Times that may lie ahead of what is known."""
FED = {table.name for table in TABLES.values()} - {"usage_events", "invoices"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder: Path = tmp_path_factory.mktemp("company")
    simulate(folder, accounts=150, months=36, dirty=False)
    with open_source(folder) as source:
        checked = check(source).tables
    return Tables(checked.extracted_at, {name: checked[name].collect().lazy() for name in checked.frames})


def as_it_was(tables: Tables) -> Tables:
    """The tables as they would have been extracted at `AS_OF`."""
    return Tables(AS_OF, {name: seen(name, tables[name]) for name in tables.frames})


def seen(name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    table = TABLES[name]
    frame = frame.filter(pl.col("available_at").is_null() | (pl.col("available_at") <= AS_OF))
    if name == "usage_daily":
        return frame.filter(pl.col("date") < AS_OF.date())
    if name in ("contracts", "accounts"):
        return (
            frame.filter(pl.col("available_at").is_not_null() | (pl.col("term_start") <= AS_OF))
            if table.time
            else frame
        )
    if name != "milestones" and table.time:
        frame = frame.filter(pl.col(table.time) <= AS_OF)
    for column in table.columns:
        if column.known_with:
            known = pl.col(column.known_with) <= AS_OF
            frame = frame.with_columns(pl.when(known).then(column.name))
    times = [c.name for c in table.columns if c.type == "time" and c.name not in PLANS]
    return frame.with_columns(pl.when(pl.col(time) <= AS_OF).then(time).alias(time) for time in times)


def lines(frame: pl.DataFrame) -> dict[tuple[str, str], list[float | None]]:
    columns = ("value", "numerator", "denominator", "previous")
    return {(row["group"], row["measure"]): [row[column] for column in columns] for row in frame.iter_rows(named=True)}


def alike(one: pl.DataFrame, other: pl.DataFrame) -> None:
    expected = lines(one)
    assert {key: pytest.approx(values) for key, values in expected.items()} == lines(other)


@pytest.mark.parametrize("by", [None, "segment", "contract_size"])
def test_the_future_is_not_seen(tables, by):
    alike(book(tables, AS_OF, by), book(as_it_was(tables), AS_OF, by))


def test_the_order_of_rows_is_irrelevant(tables):
    mixed = {name: tables[name].collect().sample(fraction=1, shuffle=True, seed=3).lazy() for name in tables.frames}
    alike(book(tables, AS_OF, "region"), book(Tables(tables.extracted_at, mixed), AS_OF, "region"))


@pytest.mark.parametrize("by", GROUPINGS)
def test_groups_add_up_to_the_whole(tables, by):
    whole, parts = book(tables, AS_OF), book(tables, AS_OF, by)
    spread = [measure.name for measure in MEASURES if measure.of_rows == "distinct" and measure.spread]
    for column in ("numerator", "denominator"):
        sums = dict(parts.filter(~pl.col("measure").is_in(spread)).group_by("measure").agg(pl.col(column).sum()).rows())
        expected = {name: value or 0.0 for name, value in whole.select("measure", column).rows() if name not in spread}
        assert sums == pytest.approx(expected)


@pytest.mark.parametrize("absent", sorted(FED - {"accounts", "contracts"}))
def test_a_table_that_is_absent_makes_its_measures_missing_and_no_other(tables, absent):
    full, without = lines(book(tables, AS_OF)), lines(book(tables.without(absent), AS_OF))
    for measure in MEASURES:
        expected = [None] * 4 if absent in measure.tables else full["all", measure.name]
        assert without["all", measure.name] == pytest.approx(expected), measure.name


def test_nothing_is_missing_where_all_tables_are_there(tables):
    missing = book(tables, AS_OF).filter(pl.col("value").is_null())["measure"].to_list()
    assert missing == []
