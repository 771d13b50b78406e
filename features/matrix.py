"""The matrix: every signal of every row of a spine, as known at its `as_of`.

Per grid of snapshots: each event is put in its period once and added up per account and period; a panel of accounts by
periods takes the sums; windows are rolling sums over the panel; signals are expressions over windows and contract
facts. The cost is linear in events and nearly free in the number of snapshots.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, overload

import narwhals as nw
import polars as pl

from features.catalogue import SIGNALS
from features.contracts import in_force
from features.engines import AnyTables, Frame, beside, like, moments, opened, plain_division, settled
from features.measures import Measure, Windowed, fed_column, per_period, with_feed
from features.periods import (
    PERIOD,
    PERIOD_DAYS,
    PERIODS_A_YEAR,
    Lazy,
    calendar,
    days_between,
    divided,
    grids,
    moment,
    panel_periods,
)
from features.signal import Signal
from features.spreads import per_window
from features.tables import Tables

YEAR = PERIOD * PERIODS_A_YEAR
_ROW = ["account_id", "as_of"]
CONTEXT = ("name", "segment", "region", "owner", "renewal_at", "term_days", "arr_in_force")
"""Columns of the matrix that describe a row and aren't signals."""


@overload
def build(
    tables: Tables | Mapping[str, pl.LazyFrame],
    spine: Any,
    signals: Sequence[Signal] = SIGNALS,
    progress: Callable[[str], None] = lambda _: None,
) -> pl.DataFrame: ...
@overload
def build(
    tables: Mapping[str, Frame],
    spine: Any,
    signals: Sequence[Signal] = SIGNALS,
    progress: Callable[[str], None] = lambda _: None,
) -> Frame: ...
@plain_division()
def build(
    tables: AnyTables,
    spine: Any,
    signals: Sequence[Signal] = SIGNALS,
    progress: Callable[[str], None] = lambda _: None,
) -> Any:
    """One row per row of `spine` (account_id, as_of), with `CONTEXT` and one Float64 column per signal.

    Undefined is missing, never zero; a signal whose table the company doesn't have is missing everywhere.
    Rows come back sorted by as_of and account, as the kind of frame the tables are: Polars (lazy ones give a computed
    frame), pandas, PyArrow, or a DuckDB relation or Spark frame not yet computed. Of these last two only the different
    `as_of` are read here.
    """
    rows = beside(opened(tables, "contracts"), spine).select("account_id", nw.col("as_of").cast(nw.Datetime("us")))
    parts = list(_parts(tables, rows, signals, progress))
    return like(tables["contracts"], nw.concat(parts).sort("as_of", "account_id"))


def _parts(tables: AnyTables, rows: Lazy, signals: Sequence[Signal], progress: Callable[[str], None]) -> Iterator[Lazy]:
    groups = grids(moment(at) for at in moments(rows, "as_of"))
    for number, grid in enumerate(groups, 1):
        part = f" (grid {number} of {len(groups)})" if len(groups) > 1 else ""
        progress(f"signals at {len(grid)} moment{'s' if len(grid) > 1 else ''}{part}")
        wanted = beside(rows, pl.DataFrame({"as_of": _times(grid)}))
        yield settled(_grid(tables, rows.join(wanted, on="as_of", how="inner"), grid, signals))
    if not groups:
        yield _grid(tables, rows, (), signals)


def _grid(tables: AnyTables, spine: Lazy, grid: Sequence[datetime], signals: Sequence[Signal]) -> Lazy:
    made = [signal for signal in signals if grid and all(table in tables for table in signal.tables)]
    windows = {window.column: window for signal in made for window in signal.measures}
    used = {part for signal in made for part in signal.of if isinstance(part, str)}
    facts = settled(_contract_facts(tables, grid, used))
    compared = any(signal.peers for signal in made)
    everyone = nw.concat([frame.select(*_ROW) for frame in (spine, facts)]).unique() if compared else spine
    rows = _with_account_facts(everyone.join(facts, on=_ROW, how="left"), tables)
    if windows:
        panel = _panel(tables, everyone.select("account_id").unique(), grid, windows.values())
        rows = rows.join(panel, on=_ROW, how="left")
    columns = [_value(signal) if signal in made else nw.lit(None, nw.Float64).alias(signal.name) for signal in signals]
    built = rows.select("account_id", "as_of", *CONTEXT[:-1], nw.col("arr").alias("arr_in_force"), *columns)
    return spine.join(built, on=_ROW, how="inner") if compared else built


