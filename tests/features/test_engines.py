"""The same signals on every engine, of one simulated company."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.sql.connect.client import SparkConnectClient
from typer.testing import CliRunner

from features import Tables, build, spine
from features.catalogue import CATALOGUE, SIGNALS
from features.engines import AnyTables, local, moved_to
from features.errors import SettingsError, UnavailableError, UnusableData
from features.periods import snapshots
from features.quality import check
from features.signal import DIMENSIONS
from features.signals_cli import app
from features.simulation import simulate
from features.sources import open_source

TOLERANCE = 1e-9
"""Relative; engines add up and interpolate in their own order."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("company")
    simulate(folder, accounts=150, months=18, seed=7)
    return folder


@pytest.fixture(scope="module")
def tables(company: Path) -> Tables:
    with open_source(str(company), None) as source:
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


def test_the_company_moves_every_dimension(expected: pl.DataFrame) -> None:
    moved = {signal.dimension for signal in SIGNALS if expected[signal.name].n_unique() > 2}
    assert moved == set(DIMENSIONS)


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


def test_without_scratch_a_signal_is_one_plan(
    tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame, sail: str
) -> None:
    one = ["usage_trend_28d"]
    with moved_to("spark", tables, sail) as moved:
        found = build(moved, expected.select("account_id", "as_of"), [CATALOGUE[name] for name in one])
        assert type(found).__module__ == "pyspark.sql.connect.dataframe"
        assert_frame_equal(local(found).select(one), expected.select(one), rel_tol=TOLERANCE, abs_tol=TOLERANCE)


@pytest.fixture
def brought(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows of every table that Spark's client brings to this process."""
    seen: list[int] = []
    bring = SparkConnectClient.to_table

    def noted(client: SparkConnectClient, *given: Any, **named: Any) -> Any:
        found = bring(client, *given, **named)
        seen.append(found[0].num_rows)
        return found

    monkeypatch.setattr(SparkConnectClient, "to_table", noted)
    return seen


def test_sail_agrees_with_polars_by_the_command_which_brings_no_row_here(
    company: Path, as_ofs: list[datetime], expected: pl.DataFrame, sail: str, tmp_path: Path, brought: list[int]
) -> None:
    written = tmp_path / "written" / "signals"
    given = ["--source", company, "--state", tmp_path / "state", "--out", written, "--every", "56d"]
    given += ["--since", f"{as_ofs[0]:%Y-%m-%d}", "--as-of", f"{as_ofs[-1]:%Y-%m-%d}"]
    ran = CliRunner().invoke(app, ["signals", *map(str, given), "--engine", "spark", "--spark-remote", sail])
    assert (ran.exit_code, f"{expected.height} rows, 3 snapshots" in ran.output) == (0, True), ran.output
    agree(pl.read_parquet(written).sort("as_of", "account_id"), expected)
    assert brought == [3, 1], "the different as_of, and the count of what was written"
    assert list(written.parent.iterdir()) == [written]


def test_apache_spark_agrees_with_polars(
    tables: Tables, as_ofs: list[datetime], expected: pl.DataFrame, apache_spark: str, tmp_path: Path
) -> None:
    with moved_to("spark", tables, apache_spark, str(tmp_path)) as moved:
        agree(local(build(moved, spine(moved, as_ofs))), expected)


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
