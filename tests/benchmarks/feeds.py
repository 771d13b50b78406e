"""How often the look at feeds is wrong: `python tests/benchmarks/feeds.py [accounts]`.

On a simulated company of 600 accounts and 48 months, with a model trained half way. First the 26 periods after, as they
are: every alarm there is a false one, and printed. Then faults planted ten periods after the model was made, one at a
time: each table stopped for 7, 28, 60 and 400 days, and gone; amounts and counts of each table all zero or × 100 over 7
days, 28 days and always, and ÷ 100 always. Prints for each table how many of them hold the scores back, which only
warn, and which are missed.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.progress import track
from rich.table import Table as Grid

sys.path.insert(0, str(Path(__file__).parents[2]))

from features.errors import UnusableData
from features.matrix import build
from features.periods import PERIOD, snapshots
from features.quality import check
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from features.tables import TABLES, Tables
from training.monitoring.alarm import stops
from training.monitoring.baseline import baseline
from training.monitoring.feeds import feed_alarms
from training.outcomes import outcomes
from training.train import train

END = datetime(2026, 1, 1)
MADE = END - PERIOD * 26
NOW = MADE + PERIOD * 10
ALWAYS = 10_000
CONSOLE = Console(width=150)


def faults(tables: Tables) -> Iterator[tuple[str, str, Tables]]:
    """The table, the fault in words, and the tables with it."""
    for name, table in TABLES.items():
        if table.time is None or name not in tables:
            continue
        known = pl.max_horizontal(pl.col(table.time).cast(pl.Datetime("us")), "available_at")
        amounts = [column for column in table.columns if column.type in ("integer", "number") and column.upper is None]
        yield name, "gone", tables.without(name)
        for days in (7, 28, 60, 400):
            yield name, f"stopped {days} days ago", _with(tables, name, tables[name].filter(known < _back(days)))
        if not amounts:
            continue
        for factor, days in ((0, 7), (0, 28), (0, ALWAYS), (100, 7), (100, 28), (100, ALWAYS), (0.01, ALWAYS)):
            changed = [
                pl.when(known >= _back(days))
                .then((pl.col(c.name) * factor).cast(table.schema[c.name]))
                .otherwise(c.name)
                for c in amounts
            ]
            said = f"× {factor:g} {'always' if days == ALWAYS else f'for {days} days'}"
            yield name, said, _with(tables, name, tables[name].with_columns(changed))


def main(accounts: int = 600) -> None:
    with tempfile.TemporaryDirectory() as folder:
        simulate(Path(folder), accounts=accounts, months=48, seed=3, end=END, dirty=False)
        with open_source(folder) as source:
            tables = check(source).tables
    made_of = build(tables, spine(tables, snapshots(MADE - PERIOD * 20, MADE)))
    model = train(made_of, outcomes(tables, until=MADE))
    usual = baseline(tables, made_of, model)
    later = snapshots(MADE + PERIOD, END)
    for at in track(later, "months as they are", console=CONSOLE):
        alarms = feed_alarms(build(tables, spine(tables, [at])), tables, usual, model)
        for alarm in alarms:
            CONSOLE.print(f"{at:%Y-%m-%d} {alarm.severity}: {alarm.kind} {alarm.about}: {alarm.cause}", highlight=False)
    found: dict[str, list[tuple[str, str]]] = {}
    for name, fault, broken in track(list(faults(tables)), "planted faults", console=CONSOLE):
        try:
            matrix = build(broken, spine(broken, [NOW]))
        except UnusableData:  # there are no contracts
            matrix = made_of.clear()
        if matrix.is_empty():  # there is nobody to score, which is an error
            told = "held back"
        else:
            alarms = feed_alarms(matrix, broken, usual, model)
            told = "held back" if stops(alarms) else "warned" if alarms else "missed"
        found.setdefault(name, []).append((told, fault))
    shown = Grid("table", "faults", "held back", "only warned", "missed")
    for name, tried in found.items():
        by = {told: [fault for got, fault in tried if got == told] for told in ("held back", "warned", "missed")}
        shown.add_row(
            name, str(len(tried)), str(len(by["held back"])), ", ".join(by["warned"]), ", ".join(by["missed"])
        )
    CONSOLE.print(shown)
    held = sum(told == "held back" for tried in found.values() for told, _ in tried)
    CONSOLE.print(f"{held} of {sum(map(len, found.values()))} faults held the scores back")


def _back(days: int) -> datetime:
    return NOW - timedelta(days=days)


def _with(tables: Tables, name: str, frame: pl.LazyFrame) -> Tables:
    return replace(tables, frames={**tables.frames, name: frame})


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
