"""Measures: what is added up, per account and period, before signals are made of it.

A measure says which table, when a row counts (all of `at` have come to pass and were known) and what each row adds.
`measure.last(84)` and `measure.ever()` are that measure within a window; a signal is an expression over such columns.
Sums, largest and smallest values add up over periods; medians, quantiles and distinct counts don't, and are taken over
the rows of each window at once (`features.spreads`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import narwhals as nw

from features.periods import PERIOD_DAYS, Lazy, cell, divided, known_on
from features.tables import TABLES

How = Literal["sum", "max", "min", "median", "p90", "distinct"]
Days = Literal[28, 84, 168, 364]

_NEVER = -1e300
"""Below every value a measure can have; a running maximum would otherwise be null in periods without a row."""
MILLION = 1e6


@dataclass(frozen=True)
class Measure:
    """One number per account and window made of `value` over the rows that count; `how` says in which way.

    A sum is added up in `scale` units to one, and divided by it in the end.
    """

    name: str
    table: str
    at: tuple[str, ...]
    value: nw.Expr
    how: How = "sum"
    scale: float = 1.0

    def last(self, days: Days) -> "Windowed":
        """This measure over `(as_of − days, as_of]`."""
        return Windowed(self, days // PERIOD_DAYS)

    def ever(self) -> "Windowed":
        """This measure over everything known by `as_of`. ValueError for one that doesn't add up."""
        if not self.adds_up:
            raise ValueError(f"{self.name}: a {self.how} needs a window")
        return Windowed(self, None)

    @property
    def stream(self) -> tuple[str, tuple[str, ...]]:
        """Measures of one stream are read and grouped in one pass."""
        return (self.table, self.at)

    @property
    def adds_up(self) -> bool:
        """Whether a window's value follows from its periods' values."""
        return self.how in ("sum", "max", "min")

    @property
    def so_far_column(self) -> str:
        """Name of the panel's column of `so_far`."""
        return f"{self.name}__so_far"

    @property
    def so_far(self) -> nw.Expr:
        """Its value over all periods up to each, of its column per period, to be run along an account's periods."""
        column = nw.col(self.name)
        if self.how == "sum":
            return column.fill_null(0.0).cum_sum().alias(self.so_far_column)
        if self.how == "min":
            return column.fill_null(-_NEVER).cum_min().alias(self.so_far_column)
        return column.fill_null(_NEVER).cum_max().alias(self.so_far_column)


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
    def needs_so_far(self) -> bool:
        """Whether it is made of its measure's column `so_far`."""
        return self.measure.how == "sum" or self.periods is None

    def over_periods(self, along: Callable[[nw.Expr], nw.Expr]) -> nw.Expr:
        """Its value in a period, of its measure's columns in that and earlier periods; `along` shifts by account."""
        column, so_far = nw.col(self.measure.name), nw.col(self.measure.so_far_column)
        if self.measure.how == "sum":
            whole = so_far if self.periods is None else so_far - along(so_far.shift(self.periods))
            return whole if self.measure.scale == 1.0 else divided(whole, self.measure.scale)
        if self.periods is None:
            any_row = so_far < -_NEVER if self.measure.how == "min" else so_far > _NEVER
            return nw.when(any_row).then(so_far)
        values = [column, *(along(column.shift(back)) for back in range(1, self.periods))]
        if len(values) == 1:
            return column
        return nw.max_horizontal(*values) if self.measure.how == "max" else nw.min_horizontal(*values)

    @property
    def over_rows(self) -> nw.Expr:
        """Its value over all the rows of the window, for one that doesn't add up."""
        column = nw.col(self.column)
        if self.measure.how == "median":
            return column.median()
        if self.measure.how == "p90":
            return column.quantile(0.9, interpolation="linear")
        missing = nw.when(column.is_null()).then(nw.lit(1)).otherwise(nw.lit(0)).max()
        return (column.n_unique() - missing).cast(nw.Float64)