def _value(signal: Signal) -> nw.Expr:
    """The signal's value; missing where a feed it is made of had stopped."""
    value = signal.expression
    for table in dict.fromkeys(window.measure.table for window in signal.measures):
        value = nw.when(nw.col(fed_column(table))).then(value)
    return value.alias(signal.name)


def _contract_facts(tables: AnyTables, grid: Sequence[datetime], used: Collection[str]) -> Lazy:
    """Contract facts per account and snapshot; where `used`, those of a year before as known now.

    `age_periods` is the tenure in whole periods; 13 stands for all from a year on.
    """
    contracts = opened(tables, "contracts")
    now = _times(grid)
    ago = _times(at - YEAR for at in grid)
    facts = in_force(contracts, beside(contracts, pl.DataFrame({"at": now, "known_by": now}))).with_columns(
        as_of=nw.col("at"),
        tenure_days=days_between(nw.col("customer_since"), nw.col("at")),
        days_to_renewal=days_between(nw.col("at"), nw.col("renewal_at")).clip(0.0, None),
    )
    facts = facts.with_columns(
        age_periods=divided(nw.col("tenure_days"), PERIOD_DAYS).floor().clip(None, PERIODS_A_YEAR)
    )
    day = pl.Series([float(at.toordinal()) for at in grid], dtype=pl.Float64)
    days = beside(contracts, pl.DataFrame({"as_of": now, "at": ago, "as_of_day": day}))
    facts = facts.drop("at").join(days.drop("at"), on="as_of", how="left")
    compared = [fact for fact in ("arr", "seats", "service_arr") if f"{fact}_364d_ago" in used]
    if not compared:
        return facts
    before = in_force(contracts, beside(contracts, pl.DataFrame({"at": ago, "known_by": now})))
    before = before.select("account_id", "at", *(nw.col(fact).alias(f"{fact}_364d_ago") for fact in compared))
    before = before.join(days.drop("as_of_day"), on="at", how="inner").drop("at")
    return facts.join(before, on=_ROW, how="left")


def _times(values: Iterable[datetime]) -> pl.Series:
    return pl.Series(list(values), dtype=pl.Datetime("us"))


def _with_account_facts(rows: Lazy, tables: AnyTables) -> Lazy:
    """`rows` with what describes the account, missing while it wasn't known."""
    facts = ("name", "segment", "region", "owner")
    accounts = opened(tables, "accounts").select("account_id", *facts, account_known_at=nw.col("available_at"))
    known = nw.col("account_known_at").is_null() | (nw.col("account_known_at") <= nw.col("as_of"))
    return rows.join(accounts, on="account_id", how="left").with_columns(
        nw.when(known).then(nw.col(fact)).alias(fact) for fact in facts
    )


def _panel(tables: AnyTables, accounts: Lazy, grid: Sequence[datetime], windows: Iterable[Windowed]) -> Lazy:
    """Accounts by periods with every window: account_id, as_of and a column per window."""
    wanted = list(windows)
    streams: dict[tuple[str, tuple[str, ...]], dict[str, Measure]] = defaultdict(dict)
    spreads: dict[tuple[tuple[str, tuple[str, ...]], int], list[Windowed]] = defaultdict(list)
    for window in wanted:
        if window.measure.adds_up:
            streams[window.measure.stream][window.measure.name] = window.measure
        elif window.periods is not None:
            spreads[window.measure.stream, window.periods].append(window)
    days = beside(accounts, calendar(grid))
    periods = beside(accounts, panel_periods(grid))
    fed = list(dict.fromkeys(window.measure.table for window in wanted))
    for table in fed:
        periods = with_feed(periods, opened(tables, table), days, table)
    panel = accounts.join(periods, how="cross")
    for (table, _), measures in streams.items():
        sums = per_period(opened(tables, table), days, list(measures.values()))
        panel = panel.join(sums, on=["account_id", "period"], how="left")
        panel = panel.with_columns(nw.col(m.name).fill_null(0.0) for m in measures.values() if m.how == "sum")
    for ((table, _), length), group in spreads.items():
        offsets = beside(accounts, pl.DataFrame({"offset": range(length)}))
        spread = per_window(opened(tables, table), days, offsets, group)
        panel = panel.join(spread, on=["account_id", "period"], how="left")
    feeds = [fed_column(table) for table in fed]
    windowed = panel.select("account_id", "as_of", "period", *(window.expression for window in wanted), *feeds)
    return windowed.filter(nw.col("period") >= PERIODS_A_YEAR).drop("period")
