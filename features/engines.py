"""Engines: the one place that knows which engine a frame runs on.

Polars is embedded and the default; DuckDB relations run in their connection and Spark Connect frames in their session,
where everything but what the caller asks for stays. pandas and PyArrow frames are computed by Polars, and come back as
they were given.
"""

import shutil
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from operator import truediv
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import duckdb
import narwhals as nw
import polars as pl

from features.errors import SettingsError, UnavailableError, UnusableData
from features.periods import Lazy
from features.tables import TABLES, Tables

Engine = Literal["polars", "duckdb", "spark"]
Frame = TypeVar("Frame")
AnyTables = Tables | Mapping[str, Any]
"""Checked tables, or canonical tables by name as frames of one engine."""

_TYPES = {
    "text": nw.String(),
    "integer": nw.Int64(),
    "number": nw.Float64(),
    "boolean": nw.Boolean(),
    "date": nw.Date(),
    "time": nw.Datetime("us"),
}
SCRATCH = "spark.healthscore.scratch"
"""Setting of a Spark session: a folder that its cluster can write, for what is used more than once.

Without it all signals are one plan, which takes minutes to make; with it, they are a dozen short ones.
"""
_UTC = (None, "UTC", "Etc/UTC", "GMT", "Z", "+00:00")


def opened(tables: AnyTables, name: str) -> Lazy:
    """The canonical table `name`, lazily, with every column of its declaration in its declared type.

    A column that isn't required and isn't there is missing in every row. Raises UnusableData where a required table or
    column isn't there or times aren't in UTC.
    """
    if name not in tables:
        raise UnusableData(f"there is no table {name}")
    rows = lazy(tables[name])
    schema = rows.collect_schema()
    changed = []
    for column in TABLES[name].columns:
        wanted, found = _TYPES[column.type], schema.get(column.name)
        if found is None and column.required:
            raise UnusableData(f"table {name} has no column {column.name}")
        if isinstance(found, nw.Datetime) and found.time_zone not in _UTC:
            raise UnusableData(f"{name}.{column.name} is in {found.time_zone}: give times in UTC")
        if found is None:
            changed.append(nw.lit(None, wanted).alias(column.name))
        elif found != wanted:
            changed.append(nw.col(column.name).cast(wanted))
    return rows.with_columns(*changed) if changed else rows


def lazy(frame: Any) -> Lazy:
    """`frame` for Narwhals, on its own engine; a frame without one (pandas, PyArrow) on Polars."""
    given = nw.from_native(frame)
    return given.lazy("polars") if isinstance(given, nw.DataFrame) else given


def beside(rows: Lazy, frame: Any) -> Lazy:
    """`frame` on the engine, in the connection or session, of `rows`: moved there if it is elsewhere."""
    there = lazy(frame)
    if there.implementation == rows.implementation:
        return there
    moved = _local(there).to_arrow()
    if rows.implementation.is_duckdb():
        return _in_connection(rows, moved)
    if rows.implementation.is_spark_like():
        made = lazy(rows.to_native().sparkSession.createDataFrame(moved))
        times = [name for name, found in made.collect_schema().items() if isinstance(found, nw.Datetime)]
        return made.with_columns(nw.col(name).cast(nw.Datetime("us")) for name in times) if times else made
    raise SettingsError(f"signals run on Polars, DuckDB or Spark Connect, not on {rows.implementation}")


def settled(rows: Lazy) -> Lazy:
    """`rows`, computed once for all that uses them; Spark keeps them in its cluster's storage, see `SCRATCH`."""
    native = rows.to_native()
    if isinstance(native, pl.LazyFrame):
        return lazy(native.collect().lazy())
    return lazy(native.materialize()) if rows.implementation.is_duckdb() else _kept(rows)


def moments(rows: Lazy, column: str) -> list[datetime]:
    """The different values of a time column, in order."""
    return sorted(_local(rows.select(column).unique())[column])


def like(given: Any, rows: Lazy) -> Any:
    """`rows` as the kind of frame that was given; a Polars frame, lazy or not, gives a computed one."""
    native = rows.to_native()
    if not isinstance(native, pl.LazyFrame):
        return native
    computed = native.collect()
    kind = nw.from_native(given).implementation
    if kind.is_pandas():
        return computed.to_pandas()
    return computed.to_arrow() if kind.is_pyarrow() else computed


