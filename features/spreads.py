"""Medians, quantiles and distinct counts: what doesn't add up over periods.

Each row is repeated for the periods whose window it is in, and a window's rows are grouped once. The cost is rows times
the window's periods, so this is for small tables (tickets, engagements) and short windows.
"""

from collections.abc import Sequence

import narwhals as nw

from features.measures import Windowed, dated
from features.periods import PERIODS_A_YEAR, Lazy


def per_window(rows: Lazy, days: Lazy, offsets: Lazy, windows: Sequence[Windowed]) -> Lazy:
    """One row per account and period with the windows of one stream and one length.

    `rows` is a canonical table, `days` a calendar of the grid, `offsets` the numbers 0 … length − 1 as `offset`.
    Columns: account_id, period, and each window under its own name.
    """
    values = dated(rows, days, windows[0].measure).with_columns(w.measure.value.alias(w.column) for w in windows)
    repeated = (
        values.select("account_id", "period", *(w.column for w in windows))
        .join(offsets, how="cross")
        .with_columns(period=nw.col("period") + nw.col("offset"))
        .filter(nw.col("period") >= PERIODS_A_YEAR)
    )
    return repeated.group_by("account_id", "period").agg(*(_aggregate(window) for window in windows))


def _aggregate(window: Windowed) -> nw.Expr:
    column = nw.col(window.column)
    if window.measure.how == "median":
        return column.median().alias(window.column)
    if window.measure.how == "p90":
        return column.quantile(0.9, interpolation="linear").alias(window.column)
    missing = nw.when(column.is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).max()
    return (column.n_unique() - missing).alias(window.column)
