"""Support: what does the customer need help with, and does it get it?"""

import narwhals as nw

from features.measures import count, known, total
from features.signal import Signal, itself, share

_TABLE = "tickets"
_OPENED = count("tickets_opened", _TABLE, "opened_at")
_CLOSED = count("tickets_closed", _TABLE, "opened_at", "closed_at")
_SORTED = known("tickets_sorted", _TABLE, "opened_at", value=nw.col("category"))
_DEFECTS = count("tickets_defect", _TABLE, "opened_at", where=nw.col("category") == "defect")
_SEVERE = count("tickets_severe", _TABLE, "opened_at", where=nw.col("severity") <= 2)
_ESCALATED = count("tickets_escalated", _TABLE, "opened_at", "closed_at", where=nw.col("escalated"))
_CSAT = total("tickets_csat", _TABLE, "opened_at", "closed_at", value=nw.col("csat"))
_CSAT_ANSWERS = known("tickets_csat_answers", _TABLE, "opened_at", "closed_at", value=nw.col("csat"))
_PERSON_DAYS = total("support_person_days", "usage_daily", "date", value=nw.col("active_users"))

SIGNALS = (
    Signal(
        "tickets_84d",
        "support",
        "requests",
        "Support requests opened in the last twelve weeks; none at all can be as bad as too many",
        (_OPENED.last(84),),
        itself,
    ),
    Signal(
        "tickets_per_100_users_84d",
        "support",
        "requests per 100 users",
        "Support requests of the last twelve weeks per hundred people active on an average day of them",
        (_OPENED.last(84), _PERSON_DAYS.last(84)),
        lambda opened, person_days: share(opened * 100.0, person_days / 84.0),
    ),
    Signal(
        "defect_rate_84d",
        "support",
        "share",
        "Share of the support requests of the last twelve weeks that report a defect",
        (_DEFECTS.last(84), _SORTED.last(84)),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "severe_tickets_84d",
        "support",
        "requests",
        "Support requests of severity 1 or 2 opened in the last twelve weeks",
        (_SEVERE.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "open_tickets",
        "support",
        "requests",
        "Support requests that are still open",
        (_OPENED.ever(), _CLOSED.ever()),
        lambda opened, closed: opened - closed,
        direction=-1,
    ),
    Signal(
        "escalated_364d",
        "support",
        "share",
        "Share of the support requests closed in the last year that had been escalated",
        (_ESCALATED.last(364), _CLOSED.last(364)),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "csat_364d",
        "support",
        "1 to 5",
        "Average satisfaction with the support requests closed in the last year",
        (_CSAT.last(364), _CSAT_ANSWERS.last(364)),
        share,
        direction=1,
        lower=1,
        upper=5,
    ),
)
