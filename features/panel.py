"""The panel: every account in every period of a grid, and the windows rolled over it.

An account's place in a period is one integer, its `cell` (`features.periods`). Accounts are numbered once, so that only
integers are grouped, joined and ordered; from there on `account_id` is that number.
"""

from collections.abc import Callable, Sequence
from typing import Any

import narwhals as nw

from features.measures import Windowed
from features.periods import PERIODS_A_YEAR, Lazy, cell


def numbered(accounts: Lazy) -> Lazy:
    """The different account_id of some rows, each with its `number`, in their order."""
    named = accounts.select("account_id").filter(~nw.col("account_id").is_null()).unique()
    rows = named.with_row_index("number", order_by="account_id")
    return rows.with_columns(number=nw.col("number").cast(nw.Int64))


def by_number(rows: Lazy, accounts: Lazy) -> Lazy:
    """The rows of the numbered `accounts`, with the number as their account_id."""
    return rows.join(accounts, on="account_id", how="inner").drop("account_id").rename({"number": "account_id"})


def cells(accounts: Lazy, periods: Lazy) -> Lazy:
    """Every account in every period: account_id, period, cell."""
    return accounts.join(periods.select("period"), how="cross").with_columns(cell=cell())


def rolled(panel: Lazy, sums: Lazy, windows: Sequence[Windowed]) -> Lazy:
    """The windows of one stream at every snapshot: `cell` and a column per window.

    `panel` has every cell, `sums` the stream's measures in the cells that have any.
    """
    rows, along = _in_order(panel.join(sums, on="cell", how="left"))
    so_far = {window.measure.name: window.measure.so_far for window in windows if window.needs_so_far}
    rows = rows.with_columns(_along_account(made) for made in so_far.values()) if so_far else rows
    made = rows.select("cell", "period", *(window.over_periods(along).alias(window.column) for window in windows))
    everywhere: Lazy = made.lazy()
    return everywhere.filter(nw.col("period") >= PERIODS_A_YEAR).drop("period")


def _in_order(panel: Lazy) -> tuple[Any, Callable[[nw.Expr], nw.Expr]]:
    """The panel, and how a shift by up to a year goes along an account's cells.

    Polars shifts whole columns of ordered cells, fifty times faster than account by account: from a snapshot, a year
    back is still the same account's.
    """
    if panel.implementation.is_polars():
        return panel.sort("cell").collect(), lambda shifted: shifted
    return panel, _along_account


def _along_account(expression: nw.Expr) -> nw.Expr:
    return expression.over("account_id", order_by="cell")
