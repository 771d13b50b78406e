from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from features.simulation import simulate
from features.tables import TABLES

Read = Callable[[str], pl.DataFrame]


def typed(folder: Path, name: str) -> pl.DataFrame:
    """A clean simulated table with its canonical types."""
    if name == "truth":
        return pl.read_parquet(folder / "truth" / "truth.parquet")
    if name == "usage_daily":
        return pl.read_parquet(folder / "usage_daily.parquet")
    if name == "surveys":
        frame = pl.read_ndjson(folder / "surveys.jsonl", infer_schema_length=None)
    else:
        frame = pl.read_csv(folder / f"{name}.csv", infer_schema=False)
    times = [column for column, kind in TABLES[name].schema.items() if kind == pl.Datetime and column in frame.columns]
    flags = [column for column, kind in TABLES[name].schema.items() if kind == pl.Boolean and column in frame.columns]
    frame = frame.with_columns(
        pl.col(times).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us"), pl.col(flags) == "true"
    )
    return frame.cast({column: kind for column, kind in TABLES[name].schema.items() if column in frame.columns})


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean company of 3,000 accounts over three years."""
    folder = tmp_path_factory.mktemp("company")
    simulate(folder, accounts=3000, dirty=False)
    return folder


@pytest.fixture(scope="session")
def read(company: Path) -> Read:
    """Reads a table of the clean company."""
    kept: dict[str, pl.DataFrame] = {}

    def one(name: str) -> pl.DataFrame:
        if name not in kept:
            kept[name] = typed(company, name)
        return kept[name]

    return one
