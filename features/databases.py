"""A database as a source: SQLite or PostgreSQL, read through SQLAlchemy.

SQLite values come as text, as in CSV, since any column there may hold anything. PostgreSQL keeps its types: numbers,
booleans, dates and times (moments with a zone are turned into UTC), everything else as text.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url

from features.errors import SourceError

_BATCH = 100_000


class Database:
    """Tables and views of a database's default schema. Errors are SourceErrors that never show a password."""

    def __init__(self, url: str) -> None:
        self._url = _driver(url)
        self.location = self._url.render_as_string(hide_password=True)
        try:
            self._engine = sa.create_engine(self._url, poolclass=sa.NullPool)
            inspector = sa.inspect(self._engine)
            self.tables = tuple(sorted((*inspector.get_table_names(), *inspector.get_view_names())))
        except sa.exc.SQLAlchemyError as error:
            raise self._error("can't be opened", error) from None

    def read(self, table: str) -> Iterator[pl.DataFrame]:
        """The rows of a table in batches, ordered by its primary key; at least one batch, perhaps empty."""
        try:
            inspector = sa.inspect(self._engine)
            columns = inspector.get_columns(table)
            order = inspector.get_pk_constraint(table)["constrained_columns"]
            chosen = [self._typed(column["name"], column["type"]) for column in columns]
            schema = {column["name"]: dtype for column, (_, dtype) in zip(columns, chosen, strict=True)}
            query = sa.select(*(expression for expression, _ in chosen)).select_from(sa.table(table))
            query = query.order_by(*(sa.column(name) for name in order))
            with self._engine.connect().execution_options(stream_results=True, max_row_buffer=_BATCH) as connection:
                yield pl.DataFrame(schema=schema)
                for rows in connection.execute(query).partitions(_BATCH):
                    yield pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")
        except (sa.exc.SQLAlchemyError, pl.exceptions.PolarsError, ValueError, OverflowError) as error:
            raise self._error(f"table `{table}` can't be read", error) from None

    def _typed(self, name: str, kind: sa.types.TypeEngine[Any]) -> tuple[sa.ColumnElement[Any], pl.DataType]:
        column: sa.ColumnElement[Any] = sa.column(name, kind)
        if self._engine.dialect.name == "postgresql":
            for sql_type, dtype in (
                (sa.Boolean, pl.Boolean()),
                (sa.Integer, pl.Int64()),
                (sa.Numeric, pl.Float64()),
                (sa.DateTime, pl.Datetime("us")),
                (sa.Date, pl.Date()),
            ):
                if isinstance(kind, sql_type):
                    if isinstance(kind, sa.Numeric):
                        column = sa.cast(column, sa.Double)
                    elif isinstance(kind, sa.DateTime) and kind.timezone:
                        column = sa.func.timezone("UTC", column)
                    return column.label(name), dtype
        return sa.cast(column, sa.Text).label(name), pl.String()

    def _error(self, what: str, error: Exception) -> SourceError:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()
        return SourceError(f"{self.location}: {what}: {reason[0] if reason else type(error).__name__}")


def _driver(url: str) -> URL:
    try:
        parsed = make_url(url)
    except sa.exc.ArgumentError:
        raise SourceError("the database URL can't be read; write it like postgresql://user@host/database.") from None
    kind = parsed.drivername.split("+")[0]
    if kind in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if kind != "sqlite":
        raise SourceError(f"{kind}:// is not a kind of source; use a folder, sqlite:///… or postgresql://….")
    if not parsed.database or not Path(parsed.database).is_file():
        raise SourceError(f"{parsed.database}: there is no such SQLite file; check the path.")
    return parsed
