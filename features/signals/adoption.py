"""Adoption: is what was bought being used?

Daily rows count people per day and product, so different people of a month aren't known: the busiest day stands for
them, and a person who uses two products counts in both.
"""

import narwhals as nw

from features.measures import count, known, latest, peak, total
from features.periods import divided
from features.signal import Signal, capped_share, change, days_since, if_any, less, share, trend

_USAGE = "usage_daily"
_USED = nw.col("events").fill_null(1) > 0
_ACTIVE, _ADVANCED = nw.col("active_users"), nw.col("advanced_users")
_DAYS = count("usage_days", _USAGE, "date", where=_USED)
_COUNTED = known("usage_counted", _USAGE, "date", value=_ACTIVE)
_PEOPLE = peak("usage_people", _USAGE, "date", value=_ACTIVE)
_PERSON_DAYS = total("usage_person_days", _USAGE, "date", value=_ACTIVE)
_ADVANCED_DAYS = total("usage_advanced_days", _USAGE, "date", value=nw.when(~_ACTIVE.is_null()).then(_ADVANCED))
_COMPARED_DAYS = total("usage_compared_days", _USAGE, "date", value=nw.when(~_ADVANCED.is_null()).then(_ACTIVE))
_BREADTH = peak("usage_breadth", _USAGE, "date", value=nw.col("features_used"))
_LAST = latest("usage_last_day", _USAGE, "date", where=_USED)

_STEPS = "milestones"
_ADOPTION = nw.col("kind") == "adoption"
_PLANNED = count("adoption_planned", _STEPS, "planned_at", where=_ADOPTION)
_DONE = count("adoption_done", _STEPS, "planned_at", "reached_at", where=_ADOPTION)
_TRAINED = total(
    "people_trained", _STEPS, "reached_at", value=nw.when(nw.col("kind") == "training").then(nw.col("people"))
)
_CERTIFIED = total(
    "people_certified", _STEPS, "reached_at", value=nw.when(nw.col("kind") == "certification").then(nw.col("people"))
)


def _adopted(people: nw.Expr, seats: nw.Expr, ever: nw.Expr) -> nw.Expr:
    return if_any(capped_share(people.fill_null(0.0), seats), ever)


def _utilization(person_days: nw.Expr, seats: nw.Expr, ever: nw.Expr) -> nw.Expr:
    return if_any(capped_share(divided(person_days, 28.0), seats), ever)


SIGNALS = (
    Signal(
        "licences_adopted_28d",
        "adoption",
        "share",
        "Share of the seats bought that were in use on the busiest day of the last four weeks",
        (_PEOPLE.last(28), "seats", _COUNTED.ever()),
        _adopted,
        direction=1,
        upper=1,
    ),
    Signal(
        "seat_utilization_28d",
        "adoption",
        "share",
        "Share of the seats bought that were in use on an average day of the last four weeks",
        (_PERSON_DAYS.last(28), "seats", _COUNTED.ever()),
        _utilization,
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
        "stickiness_28d",
        "adoption",
        "share",
        "People active on an average day of the last four weeks, as a share of those on the busiest day",
        (_PERSON_DAYS.last(28), _PEOPLE.last(28)),
        lambda person_days, people: capped_share(divided(person_days, 28.0), people),
        direction=1,
        upper=1,
    ),
    Signal(
        "usage_trend_28d",
        "adoption",
        "−1 to 1",
        "Use in the last four weeks against the eight before: 0 is steady, −1 is stopped, 1 is new",
        (_PERSON_DAYS.last(28), _PERSON_DAYS.last(84)),
        trend(28 / 56),
        direction=1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "usage_trend_84d",
        "adoption",
        "−1 to 1",
        "Use in the last twelve weeks against the forty before: 0 is steady, −1 is stopped, 1 is new",
        (_PERSON_DAYS.last(84), _PERSON_DAYS.last(364)),
        trend(84 / 280),
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
        "Share of the users, day by day over twelve weeks, who used advanced features; the rest used basic ones",
        (_ADVANCED_DAYS.last(84), _COMPARED_DAYS.last(84)),
        capped_share,
        direction=1,
        upper=1,
    ),
    Signal(
        "advanced_use_change_28d",
        "adoption",
        "difference of shares",
        "Share of advanced users in the last four weeks minus that in the eight before",
        (_ADVANCED_DAYS.last(28), _COMPARED_DAYS.last(28), _ADVANCED_DAYS.last(84), _COMPARED_DAYS.last(84)),
        lambda *parts: change(*parts).clip(-1.0, 1.0),
        direction=1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "adoption_steps_reached",
        "adoption",
        "share",
        "Share of the adoption milestones planned by now that have been reached",
        (_DONE.ever(), _PLANNED.ever()),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "adoption_steps_overdue",
        "adoption",
        "milestones",
        "Adoption milestones past their planned date and not reached",
        (_PLANNED.ever(), _DONE.ever()),
        less,
        direction=-1,
    ),
    Signal(
        "people_trained",
        "adoption",
        "share",
        "People trained so far per seat bought, at most one",
        (_TRAINED.ever(), "seats"),
        capped_share,
        direction=1,
        upper=1,
    ),
    Signal(
        "people_certified",
        "adoption",
        "share",
        "People certified so far per seat bought, at most one",
        (_CERTIFIED.ever(), "seats"),
        capped_share,
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
