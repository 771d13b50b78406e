"""Onboarding: did the customer get a start?"""

import narwhals as nw

from features.measures import count
from features.signal import Signal, share, yes

_ONBOARDING = nw.col("kind") == "onboarding"
_PLANNED = count("onboarding_planned", "milestones", "planned_at", where=_ONBOARDING)
_REACHED = count("onboarding_reached", "milestones", "planned_at", "reached_at", where=_ONBOARDING)
_SESSIONS = count("onboarding_sessions", "engagements", "engaged_at", where=_ONBOARDING)

SIGNALS = (
    Signal(
        "onboarding_steps_reached",
        "onboarding",
        "share",
        "Share of the onboarding steps planned by now that have been reached",
        (_REACHED.ever(), _PLANNED.ever()),
        share,
        direction=1,
        upper=1,
    ),
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
)
