"""The same signals on every engine, of one simulated company."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features import Tables, build, spine
from features.catalogue import CATALOGUE
from features.engines import AnyTables, local, moved_to
from features.errors import SettingsError, UnavailableError, UnusableData
from features.periods import snapshots
from features.quality import check
from features.simulation import simulate
from features.sources import open_source

TOLERANCE = 1e-9
"""Relative; engines add up and interpolate in their own order."""

ON_SPARK = [
    "usage_trend_28d",
    "licences_adopted_28d",
    "days_since_last_use",
    "positive_touches_364d",
    "onboarding_held",
    "plan_realization",
    "minutes_down_84d",
    "sentiment_364d",
    "first_response_median_84d",
    "arr_change_364d",
]
"""One signal of each kind of measure and dimension: a plan of all of them takes minutes to make over the wire."""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    folder = tmp_path_factory.mktemp("company")
    simulate(folder, accounts=150, months=18, seed=7)
    with open_source(str(folder), None) as source:
        return check(source).tables


@pytest.fixture(scope="module")
def as_ofs(tables: Tables) -> list[datetime]:
    end = tables.extracted_at
    last = datetime(end.year, end.month, end.day)
    return snapshots(last - timedelta(days=112), last, 56)


@pytest.fixture(scope="module")
def expected(tables: Tables, as_ofs: list[datetime]) -> pl.DataFrame:
    return build(tables, spine(tables, as_ofs))


def agree(found: pl.DataFrame, expected: pl.DataFrame) -> None:
    assert expected.height > 200
    assert_frame_equal(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def on_spark(tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame, remote: str) -> None:
    signals = [CATALOGUE[name] for name in ON_SPARK]
    with moved_to("spark", tables, remote) as moved:
        rows = spine(moved, as_ofs)
        found = build(moved, rows, signals)
        assert type(found).__module__ == "pyspark.sql.connect.dataframe"
        agree(local(found), expected.select(build(tables, expected.head(0), signals).columns))


def test_the_company_moves_every_kind_of_signal(expected: pl.DataFrame) -> None:
    assert [name for name in ON_SPARK if expected[name].n_unique() < 2] == []


def test_duckdb_agrees_with_polars(tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame) -> None:
    with moved_to("duckdb", tables) as moved:
        found = build(moved, spine(moved, as_ofs))
        assert type(found).__name__ == "DuckDBPyRelation"
        agree(local(found), expected)


def test_pandas_agrees_with_polars(tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame) -> None:
    frames = {name: frame.collect().to_pandas() for name, frame in tables.frames.items()}
    found = build(frames, spine(frames, as_ofs))
    assert isinstance(found, pd.DataFrame)
    agree(pl.from_pandas(found).cast(dict(expected.schema)), expected)


def test_arrow_agrees_with_polars(tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame) -> None:
    frames = {name: frame.collect().to_arrow() for name, frame in tables.frames.items()}
    agree(local(build(frames, spine(frames, as_ofs))), expected)


def test_a_spine_from_elsewhere_is_moved_to_the_tables(tables: Tables, expected: pl.DataFrame) -> None:
    rows = expected.select("account_id", "as_of").head(20)
    wanted = [CATALOGUE["arr"]]
    with moved_to("duckdb", tables) as moved:
        found = local(build(moved, rows.to_pandas(), wanted))
    agree_on = ["account_id", "as_of", "arr"]
    assert_frame_equal(found.select(agree_on), expected.head(20).select(agree_on), rel_tol=TOLERANCE)


@pytest.fixture(scope="module")
def sail() -> Iterator[str]:
    """The address of a Sail server in this process."""
    server = pytest.importorskip("pysail.spark", reason="Sail isn't installed").SparkConnectServer("127.0.0.1", 0)
    server.start()
    try:
        yield "sc://{}:{}".format(*server.listening_address)
    finally:
        server.stop()


def test_sail_agrees_with_polars(tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame, sail: str) -> None:
    on_spark(tables, as_ofs, expected, sail)


@pytest.fixture(scope="module")
def apache_spark() -> Iterator[str]:
    """The address of an Apache Spark Connect server of this machine's own."""
    if shutil.which("java") is None:
        pytest.skip("Apache Spark needs Java")
    jars = find_spec("pyspark.jars")
    if jars is None or jars.submodule_search_locations is None:
        pytest.skip("pyspark with its JVM isn't installed: pip install pyspark")
    submit = Path(next(iter(jars.submodule_search_locations))).parent / "bin" / "spark-submit"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    given = ["--master", "local[2]", "--conf", f"spark.connect.grpc.binding.port={port}"]
    server = "org.apache.spark.sql.connect.service.SparkConnectServer"
    running = subprocess.Popen([submit, *given, "--class", server, "spark-internal"], stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.5)
        yield f"sc://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait()


def test_apache_spark_agrees_with_polars(
    tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame, apache_spark: str
) -> None:
    on_spark(tables, as_ofs, expected, apache_spark)


def test_a_column_that_is_not_there_is_missing_in_every_row(tables: Tables, expected: pl.DataFrame) -> None:
    frames: dict[str, pl.LazyFrame] = dict(tables.frames)
    frames["usage_daily"] = frames["usage_daily"].drop("features_used")
    found = build(frames, expected.select("account_id", "as_of"), [CATALOGUE["feature_breadth_28d"]])
    assert found["feature_breadth_28d"].null_count() == found.height


@pytest.mark.parametrize(
    "contracts, message",
    [
        (pl.LazyFrame({"account_id": ["A"]}), "table contracts has no column contract_id"),
        (
            pl.LazyFrame({"contract_id": ["1"], "account_id": ["A"], "arr": [1.0]}).with_columns(
                term_start=pl.datetime(2024, 1, 1, time_zone="Europe/Berlin")
            ),
            "contracts.term_start is in Europe/Berlin: give times in UTC",
        ),
    ],
)
def test_frames_that_cannot_be_read_are_refused(contracts: pl.LazyFrame, message: str) -> None:
    frames: AnyTables = {"contracts": contracts}
    with pytest.raises(UnusableData, match=message):
        spine(frames, [datetime(2025, 1, 1)])


def test_spark_needs_an_address(tables: Tables) -> None:
    with pytest.raises(SettingsError, match="--spark-remote"), moved_to("spark", tables):
        pass


def test_a_server_that_does_not_answer_is_named(tables: Tables) -> None:
    with pytest.raises(UnavailableError, match=r"sc://127\.0\.0\.1:1"), moved_to("spark", tables, "sc://127.0.0.1:1"):
        pass
