"""What was usual in the simulated company five months before its end."""

from datetime import datetime

import polars as pl
import pytest

from features.periods import PERIOD
from training.monitoring.baseline import Baseline, baseline

END = datetime(2026, 1, 1)
THEN = END - PERIOD * 7
NOW = END - PERIOD * 3
"""A moment before the community feed of the simulated company stops."""


@pytest.fixture(scope="session")
def usual(company) -> Baseline:
    return baseline(company.tables, company.matrix.filter(pl.col("as_of") <= THEN), company.model)


@pytest.fixture(scope="session")
def now(company) -> pl.DataFrame:
    return company.matrix.filter(pl.col("as_of") == NOW)
