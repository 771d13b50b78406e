"""Availability: was the product there when the customer needed it?"""

import narwhals as nw

from features.measures import count, latest, total
from features.periods import divided, seconds_between
from features.signal import Signal, days_since, itself, less

_TABLE = "incidents"
_ALL = count("outages", _TABLE, "started_at")
_SEVERE = count("outages_severe", _TABLE, "started_at", where=nw.col("severity") <= 2)
_ENDED = count("outages_ended", _TABLE, "started_at", "ended_at")
_SECONDS = total(
    "outage_seconds", _TABLE, "started_at", "ended_at", value=seconds_between(nw.col("started_at"), nw.col("ended_at"))
)
_LAST = latest("outage_last_day", _TABLE, "started_at")


def _availability(seconds: nw.Expr) -> nw.Expr:
    return (1.0 - divided(seconds, 364.0 * 86_400.0)).clip(0.0, 1.0)


SIGNALS = (
    Signal(
        "outages_84d",
        "availability",
        "incidents",
        "Outages felt in the last twelve weeks",
        (_ALL.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "severe_outages_84d",
        "availability",
        "incidents",
        "Outages of severity 1 or 2 felt in the last twelve weeks",
        (_SEVERE.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "open_outages",
        "availability",
        "incidents",
        "Outages that are still on",
        (
            _ALL.ever(),
            _ENDED.ever(),
        ),
        less,
        direction=-1,
    ),
    Signal(
        "minutes_down_84d",
        "availability",
        "minutes",
        "Minutes of the outages that ended in the last twelve weeks",
        (_SECONDS.last(84),),
        lambda seconds: divided(seconds, 60.0),
        direction=-1,
    ),
    Signal(
        "availability_364d",
        "availability",
        "share",
        "Share of the last year in which the product was up, by the outages that ended in it",
        (_SECONDS.last(364),),
        _availability,
        direction=1,
        upper=1,
    ),
    Signal(
        "days_since_outage",
        "availability",
        "days",
        "Days since the last outage began",
        (
            _LAST.ever(),
            "as_of_day",
        ),
        days_since,
        direction=1,
    ),
)
