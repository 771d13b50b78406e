"""Months run one after another, unattended: `python tests/benchmarks/months.py [accounts] [before] [after] [folder]`.

Simulates a company (2,000 accounts, 60 months) whose regime changes (a segment's prices rise, adoption counts half as
much), and calls the job of `healthscore run` once a month from 12 months before the change to 8 after it, as a schedule
would: nobody looks. The data is one extract; a month's run knows only what was known on its day.

Prints a row a month: what was done about the model and why, which version scored, and, from all that became known by
the end, expected ÷ actual churn within 90 days of the risks published in that month and the two after it, in the whole
book and in the segment whose prices rose. Below: when the change was noticed, when a version made after it was
promoted, and when expected ÷ actual was back between 0.85 and 1.15.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from sqlalchemy import select  # noqa: E402

from features.periods import PERIOD  # noqa: E402
from features.quality import check  # noqa: E402
from features.settings import Settings  # noqa: E402
from features.simulation import simulate  # noqa: E402
from features.simulation.clock import clock  # noqa: E402
from features.sources import open_source  # noqa: E402
from serving.errors import HeldBack  # noqa: E402
from serving.job import Summary, run  # noqa: E402
from serving.schema import batches, scores  # noqa: E402
from serving.store import ScoreStore  # noqa: E402
from training.errors import FloorsFailed  # noqa: E402
from training.evaluation import churned_within  # noqa: E402
from training.outcomes import outcomes  # noqa: E402

END = datetime(2026, 1, 1)
HISTORY = 60
DAYS, TOGETHER = 90, 3
PRICED = "mid_market"


@dataclass(frozen=True)
class Month:
    """What a month's run did, how long it took, and expected ÷ actual of what it and the next two published."""

    done: Summary
    seconds: float


def months(settings: Settings, moments: list[datetime], report: Callable[[str], None] = lambda _: None) -> list[Month]:
    """Run the job once for each moment."""
    found = []
    for as_of in moments:
        began = time.perf_counter()
        try:
            done = run(settings, as_of=as_of, now=as_of + timedelta(hours=4), report=lambda _: None)
        except (FloorsFailed, HeldBack) as error:  # nothing is published, and the next month tries again
            report(f"{as_of:%Y-%m-%d} {type(error).__name__}: {error}")
            continue
        found.append(Month(done, time.perf_counter() - began))
        report(f"{as_of:%Y-%m-%d} {done.retraining.action} {done.retraining.decision}: {done.retraining.reasons}")
    return found


def ratios(settings: Settings, segment: str | None = None) -> dict[datetime, tuple[float, int]]:
    """Expected ÷ actual churn within 90 days, and churns, of the risks published at a moment and the two after it."""
    with open_source(settings.source) as source:
        known = outcomes(check(source).tables, settings.grace_days)
    query = select(batches.c.as_of, scores.c.account_id, scores.c.segment, scores.c.risk_90d).join_from(
        batches, scores, batches.c.batch_id == scores.c.batch_id
    )
    with ScoreStore.open(settings.score_store) as store, store.reading() as connection:
        rows = pl.DataFrame(
            [tuple(row) for row in connection.execute(query)],
            schema={"as_of": pl.Datetime("us"), "account_id": pl.String, "segment": pl.String, "risk": pl.Float64},
            orient="row",
        )
    told = churned_within(rows if segment is None else rows.filter(pl.col("segment") == segment), known, DAYS)
    found = {}
    for as_of in sorted(told["as_of"].unique()):
        part = told.filter(pl.col("as_of").is_between(as_of, as_of + PERIOD * (TOGETHER - 1)))
        churns = int(part["churned"].sum())
        found[as_of] = (float(part["risk"].sum()) / churns if churns else np.nan, churns)
    return found


def main(accounts: int = 2000, before: int = 12, after: int = 8, folder: str | None = None) -> None:
    console = Console(width=180)
    home = Path(folder or tempfile.mkdtemp())
    if not (home / "company").exists():
        simulate(home / "company", accounts=accounts, months=HISTORY, seed=5, end=END, dirty=False)
    settings = Settings(source=str(home / "company"), state=home / "mlruns")
    settings.state.mkdir(exist_ok=True)
    calendar = clock(END, HISTORY)
    changed = calendar.bounds[calendar.regime].astype("datetime64[us]").item()
    console.print(f"{accounts:,} accounts; the regime changes on {changed:%Y-%m-%d}")
    moments = [changed + PERIOD * number for number in range(-before, after + 1)]
    found = months(settings, moments, lambda line: console.print(line, highlight=False))
    whole, priced = ratios(settings), ratios(settings, PRICED)
    nothing = (np.nan, 0)
    heads = ("month", "action", "decision", "version", "expected ÷ actual", f"in {PRICED}", "churns", "seconds", "why")
    table = Table(*heads)
    for month in found:
        done, at = month.done, month.done.as_of
        ratio, churns = whole.get(at, nothing)
        table.add_row(
            f"{at:%Y-%m-%d}{' *' if at >= changed else ''}", done.retraining.action, done.retraining.decision or "",
            done.model_version, f"{ratio:.2f}", f"{priced.get(at, nothing)[0]:.2f}", str(churns),
            f"{month.seconds:.0f}", "; ".join((*done.retraining.reasons, done.retraining.decision_reason or "")),
        )  # fmt: skip
    console.print(table)
    since = [month.done for month in found if month.done.as_of >= changed]
    noticed = [done.as_of for done in since if any("calibration" in why for why in done.retraining.reasons)][:1]
    promoted = [d.as_of for d in since if noticed and d.as_of >= noticed[0] and d.retraining.decision == "promoted"][:1]
    back = [at for at, (ratio, _) in whole.items() if promoted and at >= promoted[0] and 0.85 <= ratio <= 1.15][:1]
    for what, when in (("noticed", noticed), ("promoted", promoted), ("back within bounds", back)):
        told = f"{when[0]:%Y-%m-%d}, {(when[0] - changed) / PERIOD:.0f} months after" if when else "never"
        console.print(f"{what}: {told}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), *sys.argv[4:5])
