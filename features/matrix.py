"""The matrix: every signal of every row of a spine, as known at its `as_of`.

Per grid of snapshots: each event is put in its period once and added up per account and period; a panel of accounts by
periods takes the sums; windows are rolling sums over the panel; signals are expressions over windows and contract
facts. The cost is linear in events and nearly free in the number of snapshots.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import narwhals as nw
import polars as pl

from features.catalogue import SIGNALS
from features.contracts import in_force
from features.measures import Measure, Windowed, fed_column, latest_of_all, per_period, still_fed
from features.periods import PERIOD, PERIODS_A_YEAR, Lazy, calendar, grids, moment, panel_periods
from features.signal import Signal
from features.tables import Tables

YEAR = PERIOD * PERIODS_A_YEAR
CONTEXT = ("name", "segment", "region", "owner", "renewal_at", "term_days", "arr_in_force")
"""Columns of the matrix that describe a row and aren't signals."""


def build(
    tables: Tables,
    spine: pl.DataFrame,
    signals: Sequence[Signal] = SIGNALS,
    progress: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame:
    """One row per row of `spine` (account_id, as_of), with `CONTEXT` and one Float64 column per signal.

    Undefined is missing, never zero; a signal whose table the company doesn't have is missing everywhere.
    Rows come back sorted by as_of and account.
    """
    groups = grids(moment(at) for at in spine["as_of"].unique())
    parts = []
    for number, grid in enumerate(groups, 1):
        progress(f"signals, {len(grid)} snapshots" + (f" (grid {number} of {len(groups)})" if len(groups) > 1 else ""))
        rows = spine.filter(pl.col("as_of").is_in(grid))
        parts.append(_build_grid(tables, rows, signals))
    if not parts:
        parts = [_build_grid(tables, spine, ())]
    return pl.concat(parts).sort("as_of", "account_id")


def _build_grid(tables: Tables, spine: pl.DataFrame, signals: Sequence[Signal]) -> pl.DataFrame:
    grid = sorted(spine["as_of"].unique())
    made = [signal for signal in signals if all(table in tables for table in signal.tables)]
    windows = {window.column: window for signal in made for window in signal.measures}
    rows = _lazy(spine.select("account_id", "as_of"))
    rows = rows.join(_contract_facts(tables, grid), on=["account_id", "as_of"], how="left")
    rows = rows.join(_account_facts(tables), on="account_id", how="left")
    if windows and grid:
        panel = _panel(tables, spine.select("account_id").unique(), grid, windows.values())
        rows = rows.join(panel, on=["account_id", "as_of"], how="left")
    columns = [_value(signal) if signal in made else nw.lit(None, nw.Float64).alias(signal.name) for signal in signals]
    built: pl.LazyFrame = rows.select(
        "account_id", "as_of", *CONTEXT[:-1], nw.col("arr").alias("arr_in_force"), *columns
    ).to_native()
    return built.collect()


def _value(signal: Signal) -> nw.Expr:
    """The signal's value; missing where a feed it is made of had stopped."""
    value = signal.expression
    for table in dict.fromkeys(window.measure.table for window in signal.measures):
        value = nw.when(nw.col(fed_column(table))).then(value)
    return value.alias(signal.name)


def _contract_facts(tables: Tables, grid: Sequence[datetime]) -> Lazy:
    """Contract facts per account and snapshot, with the ARR of a year before as known now."""
    now = pl.DataFrame({"at": pl.Series(list(grid), dtype=pl.Datetime("us"))}).with_columns(known_by="at")
    ago = now.with_columns(at=pl.col("known_by") - YEAR)
    contracts = nw.from_native(tables["contracts"])
    facts = in_force(contracts, _lazy(now)).with_columns(
        as_of=nw.col("at"),
        tenure_days=(nw.col("at") - nw.col("customer_since")).dt.total_minutes() / 1440,
    )
    before = in_force(contracts, _lazy(ago)).select("account_id", "at", arr_364d_ago=nw.col("arr"))
    back = _lazy(ago.select("at", as_of=pl.col("known_by")))
    before = before.join(back, on="at", how="inner").drop("at")
    days = _lazy(_day_numbers(grid))
    return facts.drop("at").join(before, on=["account_id", "as_of"], how="left").join(days, on="as_of", how="left")


def _day_numbers(grid: Iterable[datetime]) -> pl.DataFrame:
    as_of = pl.Series("as_of", list(grid), dtype=pl.Datetime("us"))
    return pl.DataFrame({"as_of": as_of, "as_of_day": [float(at.toordinal()) for at in as_of]})


def _account_facts(tables: Tables) -> Lazy:
    return nw.from_native(tables["accounts"]).select("account_id", "name", "segment", "region", "owner")


def _panel(tables: Tables, accounts: pl.DataFrame, grid: Sequence[datetime], windows: Iterable[Windowed]) -> Lazy:
    """Accounts by periods with every window: account_id, as_of and a column per window."""
    wanted = list(windows)
    streams: dict[tuple[str, tuple[str, ...]], dict[str, Measure]] = defaultdict(dict)
    for window in wanted:
        streams[window.measure.stream][window.measure.name] = window.measure
    days = _lazy(calendar(grid))
    panel = _lazy(accounts).join(_lazy(panel_periods(grid)), how="cross")
    latest: dict[str, list[str]] = defaultdict(list)
    for number, ((table, _), measures) in enumerate(streams.items()):
        sums = per_period(nw.from_native(tables[table]), days, list(measures.values()))
        last_day = f"last_day_{number}"
        panel = panel.join(sums.rename({"last_day": last_day}), on=["account_id", "period"], how="left")
        panel = panel.with_columns(nw.col(m.name).fill_null(0.0) for m in measures.values() if m.how == "sum")
        latest[table].append(last_day)
    panel = panel.with_columns(latest_of_all(table, columns) for table, columns in latest.items())
    fed = [still_fed(table) for table in latest]
    windowed = panel.select("account_id", "as_of", "period", *(window.expression for window in wanted), *fed)
    return windowed.filter(nw.col("period") >= PERIODS_A_YEAR).drop("period")


def _lazy(frame: pl.DataFrame) -> Lazy:
    return nw.from_native(frame.lazy())
