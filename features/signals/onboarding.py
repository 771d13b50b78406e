"""Onboarding: did the customer get a start?"""

import narwhals as nw

from features.measures import count, earliest
from features.signal import Signal, less, of_peers, share, yes

_ONBOARDING = nw.col("kind") == "onboarding"
_PLANNED = count("onboarding_planned", "milestones", "planned_at", where=_ONBOARDING)
_DONE = count("onboarding_done", "milestones", "planned_at", "reached_at", where=_ONBOARDING)
_REACHED = count("onboarding_reached", "milestones", "reached_at", where=_ONBOARDING)
_SESSIONS = count("onboarding_sessions", "engagements", "engaged_at", where=_ONBOARDING)
_FIRST_ADVANCED = earliest(
    "usage_first_advanced_day",
    "usage_daily",
    "date",
    where=(nw.col("advanced_users").fill_null(0) > 0) | (nw.col("advanced_events").fill_null(0) > 0),
)
_FIRST_OBJECTIVE = earliest(
    "objective_first_achieved_day",
    "objectives",
    "created_at",
    "achieved_at",
    where=~nw.col("achieved_at").is_null(),
)


def _days_to(advanced: nw.Expr, objective: nw.Expr, as_of_day: nw.Expr, tenure_days: nw.Expr) -> nw.Expr:
    first = nw.min_horizontal(advanced, objective)
    days = first - (as_of_day - tenure_days)
    return nw.when(days < 0).then(nw.lit(0.0)).otherwise(days)


def _ahead(reached: nw.Expr, age: nw.Expr) -> nw.Expr:
    return nw.when(~age.is_null()).then(
        reached - of_peers(reached, "age_periods") / of_peers(reached * 0.0 + 1.0, "age_periods")
    )


SIGNALS = (
    Signal(
        "onboarding_held",
        "onboarding",
        "yes/no",
        "Whether a formal onboarding session has been held",
        (_SESSIONS.ever(),),
        yes,
        direction=1,
        upper=1,
    ),
    Signal(
        "onboarding_steps_reached",
        "onboarding",
        "share",
        "Share of the onboarding steps planned by now that have been reached",
        (_DONE.ever(), _PLANNED.ever()),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "onboarding_steps_overdue",
        "onboarding",
        "steps",
        "Onboarding steps past their planned date and not reached",
        (_PLANNED.ever(), _DONE.ever()),
        less,
        direction=-1,
    ),
    Signal(
        "days_to_first_value",
        "onboarding",
        "days",
        "Days from the start to the first advanced use or the first objective achieved, whichever came first",
        (_FIRST_ADVANCED.ever(), _FIRST_OBJECTIVE.ever(), "as_of_day", "tenure_days"),
        _days_to,
        direction=-1,
    ),
    Signal(
        "onboarding_steps_ahead",
        "onboarding",
        "steps",
        "Onboarding steps reached above or below the mean of customers as old in periods, from 13 on one group",
        (_REACHED.ever(), "age_periods"),
        _ahead,
        direction=1,
        lower=None,
        peers="age_periods",
    ),
)
