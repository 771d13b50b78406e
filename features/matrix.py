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
from features.contracts import FACTS, in_force
from features.engines import AnyTables, Frame, beside, like, moments, opened, plain_division, settled
from features.measures import Windowed, fed_column, per_period, with_feed
from features.panel import by_number, cells, numbered, rolled
from features.periods import (
    PERIOD,
    PERIOD_DAYS,
    PERIODS_A_YEAR,
    Lazy,
    calendar,
    cell,
    days_between,
    divided,
    grids,
    moment,
    panel_periods,
)
from features.signal import Signal
from features.spreads import spread
from features.tables import Tables

YEAR = PERIOD * PERIODS_A_YEAR
_ROW = ["account_id", "as_of"]
_ANY = datetime(2000, 1, 1)
"""Stands for a snapshot where there is none, so that a matrix without rows has all its columns."""
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
    parts = list(_parts(tables, settled(rows), signals, progress))
    return like(tables["contracts"], nw.concat(parts).sort("as_of", "account_id"))


def _parts(tables: AnyTables, rows: Lazy, signals: Sequence[Signal], progress: Callable[[str], None]) -> Iterator[Lazy]:
    made = [signal for signal in signals if all(table in tables for table in signal.tables)]
    missing = [nw.lit(None, nw.Float64).alias(signal.name) for signal in signals if signal not in made]
    known = rows.select("account_id")
    if any(signal.peers for signal in made):
        known = nw.concat([known, opened(tables, "contracts").select("account_id")])
    accounts = settled(numbered(known))
    groups = grids(moment(at) for at in moments(rows, "as_of"))
    for number, grid in enumerate(groups or [[_ANY]], 1):
        part = f" (grid {number} of {len(groups)})" if len(groups) > 1 else ""
        progress(f"signals at {len(grid)} moment{'s' if len(grid) > 1 else ''}{part}")
        built = _grid(tables, rows, accounts, grid, made).with_columns(nw.col("account_id"), *missing)
        yield settled(built.select(*_ROW, *CONTEXT, *(signal.name for signal in signals)))


def _grid(tables: AnyTables, spine: Lazy, accounts: Lazy, grid: Sequence[datetime], signals: Sequence[Signal]) -> Lazy:
    """The rows of `spine` at snapshots whole periods apart; before the last join account_id is a number."""
    windows = {window.column: window for signal in signals for window in signal.measures}.values()
    used = {part for signal in signals for part in signal.of if isinstance(part, str)}
    days = beside(accounts, calendar(grid))
    periods = beside(accounts, panel_periods(grid))
    for table in dict.fromkeys(window.measure.table for window in windows):
        periods = with_feed(periods, opened(tables, table), days, table)
    periods = settled(periods)
    snapshots = periods.filter(nw.col("period") >= PERIODS_A_YEAR)
    asked = _with_cell(by_number(spine, accounts), snapshots)
    facts = settled(_with_cell(_contract_facts(tables, accounts, grid, used), snapshots))
    compared = any(signal.peers for signal in signals)
    keys = (*_ROW, "cell")
    rows = nw.concat([asked.select(*keys), facts.select(*keys)]).unique() if compared else asked
    panel = settled(cells(rows.select("account_id").unique(), periods))
    rows = rows.join(facts.drop(*_ROW), on="cell", how="left")
    rows = rows.join(snapshots.drop("period", "as_of_day"), on="as_of", how="inner")
    rows = _with_account_facts(rows, by_number(opened(tables, "accounts"), accounts))
    parts = [settled(part) for part in _windows(tables, accounts, days, panel, windows)]
    rows = rows.join(_side_by_side(parts), on="cell", how="left") if parts else rows
    described = nw.col(*CONTEXT[:-1]), nw.col("arr").alias("arr_in_force")
    built = rows.select("as_of", "cell", *described, *(_value(signal) for signal in signals), number="account_id")
    built = asked.select("cell").join(built, on="cell", how="inner") if compared else built
    return built.join(accounts, on="number", how="inner")


def _with_cell(rows: Lazy, snapshots: Lazy) -> Lazy:
    placed = rows.join(snapshots.select("as_of", "period"), on="as_of", how="inner")
    return placed.with_columns(cell=cell()).drop("period")