@contextmanager
def moved_to(
    engine: Engine, tables: Tables, spark_remote: str | None = None, scratch: str | None = None
) -> Iterator[AnyTables]:
    """The checked tables on an engine of their own, which ends with the block.

    `spark_remote` is the address of a Spark Connect server, `sc://host:port`; `scratch` is a folder its cluster can
    write, in which a new one is the session's `SCRATCH`, removed in the end where it can be reached from here. Raises
    SettingsError where the address is missing or Spark's client isn't installed, UnavailableError where no server
    answers.
    """
    if engine == "polars":
        yield tables
    elif engine == "duckdb":
        with duckdb.connect() as connection:
            yield {name: connection.from_arrow(frame.collect().to_arrow()) for name, frame in tables.frames.items()}
    else:
        session = _spark(spark_remote)
        mine = f"{scratch}/healthscore-{uuid4().hex}" if scratch else ""
        if mine:
            session.conf.set(SCRATCH, mine)
        try:
            yield {name: session.createDataFrame(frame.collect().to_arrow()) for name, frame in tables.frames.items()}
        finally:
            session.stop()
            if mine:
                shutil.rmtree(mine, ignore_errors=True)


def write(frame: Any, out: str) -> int:
    """Write a frame as Parquet and count its rows: a file, or from Spark, by its cluster, a folder of parts.

    What is at `out`, a path or for Spark anything its cluster can write, is replaced.
    """
    rows = lazy(frame)
    if rows.implementation.is_spark_like():
        frame.write.mode("overwrite").parquet(out)
        written: int = frame.sparkSession.read.parquet(out).count()
        return written
    computed = _local(rows)
    Path(out).parent.mkdir(parents=True, exist_ok=True)
    computed.write_parquet(out)
    return computed.height


@contextmanager
def plain_division() -> Iterator[None]:
    """Let Spark divide by `/` in the plans made within the block, or within the function this decorates.

    Narwhals asks for `try_divide`, after a test that the divisor isn't zero; Sail 0.7.2 has it for whole numbers only.
    The whole process divides so meanwhile.
    """
    if "pyspark.sql.connect.dataframe" not in sys.modules:
        yield
        return
    from pyspark.sql.connect import functions

    asked_for = functions.try_divide
    functions.try_divide = truediv  # type: ignore[assignment]
    try:
        yield
    finally:
        functions.try_divide = asked_for


def local(frame: Any) -> pl.DataFrame:
    """What a frame of any engine holds, computed and brought here."""
    return _local(lazy(frame))


def _in_connection(rows: Lazy, given: Any) -> Lazy:
    """A relation of the Arrow table `given`, which DuckDB finds by its name, in the connection of `rows`."""
    return lazy(rows.to_native().query("healthscore_rows", "SELECT * FROM given"))


def _kept(rows: Lazy) -> Lazy:
    """A Spark frame written to its session's scratch folder and read from there; itself where there is none.

    A checkpoint would be the engine's own way, but Sail 0.7.2 takes rows of one that it kept unsorted for sorted.
    """
    frame = rows.to_native()
    folder = frame.sparkSession.conf.get(SCRATCH, "")
    if not folder:
        return rows
    path = f"{folder}/{uuid4().hex}"
    frame.write.parquet(path)
    return lazy(frame.sparkSession.read.schema(frame.schema).parquet(path))


def _local(rows: Lazy) -> pl.DataFrame:
    computed: pl.DataFrame = rows.collect("polars").to_native()
    return computed


def _spark(remote: str | None) -> Any:
    if remote is None:
        raise SettingsError("engine spark needs --spark-remote sc://host:port, a Spark Connect server")
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise SettingsError("engine spark needs Spark's client: pip install pyspark-client") from error
    address = urlsplit(remote)
    try:
        socket.create_connection((address.hostname or "", address.port or 15002), timeout=5).close()
    except OSError as error:
        raise UnavailableError(f"no Spark Connect server answers at {remote}: {error}") from error
    try:
        session = SparkSession.builder.remote(remote).create()
        session.conf.set("spark.sql.session.timeZone", "UTC")
    except PySparkException as error:
        raise UnavailableError(f"no Spark Connect server answers at {remote}: {error}") from error
    return session
