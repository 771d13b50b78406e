"""Availability: was the product there when the customer needed it?"""

import narwhals as nw

from features.measures import count, total
from features.periods import minutes_between
from features.signal import Signal, itself

_TABLE = "incidents"
_OUTAGES = count("outages", _TABLE, "started_at")
_MINUTES = total(
    "outage_minutes",
    _TABLE,
    "started_at",
    "ended_at",
    value=minutes_between(nw.col("started_at"), nw.col("ended_at")),
)

SIGNALS = (
    Signal(
        "outages_84d",
        "availability",
        "incidents",
        "Outages felt in the last twelve weeks",
        (_OUTAGES.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "minutes_down_84d",
        "availability",
        "minutes",
        "Minutes of the outages that ended in the last twelve weeks",
        (_MINUTES.last(84),),
        itself,
        direction=-1,
    ),
)
