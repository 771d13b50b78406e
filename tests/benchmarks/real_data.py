"""What the main job finds on the three real sets: `python tests/benchmarks/real_data.py`.

Prints what `check` read and put aside, and figures out of time, by the same functions as tests/training/test_real_data.
"""

import importlib.util
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def main() -> None:
    spec = importlib.util.spec_from_file_location("real", ROOT / "tests" / "training" / "test_real_data.py")
    assert spec is not None
    assert spec.loader is not None
    real = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(real)
    console = Console(width=130)

    found = Table("set", "table", "rule", "rows", "what was done", title="What check found", title_justify="left")
    rows = Table("set", "table", "read", "usable", "quarantined", title="Rows", title_justify="left")
    checks = {name: real.checked(name) for name in ("oulad", "churnsim", "online_retail")}
    for name, checked in checks.items():
        for table, read in checked.rows_read.items():
            aside = checked.rows_quarantined(table)
            rows.add_row(name, table, f"{read:,}", f"{read - aside:,}", f"{aside:,}")
        for finding in checked.findings:
            if finding.count:
                found.add_row(name, finding.table, finding.rule, f"{finding.count:,}", finding.action)

    proofs = Table(
        "set", "as of", "days", "accounts", "left", "AUC", "Brier", "average's", "log-loss", "E ÷ A", "in ARR"
    )
    for day in (28, 84):
        figures = real.scored_2014b(checks["oulad"].tables, day, (30, 90))
        for days, figure in figures.items():
            proofs.add_row("oulad 2014B", f"day {day}", *_shown(days, figure))
    for name, grace in (("churnsim", 30), ("online_retail", 0)):
        with tempfile.TemporaryDirectory() as folder:
            proof = real.registered(name, Path(folder), grace).proof
        for days, figure in proof.figures.items():
            proofs.add_row(name, f"{proof.as_of:%Y-%m-%d}", *_shown(days, figure))
    for table in (rows, found, proofs):
        console.print(table)


def _shown(days: int, figure) -> list[str]:
    whole = (f"{days}", f"{figure.accounts:,}", f"{figure.churned:,}")
    scores = (figure.auc, figure.brier, figure.base_brier, figure.log_loss)
    ratios = (figure.expected_to_actual, figure.expected_to_actual_arr)
    return [*whole, *(f"{value:.4f}" for value in scores), *(f"{value:.2f}" for value in ratios)]


if __name__ == "__main__":
    main()
