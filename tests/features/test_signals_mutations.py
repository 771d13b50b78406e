"""Breaking the window rule is noticed: each mutant makes the matrix differ from the oracle."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import narwhals as nw
import polars as pl
import pytest

import features.matrix
import features.measures
from features.measures import known_on
from features.periods import calendar
from tests.features.small_company import random_company
from tests.features.test_signals_oracle import differences

ROWS = random_company(11, accounts=6, rows_each=25)
STALE = random_company(12, accounts=4, rows_each=25, silent=True)
MOMENTS = (datetime(2025, 6, 1), datetime(2025, 4, 6))

Patch = Callable[[pytest.MonkeyPatch], None]


def early_edge_counts(patch: pytest.MonkeyPatch) -> None:
    """`[as_of − window, as_of)`: what happens at a midnight belongs to the day it begins."""

    def mutant(*times: str, known: Any = ("available_at",), whole_day: bool = False) -> nw.Expr:
        if whole_day:
            return known_on(*times, known=known, whole_day=True)
        latest = nw.max_horizontal(*(nw.col(column) for column in (*times, *known))).cast(nw.Date)
        happened = ~nw.col(times[0]).is_null()
        for time in times[1:]:
            happened = happened & ~nw.col(time).is_null()
        return nw.when(happened).then(latest)

    patch.setattr(features.measures, "known_on", mutant)


def available_at_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(features.measures, "known_on", lambda *times, **given: known_on(*times, **{**given, "known": ()}))


def later_facts_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(features.measures, "known_on", lambda *times, **given: known_on(times[0], **given))


def one_period_off(patch: pytest.MonkeyPatch) -> None:
    def mutant(grid: Any) -> pl.DataFrame:
        return calendar(grid).with_columns(pl.max_horizontal(pl.col("period") - 1, 0).alias("period"))

    patch.setattr(features.matrix, "calendar", mutant)


def day_of_as_of_counts(patch: pytest.MonkeyPatch) -> None:
    def mutant(grid: Any) -> pl.DataFrame:
        return calendar(grid).with_columns(pl.col("known_on").dt.offset_by("1d"))

    patch.setattr(features.matrix, "calendar", mutant)


def windows_one_period_longer(patch: pytest.MonkeyPatch) -> None:
    real = features.measures.Windowed.over_periods

    def mutant(window: features.measures.Windowed, along: Any) -> nw.Expr:
        longer = window if window.periods is None else replace(window, periods=window.periods + 1)
        return real(longer, along)

    patch.setattr(features.measures.Windowed, "over_periods", mutant)


MUTANTS: tuple[Patch, ...] = (
    early_edge_counts,
    available_at_ignored,
    later_facts_ignored,
    one_period_off,
    day_of_as_of_counts,
    windows_one_period_longer,
)


def test_unbroken_there_is_no_difference() -> None:
    assert differences(ROWS, MOMENTS) == []


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_window_rule_differs_from_the_oracle(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    assert differences(ROWS, MOMENTS) != []


def test_zeros_of_a_feed_that_stopped_differ_from_the_oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    assert differences(STALE, (datetime(2025, 6, 1),)) == []
    fed = features.measures.fed_column
    monkeypatch.setattr(
        features.matrix,
        "with_feed",
        lambda periods, rows, days, table: periods.with_columns(nw.lit(True).alias(fed(table))),
    )
    assert differences(STALE, (datetime(2025, 6, 1),)) != []


def test_an_error_of_one_instant_is_seen() -> None:
    """The random rows do lie on the edges: on a midnight, and a microsecond after it."""
    opened = [row["opened_at"] for row in ROWS["tickets"]]
    assert any(at == datetime(at.year, at.month, at.day) for at in opened)
    assert any(at - datetime(at.year, at.month, at.day) == timedelta(microseconds=1) for at in opened)
