"""Measures: what is added up, per account and period, before signals are made of it.

A measure says which table, when a row counts (all of `at` have come to pass and were known) and what each row adds.
`measure.last(84)` and `measure.ever()` are that measure within a window; a signal is an expression over such columns.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

from features.periods import PERIOD_DAYS, Lazy, known_on
from features.tables import TABLES

_NEVER = -1e300
"""Below every value a measure can have; a running maximum would otherwise be null in periods without a row."""


@dataclass(frozen=True)
class Measure:
    """One number per account and period: the sum, or the largest, of `value` over the rows that count."""

    name: str
    table: str
    at: tuple[str, ...]
    value: nw.Expr
    how: Literal["sum", "max"] = "sum"

    def last(self, days: Literal[28, 84, 364]) -> "Windowed":
        """This measure over `(as_of − days, as_of]`."""
        return Windowed(self, days // PERIOD_DAYS)

    def ever(self) -> "Windowed":
        """This measure over everything known by `as_of`."""
        return Windowed(self, None)

    @property
    def stream(self) -> tuple[str, tuple[str, ...]]:
        """Measures of one stream are read and grouped in one pass."""
        return (self.table, self.at)


@dataclass(frozen=True)
class Windowed:
    """A measure within a window of whole periods; `periods` None is "ever"."""

    measure: Measure
    periods: int | None

    @property
    def column(self) -> str:
        """Name of its column in the panel."""
        return f"{self.measure.name}__{'ever' if self.periods is None else self.periods}"

    @property
    def expression(self) -> nw.Expr:
        """Its value per account and period of the panel, read from the per-period column."""
        column = nw.col(self.measure.name)
        if self.measure.how == "sum":
            over = column.cum_sum() if self.periods is None else column.rolling_sum(self.periods, min_samples=1)
            return over.over("account_id", order_by="period").cast(nw.Float64).alias(self.column)
        if self.periods is None:
            highest = column.fill_null(_NEVER).cum_max().over("account_id", order_by="period")
            return nw.when(highest > _NEVER).then(highest).alias(self.column)
        shifted = [column.shift(back).over("account_id", order_by="period") for back in range(self.periods)]
        return nw.max_horizontal(*shifted).alias(self.column)


def count(name: str, table: str, *at: str, where: nw.Expr | None = None) -> Measure:
    """How many rows, or how many of them where `where` holds; a row where it is unknown doesn't count."""
    value = nw.lit(1.0) if where is None else nw.when(where).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    return Measure(name, table, at, value)


def total(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The sum of `value`; a row without a value adds nothing."""
    return Measure(name, table, at, value.cast(nw.Float64))


def known(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """How many rows have a `value`: the denominator of its mean."""
    return count(name, table, *at, where=~value.is_null())


def peak(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The largest `value`; missing where there is none."""
    return Measure(name, table, at, value.cast(nw.Float64), "max")


def latest(name: str, table: str, *at: str, where: nw.Expr | None = None) -> Measure:
    """Day number of the latest row; missing where there is none. Its window is "ever"."""
    day = nw.col("day").cast(nw.Float64)
    return Measure(name, table, at, day if where is None else nw.when(where).then(day), "max")


def fed_column(table: str) -> str:
    """Name of the panel's column that says whether `table` was still being fed."""
    return f"{table}__fed"


def latest_of_all(table: str, latest_days: Sequence[str]) -> nw.Expr:
    """Per period of the panel: the latest day any account has a row of `table`.

    `latest_days` name the columns with the latest day of each account and period.
    """
    return nw.max_horizontal(*latest_days).max().over("period").fill_null(_NEVER).alias(fed_column(table))


def still_fed(table: str) -> nw.Expr:
    """Per account and period of the panel: whether the feed of `table` had not fallen silent by `as_of`.

    A table that normally has rows every few days and has had none for any account has stopped; its zeros would be
    lies. Reads what `latest_of_all` made.
    """
    silent_after = TABLES[table].silent_after
    if silent_after is None:
        return nw.lit(True).alias(fed_column(table))
    latest_day = nw.col(fed_column(table)).cum_max().over("account_id", order_by="period")
    return (nw.col("as_of_day") - latest_day <= silent_after).alias(fed_column(table))


def per_period(rows: Lazy, days: Lazy, measures: Sequence[Measure]) -> Lazy:
    """One row per account and period with the measures of one stream.

    `rows` is a canonical table, `days` a calendar of the grid; what becomes known after the last snapshot has no day
    in it and is gone.
    """
    table = TABLES[measures[0].table]
    at = measures[0].at
    whole_day = table.column(at[0]).type == "date"
    dated = (
        rows.filter(~nw.col("account_id").is_null())
        .with_columns(known_on=known_on(*at, whole_day=whole_day))
        .join(days, on="known_on", how="inner")
        .with_columns(measure.value.alias(measure.name) for measure in measures)
    )
    aggregate = [
        nw.col("day").cast(nw.Float64).max().alias("last_day"),
        *((nw.col(m.name).sum() if m.how == "sum" else nw.col(m.name).max()).alias(m.name) for m in measures),
    ]
    return dated.group_by("account_id", "period").agg(*aggregate)
