"""What the main job finds on the three real sets: `python tests/benchmarks/real_data.py [set …]`.

Prints what `check` read and put aside, alarms of the leakage gate, and figures out of time beside logistic regression
and LightGBM as it comes, each with one classifier per horizon; by the functions of tests/training/test_real_data.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import importlib.util
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import lightgbm as lgb
import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from training.anchors.known import Known  # noqa: E402
from training.anchors.logistic import LOGISTIC, signals_and_clock  # noqa: E402
from training.anchors.per_horizon import PerHorizon  # noqa: E402
from training.evaluation import churned_within  # noqa: E402
from training.leakage import examine  # noqa: E402
from training.model import HORIZONS  # noqa: E402

DAYS = (30, 90, 180)
SETS = ("oulad", "churnsim", "online_retail")
LIGHTGBM = PerHorizon(
    "LightGBM as it comes", signals_and_clock, lambda _: lgb.LGBMClassifier(verbosity=-1, random_state=7)
)


def main(*sets: str) -> None:
    warnings.filterwarnings("ignore", "X does not have valid feature names")
    console = Console(width=175)
    real = _tests()
    checks = {name: real.checked(name) for name in sets or SETS}
    found = Table("set", "table", "rule", "rows", "what was done", title="What check found", title_justify="left")
    rows = Table("set", "table", "read", "usable", "quarantined", title="Rows", title_justify="left")
    for name, checked in checks.items():
        for table, read in checked.rows_read.items():
            aside = checked.rows_quarantined(table)
            rows.add_row(name, table, f"{read:,}", f"{read - aside:,}", f"{aside:,}")
        for finding in checked.findings:
            if finding.count:
                found.add_row(name, finding.table, finding.rule, f"{finding.count:,}", finding.action)
    console.print(rows)
    console.print(found)
    heads = ("set", "days", "predictor", "accounts", "left", "AUC", "log-loss", "Brier", "average's", "E ÷ A", "in ARR")
    heads += ("log-loss above the model's",)
    proofs = Table(*heads, title="Out of time", title_justify="left")
    for name, case in _cases(real, checks):
        for alarm in examine(case.past, case.known):
            console.print(f"{name}: {alarm}")
        known = Known(case.past, case.known)
        rivals = {anchor.name: anchor.fit(known) for anchor in (LOGISTIC, LIGHTGBM)}
        for at, days in enumerate(HORIZONS):
            if days in DAYS and case.now["as_of"].max() <= case.truth.observed_until - real.timedelta(days=days):
                proofs.add_row(name, f"{days}", "the model", *_shown(case.figures(days)), "")
                for rival, risks in rivals.items():
                    told = _column(risks, at, case.now.columns)
                    proofs.add_row("", "", rival, *_shown(case.figures(days, told)), _above(case, days, told))
    console.print(proofs)


def _cases(real, checks) -> Iterator[tuple[str, object]]:
    if "oulad" in checks:
        for day in (28, 84):
            yield f"oulad 2014B, day {day}", real.oulad_2014b(checks["oulad"].tables, day)
    for name, grace in (("churnsim", 30), ("online_retail", 0)):
        if name in checks:
            for watch in (90, 180) if name == "churnsim" else (90,):
                yield f"{name}, {watch} days to watch", real.book(name, watch, grace)


def _above(case, days: int, rival) -> str:
    """The rival's log-loss less the model's, account by account, with an interval of 90 %: below 0 the rival wins."""
    rows = churned_within(case.now, case.truth, days)
    churned = rows["churned"].to_numpy()
    ours = case.model.score(rows.select(case.now.columns))[f"risk_{days}d"].to_numpy()
    theirs, ours = (-np.log(np.where(churned, risk, 1 - risk).clip(1e-6)) for risk in (rival(rows), ours))
    above = theirs - ours
    far = 1.645 * above.std() / np.sqrt(len(above))
    return f"{above.mean():+.4f} ± {far:.4f}"


def _column(risks, at: int, columns: list[str]):
    return lambda rows: risks(rows.select(pl.col(columns)))[:, at]


def _tests():
    spec = importlib.util.spec_from_file_location("real", ROOT / "tests" / "training" / "test_real_data.py")
    assert spec is not None
    assert spec.loader is not None
    real = importlib.util.module_from_spec(spec)
    sys.modules["real"] = real
    spec.loader.exec_module(real)
    return real


def _shown(figure) -> list[str]:
    whole = (f"{figure.accounts:,}", f"{figure.churned:,}")
    scores = (figure.auc, figure.log_loss, figure.brier, figure.base_brier)
    ratios = (figure.expected_to_actual, figure.expected_to_actual_arr)
    return [*whole, *(f"{value:.4f}" for value in scores), *(f"{value:.2f}" for value in ratios)]


if __name__ == "__main__":
    main(*sys.argv[1:])
