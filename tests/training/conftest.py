"""A simulated company, checked once, and a model of it."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from features.matrix import build
from features.periods import snapshots
from features.quality import check
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from features.tables import TABLES, Tables
from tests.sharing import made_once
from training.model import HealthModel
from training.outcomes import Outcomes, outcomes
from training.train import Recipe, history_starts, train

END = datetime(2026, 1, 1)
QUICK = Recipe(most_rows=50_000)
"""What the company's model is trained by: all who left, and enough of the rest."""


@dataclass(frozen=True)
class Company:
    tables: Tables
    outcomes: Outcomes
    matrix: pl.DataFrame
    model: HealthModel
    recipe: Recipe = QUICK


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    return made_once(tmp_path_factory, "training-company", _company)


def _company(folder: Path) -> Company:
    simulate(folder, accounts=600, months=30, seed=3)
    with open_source(folder) as source:
        tables = check(source).tables
    known = outcomes(tables)
    matrix = build(tables, spine(tables, snapshots(history_starts(known, END), END)))
    return Company(tables, known, matrix, train(matrix, known, QUICK))


def table(name: str, **columns: list[object]) -> pl.LazyFrame:
    """A canonical table with these columns, the others empty."""
    rows = len(next(iter(columns.values())))
    schema = TABLES[name].schema
    return pl.LazyFrame(
        {column: pl.Series(columns.get(column, [None] * rows), dtype=schema[column]) for column in schema}
    )


@pytest.fixture
def contracts():
    """A function from rows (account, contract, start, end, known[, kind]) to tables extracted on the first of 2025."""

    def make(*rows: tuple[object, ...], extracted_at: datetime = datetime(2025, 1, 1)) -> Tables:
        account, contract, start, end, known, kind = zip(*((*row, "subscription")[:6] for row in rows), strict=True)
        return Tables(
            extracted_at,
            {
                "accounts": table("accounts", account_id=sorted(set(account))),
                "contracts": table(
                    "contracts",
                    contract_id=list(contract),
                    account_id=list(account),
                    kind=list(kind),
                    term_start=list(start),
                    term_end=list(end),
                    arr=[100.0] * len(rows),
                    available_at=list(known),
                ),
            },
        )

    return make
