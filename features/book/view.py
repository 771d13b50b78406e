"""What of the tables was known at a moment: the only way book measures read them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

import polars as pl

from features.book.stretches import customers, standing, stretches
from features.periods import DAY, PERIOD, PERIODS_A_YEAR
from features.tables import TABLES, Tables

YEAR = PERIOD * PERIODS_A_YEAR
QUARTER = PERIOD * 3


@dataclass(frozen=True)
class View:
    """The tables at `as_of` (midnight, UTC without a zone).

    `then` and `now` are the contracts that counted 364 days before and at `as_of`, both as known at `as_of`: the book
    of a year ago with what was learnt later about it, so that a renewal booked late is no new customer.
    """

    tables: Tables
    as_of: datetime
    grace_days: int

    @cached_property
    def history(self) -> pl.DataFrame:
        """Every stretch of every contract known by `as_of`."""
        return stretches(self.tables["contracts"], self.as_of)

    @cached_property
    def then(self) -> pl.DataFrame:
        """The contracts that counted a year (364 days) before `as_of`."""
        return standing(self.history, self.as_of - YEAR, self.as_of, self.grace_days)

    @cached_property
    def now(self) -> pl.DataFrame:
        """The contracts that count at `as_of`."""
        return standing(self.history, self.as_of, self.as_of, self.grace_days)

    @cached_property
    def customers(self) -> pl.DataFrame:
        """The customers at `as_of`: account_id, arr, seats."""
        return customers(self.now)

    def rows(
        self, table: str, *at: str, window: timedelta | None = None, before: timedelta = PERIOD * 0
    ) -> pl.LazyFrame:
        """The rows of `table` of which all of `at` had come to pass and were known within the window.

        The window is `(end − window, end]` with `end = as_of − before`; without `window`, all that was known by then.
        """
        end = self.as_of - before
        known = self._known_at(table, at)
        rows = self.tables[table].filter(*(pl.col(time).is_not_null() for time in at)).filter(known <= end)
        return rows if window is None else rows.filter(known > end - window)

    def of_customers(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """The rows that belong to accounts that are customers at `as_of`."""
        return rows.join(self.customers.lazy().select("account_id"), on="account_id", how="semi")

    def fed(self, table: str) -> bool:
        """Whether `table` is there and had not fallen silent for longer than its `silent_after` at `as_of`."""
        if table not in self.tables:
            return False
        declared = TABLES[table]
        if declared.silent_after is None or declared.time is None:
            return True
        known = self._known_at(table, (declared.time,))
        latest = self.rows(table, declared.time).select(known.max()).collect().item()
        return latest is not None and self.as_of - latest <= declared.silent_after * DAY

    def _known_at(self, table: str, at: tuple[str, ...]) -> pl.Expr:
        first = pl.col(at[0]).cast(pl.Datetime("us"))
        if TABLES[table].column(at[0]).type == "date":
            first = first + DAY
        return pl.max_horizontal(first, *at[1:], "available_at")
