"""Rows out of DuckDB into Polars, with types that Polars can hold and an origin for every row."""
# ruff: noqa: S608 (the SQL is the owner's own; names and values put into it are quoted by features.sql)

from collections.abc import Mapping
from datetime import date

import duckdb
import polars as pl

from features.sql import identifier

_PLAIN: tuple[str, ...] = (
    "VARCHAR",
    "ENUM",
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "HUGEINT",
    "UTINYINT",
    "USMALLINT",
)
_PLAIN += ("UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL", "DATE", "TIMESTAMP")
"""Beginnings of the DuckDB types that are kept; values of others (intervals, structures, …) come as text."""

_EPOCH = date(1970, 1, 1).toordinal()
_FIRST_DAY = date.min.toordinal() - _EPOCH
_LAST_DAY = date.max.toordinal() - _EPOCH


def fetch(db: duckdb.DuckDBPyConnection, shown: Mapping[str, str], query: str) -> pl.DataFrame:
    """The expressions of `shown` (name to SQL) over a query. Raises duckdb.Error.

    Infinite and five-digit years, which no Python date can hold, make their whole column text.
    """
    select = ", ".join(f"{expression} AS {identifier(name)}" for name, expression in shown.items()) or "1"
    kinds = [str(row[1]) for row in db.execute(f"DESCRIBE SELECT {select} FROM {query}").fetchall()]
    odd = {name for name, kind in zip(shown, kinds, strict=False) if not kind.startswith(_PLAIN) or kind.endswith("]")}
    frame = _frame(db, shown, odd, query)
    endless = {column.name for column in frame.get_columns() if _beyond_years(column)}
    return _frame(db, shown, odd | endless, query) if endless else frame


def _frame(db: duckdb.DuckDBPyConnection, shown: Mapping[str, str], as_text: set[str], query: str) -> pl.DataFrame:
    select = ", ".join(
        f"{f'({expression})::VARCHAR' if name in as_text else expression} AS {identifier(name)}"
        for name, expression in shown.items()
    )
    rows: pl.DataFrame = db.sql(f"SELECT {select or '1'} FROM {query}").pl()
    return rows.rename(dict(zip(rows.columns, shown, strict=False)))  # DuckDB may keep the owner's capitals


def with_origin(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with `_file` and `_row`; rows without an origin get their position in the frame and no file."""
    if "_row" not in frame.columns:
        return frame.with_columns(pl.lit(None, pl.String).alias("_file"), _row=pl.int_range(1, pl.len() + 1))
    if "_file" not in frame.columns:
        frame = frame.with_columns(_file=pl.lit(None, pl.String))
    if frame["_row"].dtype != pl.Int64:
        frame = frame.with_columns(pl.col("_row").cast(pl.Int64, strict=False))
    if frame["_row"].null_count():
        placed = pl.col("_row").is_not_null()
        frame = frame.with_columns(
            pl.when(placed).then(pl.col("_file").cast(pl.String)),
            pl.when(placed).then("_row").otherwise(pl.int_range(1, pl.len() + 1)).alias("_row"),
        )
    return frame


def _beyond_years(column: pl.Series) -> bool:
    if isinstance(column.dtype, pl.Datetime):
        per_day = 86_400 * {"ms": 10**3, "us": 10**6, "ns": 10**9}[column.dtype.time_unit]
    elif column.dtype == pl.Date:
        per_day = 1
    else:
        return False
    low, high = column.to_physical().min(), column.to_physical().max()
    if not isinstance(low, int) or not isinstance(high, int):
        return False
    return low < _FIRST_DAY * per_day or high >= (_LAST_DAY + 1) * per_day