def _value(signal: Signal) -> nw.Expr:
    """The signal's value; missing where a feed it is made of had stopped."""
    value = signal.expression
    for table in dict.fromkeys(window.measure.table for window in signal.measures):
        value = nw.when(nw.col(fed_column(table))).then(value)
    return value.alias(signal.name)


def _contract_facts(tables: AnyTables, accounts: Lazy, grid: Sequence[datetime], used: Collection[str]) -> Lazy:
    """Contract facts per account and snapshot, those `used` and the context's; with `_364d_ago`, as known now.

    `age_periods` is the tenure in whole periods; 13 stands for all from a year on.
    """
    contracts = by_number(opened(tables, "contracts"), accounts)
    now, ago = _times(grid), _times(at - YEAR for at in grid)
    day = pl.Series([float(at.toordinal()) for at in grid], dtype=pl.Float64)
    days = beside(contracts, pl.DataFrame({"as_of": now, "at": ago, "as_of_day": day}))
    wanted = {*used, "arr", "renewal_at", "term_days", "customer_since"}
    facts = in_force(contracts, beside(contracts, pl.DataFrame({"at": now, "known_by": now})), wanted)
    facts = facts.rename({"at": "as_of"}).with_columns(
        tenure_days=days_between(nw.col("customer_since"), nw.col("as_of")),
        days_to_renewal=days_between(nw.col("as_of"), nw.col("renewal_at")).clip(0.0, None),
    )
    age = divided(nw.col("tenure_days"), PERIOD_DAYS).floor().clip(None, PERIODS_A_YEAR)
    facts = facts.with_columns(age_periods=age).join(days.drop("at"), on="as_of", how="left")
    compared = [fact for fact in FACTS if f"{fact}_364d_ago" in used]
    if not compared:
        return facts
    before = in_force(contracts, beside(contracts, pl.DataFrame({"at": ago, "known_by": now})), compared)
    before = before.rename({fact: f"{fact}_364d_ago" for fact in compared})
    before = before.join(days.drop("as_of_day"), on="at", how="inner").drop("at")
    return facts.join(before, on=_ROW, how="left")


def _times(values: Iterable[datetime]) -> pl.Series:
    return pl.Series(list(values), dtype=pl.Datetime("us"))


def _with_account_facts(rows: Lazy, accounts: Lazy) -> Lazy:
    """`rows` with what describes the account, missing while it wasn't known."""
    facts = ("name", "segment", "region", "owner")
    described = accounts.select("account_id", *facts, account_known_at=nw.col("available_at"))
    known = nw.col("account_known_at").is_null() | (nw.col("account_known_at") <= nw.col("as_of"))
    return rows.join(described, on="account_id", how="left").with_columns(
        nw.when(known).then(nw.col(fact)).alias(fact) for fact in facts
    )


def _windows(tables: AnyTables, accounts: Lazy, days: Lazy, panel: Lazy, windows: Iterable[Windowed]) -> Iterator[Lazy]:
    """The windows of each stream at every snapshot, by cell."""
    streams: dict[tuple[str, tuple[str, ...]], list[Windowed]] = defaultdict(list)
    spreads: dict[tuple[tuple[str, tuple[str, ...]], int], list[Windowed]] = defaultdict(list)
    for window in windows:
        if window.measure.adds_up:
            streams[window.measure.stream].append(window)
        elif window.periods is not None:
            spreads[window.measure.stream, window.periods].append(window)
    for (table, _), group in streams.items():
        sums = per_period(by_number(opened(tables, table), accounts), days, [window.measure for window in group])
        yield rolled(panel, sums, group)
    for ((table, _), length), group in spreads.items():
        offsets = beside(accounts, pl.DataFrame({"offset": range(length)}))
        yield spread(panel, by_number(opened(tables, table), accounts), days, offsets, group)


def _side_by_side(parts: Sequence[Lazy]) -> Lazy:
    """The columns of parts that have the same cells; joined in halves, so that a column is copied few times."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return _side_by_side(parts[:half]).join(_side_by_side(parts[half:]), on="cell", how="inner")
