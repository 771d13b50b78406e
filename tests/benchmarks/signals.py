"""How fast the signals are: `python tests/benchmarks/signals.py`.

Makes, once, the tables of a company with 50,000 accounts over two years, builds every signal at 20 snapshots, and sets
the time against a pandas loop over snapshots and windows that gives the same signals, against one scan and one group-by
of the usage table, and against half the accounts. Each figure comes from a process of its own, the fastest of a few,
taken in turns; the loop runs once, on all accounts. Only the ratios travel between machines.
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
from notebook_loop import looped
from polars.testing import assert_frame_equal
from rich.console import Console
from rich.table import Table

from features import SIGNALS, TABLES, Tables, build, spine
from features.periods import PERIOD, snapshots
from features.quality import check
from features.simulation import simulate
from features.sources import open_source

START = datetime(2024, 1, 1)
DAYS = 730
LAST = START + timedelta(days=DAYS)
AS_OFS = snapshots(LAST - timedelta(days=19 * 28), LAST)
USAGE = [signal for signal in SIGNALS if signal.tables == ("usage_daily",) and not signal.peers]
RUNS = 3
"""Of everything but the loop."""


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
    """What a notebook does for the same usage signals: per snapshot and window, filter and group."""
    usage, contracts = (pd.read_parquet(folder / f"{name}.parquet") for name in ("usage_daily", "contracts"))
    looped(usage, contracts, AS_OFS)


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
    whole, half = (_made(given.folder, given.accounts // part) for part in (1, 2))
    agree(_made(given.folder, 500))
    stages = [(stage, whole) for stage in STAGES if stage != "pandas_loop"] + [("all_signals", half)]
    runs = [{stage: measured(*stage) for stage in stages} for _ in range(RUNS)]
    best = {stage: min(run[stage] for run in runs) for stage in stages}
    best["pandas_loop", whole] = measured("pandas_loop", whole)
    table = Table("measured", "seconds", "processor", "peak GB")
    for (stage, folder), (seconds, busy, gigabytes) in best.items():
        named = (STAGES[stage].__doc__ or "").split(".")[0] + (", half the accounts" if folder == half else "")
        table.add_row(named, f"{seconds:.1f}", f"{busy:.1f}", f"{gigabytes:.1f}")
    ratios = Table("ratio", "in seconds", "in processor time")
    for named, of, to in (
        ("pandas loop ÷ usage signals", ("pandas_loop", whole), ("usage_signals", whole)),
        ("pandas loop ÷ one scan and group-by", ("pandas_loop", whole), ("floor", whole)),
        ("usage signals ÷ one scan and group-by", ("usage_signals", whole), ("floor", whole)),
        ("all signals, twice the accounts", ("all_signals", whole), ("all_signals", half)),
    ):
        ratios.add_row(named, *(f"{best[of][part] / best[to][part]:.2f}" for part in (0, 1)))
    rows = pl.scan_parquet(whole / "usage_daily.parquet").select(pl.len()).collect().item()
    said = f"{rows:,} usage rows, {len(AS_OFS)} snapshots, {len(SIGNALS)} signals, {len(USAGE)} of usage"
    Console().print(said, table, ratios)


def agree(folder: Path) -> None:
    """The loop gives what `build` gives, of the benchmark's own rows and of a simulated company's, late and missing."""
    with tempfile.TemporaryDirectory() as simulated:
        simulate(Path(simulated), accounts=200, months=30, seed=3)
        with open_source(simulated, None) as source:
            companies = (tables(folder), check(source).tables)
    for company in companies:
        at = company.extracted_at
        as_ofs = snapshots(datetime(at.year, at.month, at.day) - 5 * PERIOD, datetime(at.year, at.month, at.day))
        usage, contracts = (company[name].collect().to_pandas() for name in ("usage_daily", "contracts"))
        loop = pl.from_pandas(looped(usage, contracts, as_ofs)).with_columns(pl.col("as_of").cast(pl.Datetime("us")))
        built = build(company, spine(company, as_ofs), USAGE).select(loop.columns)
        assert built.height > 500
        assert_frame_equal(built, loop, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-9)


def _made(folder: Path, accounts: int) -> Path:
    made = folder / str(accounts)
    if not (made / "done").exists():
        made.mkdir(parents=True, exist_ok=True)
        make(made, accounts)
        (made / "done").touch()
    return made


if __name__ == "__main__":
    main()
