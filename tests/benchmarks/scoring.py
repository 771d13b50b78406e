"""What scoring costs, as ratios in one run: `python tests/benchmarks/scoring.py [accounts] [rows]`.

Accounts per second of a batch with risk at every horizon, health, interval and points, against `pred_contrib` alone:
of the same booster, and of the 300 trees of 31 leaves on 80 signals that a model of default size would have.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from features.matrix import build  # noqa: E402
from features.periods import snapshots  # noqa: E402
from features.quality import check  # noqa: E402
from features.simulation import simulate  # noqa: E402
from features.sources import open_source  # noqa: E402
from features.spine import spine  # noqa: E402
from training.model import HealthModel, explained  # noqa: E402
from training.model.health import renewal_ahead  # noqa: E402
from training.outcomes import outcomes  # noqa: E402
from training.train import history_starts, train  # noqa: E402


def per_second(rows: int, work: Callable[[], object]) -> float:
    spent = []
    for _ in range(3):
        begins = time.perf_counter()
        work()
        spent.append(time.perf_counter() - begins)
    return rows / min(spent)


def book(accounts: int) -> tuple[pl.DataFrame, HealthModel]:
    end = datetime(2026, 1, 1)
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), accounts=accounts, months=36, seed=1, end=end)
        with open_source(Path(folder)) as source:
            tables = check(source).tables
        known = outcomes(tables)
        matrix = build(tables, spine(tables, snapshots(history_starts(known, end), end)))
        return matrix, train(matrix, known)


def usual_booster(x: np.ndarray) -> lgb.Booster:
    """300 trees of 31 leaves on 80 columns."""
    y = np.random.default_rng(0).random(len(x)) < 0.1
    settings = {"objective": "binary", "num_leaves": 31, "min_data_in_leaf": 5, "verbosity": -1}
    return lgb.train(settings, lgb.Dataset(x[:, :80], y), 300)


def main(accounts: int = 2000, rows: int = 20_000) -> None:
    console = Console(width=120)
    matrix, model = book(accounts)
    batch = matrix.sample(rows, with_replacement=True, seed=0)
    x = renewal_ahead(model.accounts(batch).values)
    usual = usual_booster(x)
    scored = model.score(batch)
    ours = per_second(rows, lambda: model.score(batch))
    few = batch.head(rows // 10)
    table = Table("what", "accounts a second", "of scoring", title=f"{rows:,} accounts, {trees(model)}")
    for what, speed in (
        ("risk at every horizon, health, interval, points", ours),
        ("and drivers in words", per_second(rows, lambda: explained(model, batch, model.score(batch)))),
        ("drivers alone", per_second(rows, lambda: explained(model, batch, scored))),
        ("hazards of all leads alone", per_second(rows, lambda: model.hazards(model.accounts(batch)))),
        ("points alone", per_second(rows, lambda: model.points(model.accounts(batch)))),
        ("pred_contrib of the same booster alone", per_second(rows, lambda: model.churn.contributions(x))),
        (
            "pred_contrib of 300 trees of 31 leaves on 80 signals",
            per_second(len(few), lambda: usual.predict(x[: len(few), :80], pred_contrib=True)),
        ),
    ):
        table.add_row(what, f"{speed:,.0f}", f"{speed / ours:.2f}")
    console.print(table)


def trees(model: HealthModel) -> str:
    found = [hazard.booster.num_trees() if hazard.booster else 0 for hazard in (model.churn, model.contraction)]
    return f"{found[0]} and {found[1]} trees, {len(model.card.signals)} signals"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
