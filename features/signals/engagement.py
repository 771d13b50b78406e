"""Engagement: do the customer's people and ours talk, and how does it go?"""

import narwhals as nw

from features.measures import Measure, count, distinct, known, latest
from features.signal import Signal, days_since, itself, of_peers, share, trend, yes

_TABLE = "engagements"
_CHAMPIONS = ("champion", "sponsor")


def _touches(name: str, where: nw.Expr | None = None) -> Measure:
    return count(name, _TABLE, "engaged_at", where=where)


_ALL = _touches("touches")
_TALKS = _touches("touches_talk", nw.col("kind").is_in(("call", "meeting")))
_MAILS = _touches("touches_mail", nw.col("kind") == "email")
_TRAININGS = _touches("touches_training", nw.col("kind") == "training")
_REVIEWS = _touches("touches_review", nw.col("kind") == "qbr")
_EXECUTIVE = _touches("touches_executive", nw.col("kind") == "executive")
_RATED = known("touches_rated", _TABLE, "engaged_at", value=nw.col("outcome"))
_POSITIVE = _touches("touches_positive", nw.col("outcome") == "positive")
_NEGATIVE = _touches("touches_negative", nw.col("outcome") == "negative")
_DIRECTED = known("touches_directed", _TABLE, "engaged_at", value=nw.col("direction"))
_INBOUND = _touches("touches_inbound", nw.col("direction") == "inbound")
_CHAMPION = _touches("touches_champion", nw.col("contact_role").is_in(_CHAMPIONS))
_NAMED = known("touches_named", _TABLE, "engaged_at", value=nw.col("contact_role"))
_ROLES = distinct("contact_roles", _TABLE, "engaged_at", value=nw.col("contact_role"))
_LAST = latest("touch_last_day", _TABLE, "engaged_at")


def _lost(recent: nw.Expr, year: nw.Expr) -> nw.Expr:
    return nw.when(year > 0).then(yes((recent == 0).cast(nw.Float64)))


def _roles(roles: nw.Expr, named: nw.Expr, touches: nw.Expr) -> nw.Expr:
    return nw.when((named > 0) | (touches == 0)).then(roles)


def _against_peers(touches: nw.Expr, arr: nw.Expr, segment: nw.Expr) -> nw.Expr:
    usual = of_peers(touches, "segment") / of_peers(arr, "segment")
    return nw.when((arr > 0) & (usual > 0) & ~segment.is_null()).then(touches / arr / usual)


SIGNALS = (
    Signal(
        "touches_84d",
        "engagement",
        "touches",
        "Calls, meetings, mails and other touches in the last twelve weeks",
        (_ALL.last(84),),
        itself,
    ),
    Signal(
        "touches_trend_84d",
        "engagement",
        "−1 to 1",
        "Touches of the last twelve weeks against the forty before: 0 is steady, −1 is stopped, 1 is new",
        (_ALL.last(84), _ALL.last(364)),
        trend(84 / 280),
        lower=-1,
        upper=1,
    ),
    Signal(
        "talks_84d",
        "engagement",
        "touches",
        "Calls and meetings in the last twelve weeks",
        (_TALKS.last(84),),
        itself,
    ),
    Signal(
        "mails_84d",
        "engagement",
        "touches",
        "Mails in the last twelve weeks",
        (_MAILS.last(84),),
        itself,
    ),
    Signal(
        "trainings_364d",
        "engagement",
        "touches",
        "Training sessions held with the customer in the last year",
        (_TRAININGS.last(364),),
        itself,
    ),
    Signal(
        "business_review_168d",
        "engagement",
        "yes/no",
        "Whether a business review was held in the last 24 weeks, about two quarters",
        (_REVIEWS.last(168),),
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
        "inbound_touches_84d",
        "engagement",
        "share",
        "Share of the touches of the last twelve weeks in which the customer reached out",
        (_INBOUND.last(84), _DIRECTED.last(84)),
        share,
        upper=1,
    ),
    Signal(
        "contact_roles_84d",
        "engagement",
        "roles",
        "Different roles of the customer's people met in the last twelve weeks",
        (_ROLES.last(84), _NAMED.last(84), _ALL.last(84)),
        _roles,
        direction=1,
    ),
    Signal(
        "champion_lost_84d",
        "engagement",
        "yes/no",
        "Whether a champion or sponsor met in the last year has not been met in its last twelve weeks",
        (_CHAMPION.last(84), _CHAMPION.last(364)),
        _lost,
        direction=-1,
        upper=1,
    ),
    Signal(
        "touches_against_peers_364d",
        "engagement",
        "ratio",
        "Touches of the last year per ARR against all customers of the segment together: 1 is as usual there",
        (_ALL.last(364), "arr", "segment"),
        _against_peers,
        peers="segment",
    ),
)
