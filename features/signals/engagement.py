"""Engagement: do the customer's people and ours talk, and how does it go?"""

import narwhals as nw

from features.measures import count, known, latest
from features.signal import Signal, days_since, itself, share, yes

_TABLE = "engagements"
_TOUCHES = count("touches", _TABLE, "engaged_at")
_RATED = known("touches_rated", _TABLE, "engaged_at", value=nw.col("outcome"))
_POSITIVE = count("touches_positive", _TABLE, "engaged_at", where=nw.col("outcome") == "positive")
_NEGATIVE = count("touches_negative", _TABLE, "engaged_at", where=nw.col("outcome") == "negative")
_REVIEWS = count("business_reviews", _TABLE, "engaged_at", where=nw.col("kind") == "qbr")
_EXECUTIVE = count("executive_touches", _TABLE, "engaged_at", where=nw.col("kind") == "executive")
_LAST = latest("touch_last_day", _TABLE, "engaged_at")

SIGNALS = (
    Signal(
        "touches_84d",
        "engagement",
        "touches",
        "Calls, meetings, mails and other touches in the last twelve weeks",
        (_TOUCHES.last(84),),
        itself,
    ),
    Signal(
        "days_since_last_touch",
        "engagement",
        "days",
        "Days since the last touch: how long the customer has been silent",
        (_LAST.ever(), "as_of_day"),
        days_since,
        direction=-1,
    ),
    Signal(
        "positive_touches_364d",
        "engagement",
        "share",
        "Share of the rated touches of the last year that went well",
        (_POSITIVE.last(364), _RATED.last(364)),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "negative_touches_84d",
        "engagement",
        "share",
        "Share of the rated touches of the last twelve weeks that went badly",
        (_NEGATIVE.last(84), _RATED.last(84)),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "business_review_364d",
        "engagement",
        "yes/no",
        "Whether a business review was held in the last year",
        (_REVIEWS.last(364),),
        yes,
        direction=1,
        upper=1,
    ),
    Signal(
        "executive_contact_364d",
        "engagement",
        "yes/no",
        "Whether an executive of the customer was met in the last year",
        (_EXECUTIVE.last(364),),
        yes,
        direction=1,
        upper=1,
    ),
)
