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
_OLDEST = datetime(1970, 1, 1)


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
    """The first midnight by which all of `times` have come to pass and were known; null while any hasn't happened.

    `times` are time columns that must all be there; `known` are time columns that delay where they are there.
    `whole_day` is for a date that stands for its whole day, which is known when the day is over.
    """
    first = nw.col(times[0]).cast(nw.Datetime("us"))
    events = [first.dt.offset_by("1d") if whole_day else first, *(nw.col(time) for time in times[1:])]
    latest = nw.max_horizontal(*events, *(nw.col(column) for column in known))
    midnight = latest.dt.truncate("1d")
    up = nw.when(midnight == latest).then(midnight).otherwise(midnight.dt.offset_by("1d"))
    happened = ~events[0].is_null()
    for event in events[1:]:
        happened = happened & ~event.is_null()
    return nw.when(happened).then(up)


def grids(as_ofs: Iterable[datetime]) -> list[list[datetime]]:
    """Split snapshots into groups whose members are whole periods apart, each in order."""
    by_phase: dict[int, list[datetime]] = defaultdict(list)
    for as_of in sorted(set(as_ofs)):
        by_phase[as_of.toordinal() % PERIOD_DAYS].append(as_of)
    return list(by_phase.values())


def calendar(grid: Sequence[datetime]) -> pl.DataFrame:
    """Every midnight up to the last snapshot: `known_on`, its `period` and its `day` number.

    Period `p` of a snapshot holds what became known in `(as_of − 28 days, as_of]`. The panel begins 13 periods before
    the first snapshot; everything older shares period 0, which no window reaches but "ever" counts.
    """
    first, last = grid[0], grid[-1]
    days = (last - _OLDEST).days
    known = [last - DAY * back for back in range(days)]
    return pl.DataFrame(
        {
            "known_on": pl.Series(known, dtype=pl.Datetime("us")),
            "period": [max(0, PERIODS_A_YEAR + _periods_between(first, midnight)) for midnight in known],
            "day": [midnight.toordinal() for midnight in known],
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


def _periods_between(first: datetime, midnight: datetime) -> int:
    """How many periods after the snapshot `first` the period that ends at or after `midnight` ends."""
    return -((first - midnight).days // PERIOD_DAYS)
