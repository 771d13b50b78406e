"""Adoption: is what was bought being used?"""

import narwhals as nw

from features.measures import count, latest, peak, total
from features.signal import Signal, days_since, if_any, share

_TABLE = "usage_daily"
_DAYS = count("usage_days", _TABLE, "date", where=nw.col("events").fill_null(1) > 0)
_PEOPLE = peak("usage_people", _TABLE, "date", value=nw.col("active_users"))
_PERSON_DAYS = total("usage_person_days", _TABLE, "date", value=nw.col("active_users"))
_ADVANCED_DAYS = total("usage_advanced_person_days", _TABLE, "date", value=nw.col("advanced_users"))
_BREADTH = peak("usage_breadth", _TABLE, "date", value=nw.col("features_used"))
_LAST = latest("usage_last_day", _TABLE, "date", where=nw.col("events").fill_null(1) > 0)


def _adopted(people: nw.Expr, seats: nw.Expr, ever: nw.Expr) -> nw.Expr:
    used = nw.when(people.is_null()).then(nw.lit(0.0)).otherwise(people)
    return nw.when((seats > 0) & (ever > 0)).then((used / seats).clip(0.0, 1.0))


def _trend(recent: nw.Expr, longer: nw.Expr) -> nw.Expr:
    before = (longer - recent) / 2
    return nw.when(longer > 0).then((recent - before) / (recent + before))


SIGNALS = (
    Signal(
        "licences_adopted_28d",
        "adoption",
        "share",
        "Share of the seats bought that were in use on the busiest day of the last four weeks",
        (_PEOPLE.last(28), "seats", _DAYS.ever()),
        _adopted,
        direction=1,
        upper=1,
    ),
    Signal(
        "active_days_28d",
        "adoption",
        "days",
        "Product-days with use in the last four weeks",
        (_DAYS.last(28), _DAYS.ever()),
        if_any,
        direction=1,
    ),
    Signal(
        "usage_trend_28d",
        "adoption",
        "−1 to 1",
        "Use in the last four weeks against the eight before: 0 is steady, −1 is stopped, 1 is new",
        (_PERSON_DAYS.last(28), _PERSON_DAYS.last(84)),
        _trend,
        direction=1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "feature_breadth_28d",
        "adoption",
        "features",
        "Different features used on the busiest day of the last four weeks",
        (_BREADTH.last(28),),
        lambda breadth: breadth,
        direction=1,
    ),
    Signal(
        "advanced_use_84d",
        "adoption",
        "share",
        "Share of the people using the product, day by day over twelve weeks, who used advanced features",
        (_ADVANCED_DAYS.last(84), _PERSON_DAYS.last(84)),
        lambda advanced, people: share(advanced, people).clip(0.0, 1.0),
        direction=1,
        upper=1,
    ),
    Signal(
        "days_since_last_use",
        "adoption",
        "days",
        "Days since anyone used the product",
        (_LAST.ever(), "as_of_day"),
        days_since,
        direction=-1,
    ),
)
