"""The simulator's calendar: 28-day periods counted back from the day of the extract.

`bounds[p]` is the p-th `as_of`; period p is `(bounds[p − 1], bounds[p]]`. Days are `datetime64[D]`, moments
`datetime64[ms]`, both UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from features.errors import SettingsError
from features.periods import PERIOD_DAYS

Array: TypeAlias = npt.NDArray[Any]

REGIME_SHARE = 0.6

STREAMS = (
    "population",
    "health",
    "contracts",
    "usage",
    "milestones",
    "objectives",
    "engagements",
    "tickets",
    "surveys",
    "community_threads",
    "incidents",
    "invoices",
    "dirt",
)


@dataclass(frozen=True)
class Clock:
    """`periods` whole periods up to `end`; the regime changes after the first 60 % of them."""

    end: datetime
    periods: int

    @property
    def bounds(self) -> Array:
        """Days, shape (periods + 1,): the moments periods begin and end, oldest first."""
        back = np.arange(self.periods, -1, -1) * PERIOD_DAYS
        return np.datetime64(self.end, "D") - back.astype("timedelta64[D]")

    @property
    def regime(self) -> int:
        """Decisions taken from this bound on fall under the new regime."""
        return int(self.periods * REGIME_SHARE)


def clock(end: datetime, months: int) -> Clock:
    """The calendar of `months` months before `end`, 13 periods to 12 months, at least one period."""
    if end.tzinfo is not None or (end.hour, end.minute, end.second, end.microsecond) != (0, 0, 0, 0):
        raise SettingsError(f"end is {end.isoformat()}: give a midnight in UTC without a zone, e.g. 2026-01-01")
    return Clock(end, max(1, round(months * 13 / 12)))


def stream(seed: int, name: str) -> np.random.Generator:
    """The named random stream: one table's draws never shift another's."""
    return np.random.default_rng([seed, STREAMS.index(name)])


def add_months(days: Array, months: Array | int) -> Array:
    """Calendar months later; days of the month must be 28 or less."""
    first = days.astype("datetime64[M]")
    return np.asarray((first + np.asarray(months).astype("timedelta64[M]")).astype("datetime64[D]") + (days - first))


def seconds(amount: Array) -> Array:
    """A number of days, maybe fractional, as `timedelta64[ms]` of whole seconds."""
    return (np.round(np.asarray(amount) * 86_400) * 1000).astype("timedelta64[ms]")
