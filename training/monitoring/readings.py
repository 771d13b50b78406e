"""Readings: what a table, each of its columns, and each signal look like at a moment, in a few figures.

Of a table the rows that became known in the last 28 days before the moment count, and those of the last 7; of the
matrix its rows at the moment. What was known then is read, so a moment of the past gives today what it gave then.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import narwhals as nw
import numpy as np
import polars as pl

from features.catalogue import CATALOGUE
from features.periods import PERIOD_DAYS, known_on
from features.tables import TABLES, Column, Table, Tables
from training.model import HealthModel
from training.monitoring.histogram import Floats

WINDOWS = (PERIOD_DAYS, 7)
"""Days a table is looked at for: a fault of a week shows in the shorter window long before it does in the longer."""
MATRIX = "signals"
"""The matrix, as if it were a table."""
MOST_CATEGORIES = 50
_OF_TIMES = ("days", "hours", "minutes", "ratio")
YEAR = timedelta(days=364)


@dataclass(frozen=True)
class Reading:
    """Figures of `about`: a table, or `table.column`, over `days` (0: the matrix at the moment).

    Of a table `rows` per customer is told; of a column the shares that are `there` and, of those, `not_zero`, and
    `size`, the median of what isn't zero, without its sign; of the ARR in force also the `mean`. `values` is how many
    values each is of.
    """

    about: str
    days: int
    figures: Mapping[str, float]
    values: Mapping[str, int]


def read(tables: Tables, matrix: pl.DataFrame, model: HealthModel) -> list[Reading]:
    """Every reading at the moment of `matrix`, rows of one snapshot."""
    as_of = moment_of(matrix)
    found = list(of_matrix(matrix, model.card.signals))
    for table in brought(tables):
        rows = known_rows(tables, table, as_of, max(WINDOWS))
        for days in WINDOWS if table.time else WINDOWS[:1]:
            since = (as_of - timedelta(days=days)).date()
            within = rows.filter(pl.col("known_on") >= since) if table.time else rows
            found += _of_table(within, table, days, matrix.height)
    return found


def brought(tables: Tables) -> list[Table]:
    """The tables the company has."""
    return [table for name, table in TABLES.items() if name in tables]


def moment_of(matrix: pl.DataFrame) -> datetime:
    """The one snapshot a matrix is of, the latest where it is of several."""
    as_of = matrix["as_of"].max()
    assert isinstance(as_of, datetime)
    return as_of


def known_rows(tables: Tables, table: Table, as_of: datetime, days: int | None = None) -> pl.DataFrame:
    """Rows that became known in the `days` before `as_of` (None: at any time before), what was known only later blank.

    A table without an event time has no window. `known_on` is the day a row became known.
    """
    rows = nw.from_native(tables[table.name])
    if table.time is None:
        day = nw.col("available_at").cast(nw.Date)
        rows = rows.with_columns(known_on=day).filter(day.is_null() | (day < as_of.date()))
        days = None
    else:
        whole_day = table.column(table.time).type == "date"
        rows = rows.with_columns(known_on=known_on(table.time, whole_day=whole_day))
        rows = rows.filter(nw.col("known_on") < as_of.date())
    if days is not None:
        rows = rows.filter(nw.col("known_on") >= (as_of - timedelta(days=days)).date())
    late = [(column.name, column.known_with) for column in table.columns if column.known_with]
    masked = [nw.when(nw.col(known_with) <= as_of).then(nw.col(name)).alias(name) for name, known_with in late]
    frame: pl.LazyFrame = rows.with_columns(nw.col("known_on"), *masked).to_native()
    return frame.collect()


def silence(tables: Tables, table: Table, as_of: datetime) -> tuple[int, int]:
    """Days since the table's newest row, and the longest it has been silent in the year before that row.

    A table that has had no row in a year has been silent for all of it.
    """
    days = known_rows(tables, table, as_of, YEAR.days)["known_on"].unique().sort()
    if days.is_empty():
        return YEAR.days, YEAR.days
    gaps = days.diff().dt.total_days().max()
    newest = days[-1]
    return (as_of.date() - newest).days - 1, int(gaps) - 1 if isinstance(gaps, int) else YEAR.days


def categories(tables: Tables, as_of: datetime) -> dict[str, list[str]]:
    """The values of every text column with few, as known in the year before `as_of`, by `table.column`."""
    found: dict[str, list[str]] = {}
    for table in brought(tables):
        names = [column.name for column in _telling(table) if column.type == "text" and column.name not in table.key]
        names = [name for name in names if not name.endswith("_id")]
        rows = known_rows(tables, table, as_of, YEAR.days).select(names)
        for name in names:
            values = rows[name].drop_nulls().unique().sort()
            if 0 < len(values) <= MOST_CATEGORIES:
                found[f"{table.name}.{name}"] = values.to_list()
    return found


def of_matrix(matrix: pl.DataFrame, signals: Sequence[str]) -> Iterator[Reading]:
    """Readings of the model's signals and of the ARR in force, whose mean shows a few contracts that are far off."""
    names = [*signals, "arr_in_force"]
    for name, values in zip(names, numbers(matrix, names).T, strict=True):
        yield _of_values(f"{MATRIX}.{name}", 0, values, sized=_sized(name))
    arr = matrix["arr_in_force"].drop_nulls()
    if len(arr):
        yield Reading(f"{MATRIX}.arr_in_force", 0, {"mean": float(arr.sum()) / len(arr)}, {"mean": len(arr)})


def _of_table(rows: pl.DataFrame, table: Table, days: int, customers: int) -> Iterator[Reading]:
    yield Reading(table.name, days, {"rows": rows.height / max(customers, 1)}, {"rows": rows.height})
    told = _telling(table)
    numeric = [column for column in told if column.type in ("integer", "number", "boolean")]
    for column, values in zip(numeric, numbers(rows, [column.name for column in numeric]).T, strict=True):
        yield _of_values(f"{table.name}.{column.name}", days, values, sized=column.type != "boolean")
    for column in told:
        if column not in numeric and rows.height:
            there = 1 - rows[column.name].null_count() / rows.height
            yield Reading(f"{table.name}.{column.name}", days, {"there": there}, {"there": rows.height})


def _of_values(about: str, days: int, values: Floats, *, sized: bool) -> Reading:
    known = values[~np.isnan(values)]
    others = np.abs(known[known != 0])
    figures = {"there": len(known) / len(values)} if len(values) else {}
    if len(known):
        figures["not_zero"] = len(others) / len(known)
    if sized and len(others):
        figures["size"] = float(np.median(others))
    return Reading(about, days, figures, {"there": len(values), "not_zero": len(known), "size": len(others)})


def numbers(rows: pl.DataFrame, columns: Sequence[str]) -> Floats:
    """Rows by columns; missing is NaN."""
    found = rows.select(pl.col(name).cast(pl.Float64).fill_null(np.nan) for name in columns).to_numpy()
    return np.asarray(found, dtype=np.float64).reshape(rows.height, len(columns))


def _telling(table: Table) -> list[Column]:
    """The columns whose values say something of the feed: no times, and nothing that names a row or a person."""
    named = ("name", "owner")
    return [column for column in table.columns if column.type not in ("time", "date") and column.name not in named]


def _sized(name: str) -> bool:
    """Whether a signal has a unit that a source can get wrong: shares and trends have none, and times are times."""
    signal = CATALOGUE.get(name)
    return signal is None or (signal.upper is None and signal.lower is not None and signal.unit not in _OF_TIMES)
