"""What each step of a scoring run costs for 1,000 accounts: `python tests/benchmarks/scale.py [accounts]`.

CPU seconds of all threads, so that what else the machine does counts little, and the process's peak memory so far. The
table "At scale" in training/README.md is from here.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import resource
import sys
import tempfile
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from features.catalogue import CATALOGUE, SIGNALS  # noqa: E402
from features.fingerprint import fingerprint  # noqa: E402
from features.freshness import feeds  # noqa: E402
from features.matrix import build  # noqa: E402
from features.periods import snapshots  # noqa: E402
from features.quality import check  # noqa: E402
from features.simulation import simulate  # noqa: E402
from features.sources import open_source  # noqa: E402
from features.spine import spine  # noqa: E402
from features.tables import Tables  # noqa: E402
from serving.book import book_parts  # noqa: E402
from serving.scoring import account_scores, batch_by, scored_by  # noqa: E402
from serving.store import ScoreStore  # noqa: E402
from training.model import HealthModel, explained  # noqa: E402
from training.outcomes import outcomes  # noqa: E402
from training.train import history_starts, train  # noqa: E402

AS_OF = datetime(2026, 1, 1)


class Costs:
    """The steps so far, each with what it took since the one before."""

    def __init__(self) -> None:
        self.table = Table("step", "CPU seconds per 1,000 accounts", "peak memory so far, MiB")
        self._spent = _spent()

    def of(self, step: str, accounts: int) -> None:
        took = _spent() - self._spent
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        self.table.add_row(step, f"{1000 * took / accounts:.2f}", f"{peak:,.0f}")
        self._spent = _spent()


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def company(folder: Path, accounts: int) -> Tables:
    simulate(folder, accounts=accounts, months=24, seed=3)
    with open_source(folder) as source:
        return check(source).tables


def model_of(tables: Tables) -> HealthModel:
    known = outcomes(tables)
    return train(build(tables, spine(tables, snapshots(history_starts(known, AS_OF), AS_OF))), known)


def main(accounts: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = model_of(company(folder / "small", 400))
        simulate(folder / "large", accounts=accounts, months=24, seed=3)
        costs = Costs()
        with open_source(folder / "large") as source:
            tables = check(source).tables
        costs.of("check", accounts)
        fingerprint(tables)
        costs.of("fingerprint", accounts)
        matrix = build(tables, spine(tables, [AS_OF]), SIGNALS)
        customers = matrix.height
        costs.of("signals", customers)
        scored = scored_by(model, matrix)
        costs.of("scores", customers)
        scored = scored.with_columns(drivers=explained(model, matrix, scored))
        costs.of("drivers in words", customers)
        book = book_parts(tables, scored, model, AS_OF, targets={}, grace_days=30)
        costs.of("the book", customers)
        with ScoreStore.open(f"sqlite:///{folder / 'scores.db'}") as store:
            batch = batch_by(
                model, accounts=customers, as_of=AS_OF, known_at=AS_OF, model_name="m", model_version="1"
            )  # fmt: skip
            store.publish(batch, account_scores(scored, tuple(CATALOGUE), feeds(tables, AS_OF)), book)
        costs.of("publishing", customers)
        size = (folder / "scores.db").stat().st_size
    console = Console()
    console.print(costs.table)
    console.print(f"{customers:,} customers; {size / customers:,.0f} bytes of store for each")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
