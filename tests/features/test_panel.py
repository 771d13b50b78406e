"""Windows over ordered cells, as Polars shifts them, are bit for bit those made account by account."""

import duckdb
import narwhals as nw
import numpy as np
import polars as pl
import pytest

from features.catalogue import SIGNALS
from features.engines import Lazy, lazy, local
from features.measures import Measure, Windowed
from features.panel import by_number, cells, numbered, rolled
from features.periods import cell

PERIODS = pl.LazyFrame({"period": range(17)})
COLUMNS = {window.column: window for signal in SIGNALS for window in signal.measures if window.measure.adds_up}


def made(panel: Lazy, sums: Lazy, windows: list[Windowed]) -> pl.DataFrame:
    found = local(rolled(panel, sums, windows)).sort("cell")
    return found.select("cell", pl.exclude("cell").cast(pl.Float64))


@pytest.mark.parametrize("seed", range(3))
def test_shifting_whole_columns_is_shifting_account_by_account(seed: int) -> None:
    draw = np.random.default_rng(seed)
    panel = local(cells(lazy(pl.LazyFrame({"account_id": [0, 1, 2, 7]})), lazy(PERIODS)))
    windows = list(COLUMNS.values())
    names = dict.fromkeys(window.measure.name for window in windows)
    sums = panel.select("cell", **{n: pl.Series(draw.integers(-(10**6), 10**9, panel.height) * 1.0) for n in names})
    sums = sums.sample(fraction=0.6, shuffle=True, seed=seed)
    with duckdb.connect() as connection:
        portable = made(*(lazy(connection.from_arrow(frame.to_arrow())) for frame in (panel, sums)), windows)
    assert made(lazy(panel.lazy()), lazy(sums.lazy()), windows).equals(portable)
    assert portable.height == 4 * 4


def test_a_window_begins_at_its_period_and_never_in_another_account() -> None:
    measure = Measure("m", "tickets", ("opened_at",), nw.lit(1.0))
    panel = cells(lazy(pl.LazyFrame({"account_id": [0, 1]})), lazy(PERIODS))
    sums = lazy(local(panel).select("cell", m=10.0 ** (pl.col("account_id") * 8) * 1.0).lazy())
    found = made(panel, sums, [measure.last(28), measure.last(364), measure.ever()])
    first = [(13, 1.0, 13.0, 14.0), (14, 1.0, 13.0, 15.0), (15, 1.0, 13.0, 16.0), (16, 1.0, 13.0, 17.0)]
    second = [(at + 1000, *(value * 1e8 for value in values)) for at, *values in first]
    assert found.rows() == first + second


def test_accounts_are_numbered_in_order_and_the_others_are_left_out() -> None:
    accounts = numbered(lazy(pl.LazyFrame({"account_id": ["b", None, "a", "b"]})))
    assert sorted(local(accounts).select("account_id", "number").rows()) == [("a", 0), ("b", 1)]
    rows = lazy(pl.LazyFrame({"account_id": ["b", "c", "a"], "period": [3, 4, 5]}))
    assert sorted(local(by_number(rows, accounts).select(cell=cell()))["cell"]) == [5, 1003]
