"""What training costs, as ratios in one run: `python tests/benchmarks/training.py [accounts] [months] [copies]`.

End to end against `lightgbm.train` alone with the same parameters and rounds, on all expanded rows and on those that
are left after sampling; what sampling rows without an event costs in log-loss; memory against accounts; and `copies` of
the book trained on at once (14 copies of 3,000 accounts over 36 months are a million account-snapshots).
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.metrics import log_loss

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from features.matrix import build  # noqa: E402
from features.periods import PERIOD, snapshots  # noqa: E402
from features.quality import check  # noqa: E402
from features.simulation import simulate  # noqa: E402
from features.sources import open_source  # noqa: E402
from features.spine import spine  # noqa: E402
from features.tables import Tables  # noqa: E402
from training import hazard  # noqa: E402
from training.evaluation import churned_within  # noqa: E402
from training.leads import MOST_ROWS, expand  # noqa: E402
from training.outcomes import Outcomes, outcomes  # noqa: E402
from training.train import Recipe, history_starts, train  # noqa: E402

END = datetime(2026, 1, 1)


def book(accounts: int, months: int, seed: int = 1) -> tuple[Tables, pl.DataFrame]:
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), accounts=accounts, months=months, seed=seed, end=END)
        with open_source(Path(folder)) as source:
            tables = check(source).tables
        matrix = build(tables, spine(tables, snapshots(history_starts(outcomes(tables), END), END)))
        return Tables(END, {"contracts": tables["contracts"].collect().lazy()}), matrix


def seconds(work: Callable[[], object]) -> float:
    begins = time.perf_counter()
    work()
    return time.perf_counter() - begins


def end_to_end(matrix: pl.DataFrame, known: Outcomes, console: Console) -> None:
    """Training against its boosters alone, each hazard's with as many trees as it came to have."""
    model = train(matrix, known)  # warm
    whole = min(seconds(lambda: train(matrix, known)) for _ in range(2))
    history, names = known.of(matrix), list(model.card.signals)
    signals = [signal for signal in hazard_signals() if signal.name in names]
    table = Table("rows", "hazard", "rows", "events", "trees", "lightgbm.train alone, s", title="Training end to end")
    for which, most in (("all", 10**9), ("sampled", MOST_ROWS)):
        alone = 0.0
        for learned in (model.churn, model.contraction):
            leads = expand(history, names, known.observed_until, learned.cause, most_rows=most)
            settings = dict(hazard.parameters(signals, len(leads.y), 7))
            trees = learned.booster.num_trees() if learned.booster else 0
            spent = min(seconds(lambda: lgb.train(settings, lgb.Dataset(leads.x, leads.y), trees)) for _ in range(2))  # noqa: B023
            alone += spent
            table.add_row(
                which, learned.cause, f"{len(leads.y):,}", f"{leads.y.sum():,.0f}", f"{trees}", f"{spent:.2f}"
            )
        console.print(
            f"end to end {whole:.2f} s ÷ lightgbm.train alone on {which} rows {alone:.2f} s = {whole / alone:.2f}"
        )
    console.print(table)


def hazard_signals():
    from features.catalogue import SIGNALS

    return [signal for signal in SIGNALS if signal.in_model]


def sampling(tables: Tables, matrix: pl.DataFrame, console: Console) -> None:
    """Log-loss at 90 days, out of time, by how many rows were let in."""
    until = END - PERIOD * 9
    known, truth = outcomes(tables, until=until), outcomes(tables)
    then = churned_within(matrix.filter((pl.col("as_of") >= until) & (pl.col("as_of") < until + PERIOD * 3)), truth, 90)
    before = matrix.filter(pl.col("as_of") <= until)
    full = len(expand(known.of(before), ["arr"], known.observed_until).y)
    table = Table("rows let in", "seconds", "log-loss", "expected ÷ actual", title="Sampling rows without an event")
    for share in (1.0, 0.5, 0.25, 0.125, 0.0625):
        begins = time.perf_counter()
        model = train(before, known, Recipe(most_rows=round(full * share)))
        spent = time.perf_counter() - begins
        risk, churned = model.score(then.select(matrix.columns))["risk_90d"].to_numpy(), then["churned"].to_numpy()
        ratio = f"{risk.sum() / churned.sum():.3f}"
        table.add_row(f"{full * share:,.0f}", f"{spent:.1f}", f"{log_loss(churned, risk):.5f}", ratio)
    console.print(table)


def copied(matrix: pl.DataFrame, known: Outcomes, copies: int) -> tuple[pl.DataFrame, Outcomes]:
    """A larger book: the same accounts several times under other names, their signals a little different."""
    random = np.random.default_rng(0)
    floats = [signal.name for signal in hazard_signals()]

    def named(frame: pl.DataFrame, number: int) -> pl.DataFrame:
        return frame.with_columns(pl.col("account_id") + f"-{number}")

    def jittered(number: int) -> pl.DataFrame:
        noise = 1 + 1e-3 * random.standard_normal(len(matrix))
        return named(matrix, number).with_columns(pl.col(floats) * pl.Series(noise))

    lives, steps, renewals = (
        pl.concat([named(frame, number) for number in range(copies)])
        for frame in (known.lives.sort("account_id"), known.steps, known.renewals)
    )
    larger = replace(known, lives=lives, steps=steps, renewals=renewals)
    return pl.concat([jittered(number) for number in range(copies)]), larger


def grown(accounts: int, months: int, copies: int) -> None:
    """One training in this process; prints snapshots, seconds, and the memory it came to use."""
    tables, matrix = book(accounts, months)
    matrix, known = copied(matrix, outcomes(tables), copies)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    spent = seconds(lambda: train(matrix, known))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{len(matrix)} {spent} {before / 2**20} {peak / 2**20}")


def growth(accounts: int, months: int, copies: int, console: Console) -> None:
    table = Table("account-snapshots", "seconds", "GiB before", "GiB at most", title="Size (each in its own process)")
    for number in sorted({1, 2, max(copies // 4, 1), copies}):
        command = [sys.executable, __file__, "grown", str(accounts), str(months), str(number)]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-4:]
        table.add_row(f"{int(told[0]):,}", *(f"{float(value):.1f}" for value in told[1:]))
        console.print(f"{int(told[0]):,} account-snapshots: {float(told[1]):.0f} s, {float(told[3]):.1f} GiB")
    console.print(table)


def main(accounts: int = 3000, months: int = 36, copies: int = 14) -> None:
    console = Console(width=120)
    tables, matrix = book(accounts, months)
    end_to_end(matrix, outcomes(tables), console)
    sampling(tables, matrix, console)
    growth(accounts, months, copies, console)


if __name__ == "__main__":
    if sys.argv[1:2] == ["grown"]:
        grown(*map(int, sys.argv[2:]))
    else:
        main(*map(int, sys.argv[1:]))
