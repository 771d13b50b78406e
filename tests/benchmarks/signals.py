"""How fast the signals are: `python tests/benchmarks/signals.py`.

Makes, once, the tables of a company with 50,000 accounts over two years, builds every signal at 20 snapshots, and sets
the time against a pandas loop over snapshots and windows, against one scan and one group-by of the usage table, and
against half the accounts. Each figure comes from a process of its own. Only the ratios travel between machines.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import polars as pl
from rich.console import Console
from rich.table import Table

from features import SIGNALS, TABLES, Tables, build, spine
from features.periods import snapshots

START = datetime(2024, 1, 1)
DAYS = 730
LAST = START + timedelta(days=DAYS)
AS_OFS = snapshots(LAST - timedelta(days=19 * 28), LAST)
USAGE = [signal for signal in SIGNALS if signal.tables == ("usage_daily",) and not signal.peers]
PANDAS_SHARE = 10
"""The pandas loop runs on one account in so many: it is linear in accounts."""


def make(folder: Path, accounts: int) -> None:
    """Write accounts, contracts, usage_daily (510 rows an account), tickets and engagements (40 each)."""
    random = np.random.default_rng(7)
    names = pl.Series([f"A{number:06d}" for number in range(accounts)])
    segments = random.choice(["small", "middle", "large"], accounts)
    _write(folder, "accounts", {"account_id": names, "segment": segments})
    began = [START + timedelta(days=int(day)) for day in random.integers(0, 200, accounts)]
    seats = random.integers(5, 500, accounts)
    contract = {"contract_id": names, "account_id": names, "term_start": began, "kind": ["subscription"] * accounts}
    _write(folder, "contracts", contract | {"seats": seats, "arr": seats * 120.0})
    used = random.random((accounts, DAYS)) < 0.7
    account, day = (found.astype(np.int32) for found in np.nonzero(used))
    people = random.integers(1, 100, len(account), dtype=np.int32)
    usage = {
        "account_id": names.gather(account),
        "date": pl.Series(day + (START - datetime(1970, 1, 1)).days).cast(pl.Date),
        "active_users": people,
        "events": people * 12,
        "features_used": random.integers(1, 30, len(account), dtype=np.int32),
        "advanced_users": people // 3,
    }
    _write(folder, "usage_daily", usage)
    rows = accounts * 40
    opened = _times(random.integers(0, DAYS * 86_400, rows))
    tickets = {
        "ticket_id": pl.int_range(rows, eager=True).cast(pl.String),
        "account_id": names.gather(random.integers(0, accounts, rows)),
        "opened_at": opened,
        "first_response_at": opened + _seconds(random.exponential(7_200, rows)),
        "closed_at": opened + _seconds(random.exponential(300_000, rows) + 7_200),
        "category": random.choice(["defect", "how_to", "request", "billing"], rows),
        "severity": random.integers(1, 5, rows),
        "escalated": random.random(rows) < 0.1,
        "csat": random.integers(1, 6, rows).astype(float),
    }
    _write(folder, "tickets", tickets)
    engagements = {
        "account_id": names.gather(random.integers(0, accounts, rows)),
        "engaged_at": _times(random.integers(0, DAYS * 86_400, rows)),
        "kind": random.choice(["call", "qbr", "email", "meeting", "training", "executive"], rows),
        "outcome": random.choice(["positive", "neutral", "negative"], rows),
    }
    _write(folder, "engagements", engagements)


def _times(seconds: npt.NDArray[np.int64]) -> pl.Series:
    return _seconds(seconds) + START


def _seconds(seconds: npt.NDArray[np.generic]) -> pl.Series:
    return pl.Series((seconds * 1_000_000).astype(np.int64)).cast(pl.Duration("us"))


def _write(folder: Path, name: str, columns: dict[str, object]) -> None:
    frame = pl.DataFrame(columns)
    missing = [pl.lit(None, kind).alias(column) for column, kind in TABLES[name].schema.items() if column not in frame]
    schema = TABLES[name].schema
    frame.with_columns(missing).select(list(schema)).cast(schema).write_parquet(folder / f"{name}.parquet")


def tables(folder: Path) -> Tables:
    """The tables of a folder, read as they are needed."""
    return Tables(LAST, {path.stem: pl.scan_parquet(path) for path in sorted(folder.glob("*.parquet"))})


def all_signals(folder: Path) -> None:
    """Every signal at every snapshot."""
    known = tables(folder)
    build(known, spine(known, AS_OFS))


def usage_signals(folder: Path) -> None:
    """The signals made of usage alone."""
    known = tables(folder)
    build(known, spine(known, AS_OFS), USAGE)


def spine_only(folder: Path) -> None:
    """Who is a customer when."""
    spine(tables(folder), AS_OFS)


def contract_signals(folder: Path) -> None:
    """The signals made of contracts alone."""
    known = tables(folder)
    build(known, spine(known, AS_OFS), [signal for signal in SIGNALS if signal.tables == ("contracts",)])


def ticket_signals(folder: Path) -> None:
    """The signals made of tickets alone."""
    known = tables(folder)
    build(known, spine(known, AS_OFS), [signal for signal in SIGNALS if signal.tables == ("tickets",)])


def engagement_signals(folder: Path) -> None:
    """The signals made of engagements alone."""
    known = tables(folder)
    build(known, spine(known, AS_OFS), [signal for signal in SIGNALS if signal.tables == ("engagements",)])


def floor(folder: Path) -> None:
    """One scan and one group-by of the usage table, in the same engine."""
    usage = tables(folder)["usage_daily"].group_by("account_id", pl.col("date").dt.truncate("28d"))
    usage.agg(pl.col("active_users", "events", "advanced_users").sum(), pl.col("features_used").max()).collect()


def pandas_loop(folder: Path) -> None:
    """What a notebook does: per snapshot and window, filter and group; four sums and a maximum, no feeds, no delays."""
    usage = pd.read_parquet(folder / "usage_daily.parquet", columns=["account_id", "date", *PANDAS])
    usage["date"] = pd.to_datetime(usage["date"])
    for as_of in AS_OFS:
        for days in (28, 84, 364):
            within = usage[(usage["date"] >= as_of - timedelta(days=days)) & (usage["date"] < as_of)]
            within.groupby("account_id").agg(PANDAS)
        usage[usage["date"] < as_of].groupby("account_id").agg({"date": "max", "events": "count"})


PANDAS = {"active_users": ["sum", "max"], "events": "sum", "advanced_users": "sum", "features_used": "max"}
STAGES: dict[str, Callable[[Path], None]] = {
    f.__name__: f
    for f in (
        all_signals,
        usage_signals,
        ticket_signals,
        engagement_signals,
        contract_signals,
        spine_only,
        floor,
        pandas_loop,
    )
}


def measured(stage: str, folder: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak gigabytes of a stage in a process of its own, once it has started."""
    command = [sys.executable, __file__, "--stage", stage, "--folder", str(folder)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["seconds"], found["busy"], found["gigabytes"]


def main() -> None:
    """Make what isn't there, measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "healthscore-benchmark")
    parser.add_argument("--accounts", type=int, default=50_000)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        start, busy = time.perf_counter(), time.process_time()
        STAGES[given.stage](given.folder)
        took = {"seconds": time.perf_counter() - start, "busy": time.process_time() - busy}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps(took | {"gigabytes": peak}))
        return
    whole, half, tenth = (_made(given.folder, given.accounts // part) for part in (1, 2, PANDAS_SHARE))
    took = {stage: measured(stage, tenth if stage == "pandas_loop" else whole) for stage in STAGES}
    smaller = measured("all_signals", half)
    usage = took["usage_signals"][0]
    table = Table("measured", "seconds", "processor", "peak GB", "ratio")
    for stage, (seconds, busy, gigabytes) in took.items():
        named = (STAGES[stage].__doc__ or "").split(".")[0]
        table.add_row(named, f"{seconds:.1f}", f"{busy:.1f}", f"{gigabytes:.1f}")
    loop = took["pandas_loop"][0] * PANDAS_SHARE
    table.add_row(
        f"pandas loop, extrapolated × {PANDAS_SHARE} ÷ usage signals", f"{loop:.0f}", "", "", f"{loop / usage:.1f}"
    )
    table.add_row("usage signals ÷ one scan and group-by", "", "", "", f"{usage / took['floor'][0]:.1f}")
    table.add_row("all signals, twice the accounts", "", "", "", f"{took['all_signals'][0] / smaller[0]:.2f}")
    rows = pl.scan_parquet(whole / "usage_daily.parquet").select(pl.len()).collect().item()
    Console().print(
        f"{rows:,} usage rows, {len(AS_OFS)} snapshots, {len(SIGNALS)} signals, {len(USAGE)} of usage", table
    )


def _made(folder: Path, accounts: int) -> Path:
    made = folder / str(accounts)
    if not (made / "done").exists():
        made.mkdir(parents=True, exist_ok=True)
        make(made, accounts)
        (made / "done").touch()
    return made


if __name__ == "__main__":
    main()
