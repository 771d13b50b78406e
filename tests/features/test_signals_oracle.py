"""The signals are what a naive loop over the rows says."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from features.catalogue import SIGNALS
from features.matrix import build
from features.spine import spine
from tests.features import oracle
from tests.features.small_company import END, Rows, random_company, tables

MOMENTS = (END, END - timedelta(days=28), END - timedelta(days=84), END - timedelta(days=100), datetime(2024, 3, 4))


def differences(rows: Rows, moments: tuple[datetime, ...] = MOMENTS) -> list[str]:
    """Where the matrix and the oracle differ by more than 1e-9, or one is missing and the other isn't."""
    company = tables(rows)
    matrix = build(company, spine(company, moments))
    found = []
    for row in matrix.iter_rows(named=True):
        expected = oracle.signals(rows, row["account_id"], row["as_of"])
        for name, value in expected.items():
            same = (
                row[name] == value
                if row[name] is None or value is None
                else row[name] == pytest.approx(value, 1e-9, 1e-9)
            )
            if not same:
                found.append(f"{name} of {row['account_id']} at {row['as_of']:%Y-%m-%d}: {row[name]}, oracle {value}")
    return found


def test_the_oracle_knows_every_signal() -> None:
    assert sorted(oracle.ANSWERS) == sorted(signal.name for signal in SIGNALS)


@pytest.mark.parametrize("seed", range(4))
def test_every_signal_of_a_random_company_is_what_the_oracle_says(seed: int) -> None:
    assert differences(random_company(seed, silent=seed == 3)) == []


def test_the_random_companies_reach_every_signal() -> None:
    """A comparison of nothing with nothing proves nothing: each signal takes several values."""
    made = []
    for seed in range(4):
        company = tables(random_company(seed))
        made.append(build(company, spine(company, MOMENTS[:3])))  # one grid, which takes the time of one snapshot
    matrix = pl.concat(made)
    dull = [signal.name for signal in SIGNALS if matrix[signal.name].drop_nulls().n_unique() < 2]
    assert dull == []
