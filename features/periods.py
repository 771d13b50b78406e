"""The one window rule: a signal's window is `(as_of − window, as_of]` on the moment an event became known.

Windows are whole periods of 28 days counted back from `as_of`, so snapshots that are a whole number of periods apart
share one grid: every event falls in exactly one period of the grid, is added up there once, and a window is a rolling
sum over 1, 3 or 13 periods. Events are put in periods by joining a small calendar, the one way that is the same on
every engine.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import narwhals as nw
import polars as pl

from features.errors import SettingsError

Lazy = nw.LazyFrame[Any]

PERIOD_DAYS = 28
PERIODS_A_YEAR = 13
PERIOD = timedelta(days=PERIOD_DAYS)
DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
"""The resolution of times."""
_OLDEST = datetime(1970, 1, 1)
_ROOM = 1_000
"""Periods that an account has room for in its cells: 76 years."""


def moment(value: date | datetime) -> datetime:
    """`value` as an `as_of`: a midnight, UTC, without a zone. SettingsError if it has a time of day or a zone."""
    at = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    if at.tzinfo is not None or at != datetime(at.year, at.month, at.day):
        raise SettingsError(f"as_of {at} must be a midnight in UTC without a zone: give a date, such as {at:%Y-%m-%d}")
    return at


def snapshots(first: datetime, last: datetime, every: int = PERIOD_DAYS) -> list[datetime]:
    """Every `every` days counted back from `last`, oldest first, not before `first`."""
    count = (last - first).days // every
    return [last - timedelta(days=every * k) for k in range(count, -1, -1)]


def known_on(*times: str, known: Sequence[str] = ("available_at",), whole_day: bool = False) -> nw.Expr:
    """The day at whose end, the next midnight, all of `times` have come to pass and were known; null until they have.

    What happens at a midnight is known at it, so it belongs to the day before. A row counts at `as_of` where
    `known_on < as_of`.

    `times` are time columns that must all be there; `known` are time columns that delay where they are there.
    `whole_day` is for a date that stands for its whole day, which is known when the day is over.
    """
    day = [nw.col(times[0])] if whole_day else []
    moments = [nw.col(column) for column in (*times[len(day) :], *known)]
    if moments:
        day.append((_latest(moments) - _INSTANT).cast(nw.Date))
    happened = ~nw.col(times[0]).is_null()
    for time in times[1:]:
        happened = happened & ~nw.col(time).is_null()
    return nw.when(happened).then(_latest(day))


def seconds_between(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Whole seconds from one time to another, negative where `end` is earlier; Float64.

    Times are read as numbers of a calendar's parts, which every engine has; differences of times not all of them can
    count. Fractions of a second are cut off both.
    """
    return _second_number(end) - _second_number(start)


def divided(value: nw.Expr, by: float) -> nw.Expr:
    """`value ÷ by`, correctly rounded; by a constant, Polars multiplies with the reciprocal in some frames, not all."""
    return value / (value * 0.0 + by)


def minutes_between(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Minutes from one time to another, to the second; Float64."""
    return divided(seconds_between(start, end), 60.0)


def days_between(start: nw.Expr, end: nw.Expr) -> nw.Expr:
    """Days from one time to another, to the second; Float64."""
    return divided(seconds_between(start, end), 86_400.0)


def grids(as_ofs: Iterable[datetime]) -> list[list[datetime]]:
    """Split snapshots into groups whose members are whole periods apart, each in order."""
    by_phase: dict[int, list[datetime]] = defaultdict(list)
    for as_of in sorted(set(as_ofs)):
        by_phase[as_of.toordinal() % PERIOD_DAYS].append(as_of)
    return list(by_phase.values())


def calendar(grid: Sequence[datetime]) -> pl.DataFrame:
    """Every day before the last snapshot as `known_on`, its `period`, and the `day` number of the midnight ending it.

    Period `p` of a snapshot holds what became known in `(as_of − 28 days, as_of]`. The panel begins 13 periods before
    the first snapshot; everything older shares period 0, which no window reaches but "ever" counts.
    """
    first, last = grid[0], grid[-1]
    midnights = [last - DAY * back for back in range((last - _OLDEST).days)]
    return pl.DataFrame(
        {
            "known_on": [(midnight - DAY).date() for midnight in midnights],
            "period": [max(0, PERIODS_A_YEAR + _periods_between(first, midnight)) for midnight in midnights],
            "day": [midnight.toordinal() for midnight in midnights],
        }
    )


def panel_periods(grid: Sequence[datetime]) -> pl.DataFrame:
    """All periods of the panel with their end, `as_of`, oldest first."""
    first, last = grid[0], grid[-1]
    count = PERIODS_A_YEAR + _periods_between(first, last) + 1
    ends = [first + PERIOD * (period - PERIODS_A_YEAR) for period in range(count)]
    return pl.DataFrame(
        {
            "period": range(count),
            "as_of": pl.Series(ends, dtype=pl.Datetime("us")),
            "as_of_day": [end.toordinal() for end in ends],
        }
    )


def cell() -> nw.Expr:
    """The place of `account_id`, a number, in `period`, as one integer: those of an account lie side by side."""
    return nw.col("account_id") * _ROOM + nw.col("period")


def _periods_between(first: datetime, midnight: datetime) -> int:
    """How many periods after the snapshot `first` the period that ends at or after `midnight` ends."""
    return -((first - midnight).days // PERIOD_DAYS)


def _latest(times: Sequence[nw.Expr]) -> nw.Expr:
    return nw.max_horizontal(*times) if len(times) > 1 else times[0]


def _second_number(time: nw.Expr) -> nw.Expr:
    """Seconds since the first day of year 1 began, as `datetime.toordinal` counts days."""
    part = time.dt
    years = part.year().cast(nw.Int64) - 1
    days = years * 365 + years // 4 - years // 100 + years // 400 + part.ordinal_day().cast(nw.Int64)
    hours = days * 24 + part.hour().cast(nw.Int64)
    return ((hours * 60 + part.minute().cast(nw.Int64)) * 60 + part.second().cast(nw.Int64)).cast(nw.Float64)
