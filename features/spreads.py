"""Medians, quantiles and distinct counts: what doesn't add up over periods.

Each row is repeated for the periods whose window it is in, and a window's rows are grouped once. The cost is rows times
the window's periods, so this is for small tables (tickets, engagements) and short windows.
"""

from collections.abc import Sequence

import narwhals as nw

from features.measures import Windowed, dated
from features.periods import PERIODS_A_YEAR, Lazy, cell


def spread(panel: Lazy, rows: Lazy, days: Lazy, offsets: Lazy, windows: Sequence[Windowed]) -> Lazy:
    """The windows of one stream and one length at every snapshot: `cell` and a column per window.

    `panel` has every cell, `rows` is a canonical table of numbered accounts, `days` a calendar of the grid, `offsets`
    the numbers 0 … length − 1 as `offset`.
    """
    values = dated(rows, days, windows[0].measure).with_columns(w.measure.value.alias(w.column) for w in windows)
    repeated = (
        values.select("account_id", "period", *(w.column for w in windows))
        .join(offsets, how="cross")
        .with_columns(period=nw.col("period") + nw.col("offset"))
        .filter(nw.col("period") >= PERIODS_A_YEAR)
        .with_columns(cell=cell())
    )
    made = repeated.group_by("cell").agg(*(window.over_rows.alias(window.column) for window in windows))
    everywhere = panel.filter(nw.col("period") >= PERIODS_A_YEAR).select("cell").join(made, on="cell", how="left")
    return everywhere.with_columns(
        nw.col(w.column).fill_null(0.0) if w.measure.how == "distinct" else nw.col(w.column) for w in windows
    )