def millionths(value: nw.Expr) -> nw.Expr:
    """`value` in whole millionths, whose sums up to 9 · 10⁹ are exact: the same bits in any order, on every engine."""
    return (value.cast(nw.Float64) * MILLION + 0.5).floor()


def count(name: str, table: str, *at: str, where: nw.Expr | None = None) -> Measure:
    """How many rows, or how many of them where `where` holds; a row where it is unknown doesn't count."""
    value = nw.lit(1.0) if where is None else nw.when(where).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    return Measure(name, table, at, value)


def total(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The sum of whole numbers (people, seconds); a row without a value adds nothing."""
    return Measure(name, table, at, value.cast(nw.Float64))


def amount(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The sum of numbers with a fraction (money, scores, weights), to the millionth; a row without one adds nothing."""
    return Measure(name, table, at, millionths(value), scale=MILLION)


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


def earliest(name: str, table: str, *at: str, where: nw.Expr) -> Measure:
    """Day number of the first row where `where` holds; missing where there is none. Its window is "ever"."""
    return Measure(name, table, at, nw.when(where).then(nw.col("day").cast(nw.Float64)), "min")


def median(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The middle `value` of a window, half way between the middle two; missing where there is none."""
    return Measure(name, table, at, value.cast(nw.Float64), "median")


def p90(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """The `value` that nine in ten of a window don't exceed, linear between neighbours; missing where there is none."""
    return Measure(name, table, at, value.cast(nw.Float64), "p90")


def distinct(name: str, table: str, *at: str, value: nw.Expr) -> Measure:
    """How many different values a window has."""
    return Measure(name, table, at, value, "distinct")


def fed_column(table: str) -> str:
    """Name of the panel's column that says whether `table` was still being fed."""
    return f"{table}__fed"


def with_feed(periods: Lazy, rows: Lazy, days: Lazy, table: str) -> Lazy:
    """The panel's periods with whether the feed of `table` had not fallen silent by their end.

    A table that normally has rows every few days and has had none for any account has stopped; its zeros would be
    lies. `rows` is the canonical table, `days` a calendar of the grid.
    """
    column, time, silent_after = fed_column(table), TABLES[table].time, TABLES[table].silent_after
    if silent_after is None or time is None:
        return periods.with_columns(nw.lit(True).alias(column))
    whole_day = TABLES[table].column(time).type == "date"
    latest = (
        rows.filter(~nw.col("account_id").is_null())
        .select(known_on=known_on(time, whole_day=whole_day))
        .unique()
        .join(days, on="known_on", how="inner")
        .group_by("period")
        .agg(nw.col("day").cast(nw.Float64).max().alias(column))
    )
    latest_day = nw.col(column).fill_null(_NEVER).cum_max().over(order_by="period")
    return periods.join(latest, on="period", how="left").with_columns(
        (nw.col("as_of_day") - latest_day <= silent_after).alias(column)
    )


def per_period(rows: Lazy, days: Lazy, measures: Sequence[Measure]) -> Lazy:
    """One row per `cell` with the measures of one stream.

    `rows` is a canonical table of numbered accounts, `days` a calendar of the grid; what becomes known after the last
    snapshot has no day in it and is gone.
    """
    named = {measure.name: measure for measure in measures}.values()
    values = dated(rows, days, measures[0]).with_columns(measure.value.alias(measure.name) for measure in named)
    return values.with_columns(cell=cell()).group_by("cell").agg(*(_aggregate(measure) for measure in named))


def dated(rows: Lazy, days: Lazy, measure: Measure) -> Lazy:
    """The rows that count for `measure` with the `period` and the `day` they became known in."""
    table, at = TABLES[measure.table], measure.at
    known = known_on(*at, whole_day=table.column(at[0]).type == "date")
    return rows.with_columns(known_on=known).join(days, on="known_on", how="inner")


def _aggregate(measure: Measure) -> nw.Expr:
    column = nw.col(measure.name)
    by_how = {"sum": column.sum(), "max": column.max(), "min": column.min()}
    return by_how[measure.how].alias(measure.name)
