"""Support: what does the customer need help with, and does it get it?"""

from datetime import datetime

import narwhals as nw

from features.measures import Measure, amount, count, known, median, p90, total
from features.periods import divided, seconds_between
from features.signal import Signal, change, if_known, itself, less, share, trend

_TABLE = "tickets"
_CLOSED_AT = ("opened_at", "closed_at")
_ANSWERED_AT = ("opened_at", "first_response_at")
_EPOCH = datetime(2000, 1, 1)


def _opened(name: str, where: nw.Expr | None = None) -> Measure:
    return count(name, _TABLE, "opened_at", where=where)


def _closed(name: str, where: nw.Expr | None = None) -> Measure:
    return count(name, _TABLE, *_CLOSED_AT, where=where)


def _asked(name: str, column: str) -> Measure:
    return known(name, _TABLE, "opened_at", value=nw.col(column))


def _told(name: str, value: nw.Expr) -> Measure:
    return known(name, _TABLE, *_CLOSED_AT, value=value)


def _sum(name: str, value: nw.Expr) -> Measure:
    return amount(name, _TABLE, *_CLOSED_AT, value=value)


_DEFECT = nw.col("category") == "defect"
_CSAT, _COST = nw.col("csat"), nw.col("cost")
_CSAT_DEFECT, _COST_DEFECT = nw.when(_DEFECT).then(_CSAT), nw.when(_DEFECT).then(_COST)
_CSAT_REST = nw.when(nw.col("category") != "defect").then(_CSAT)

_ALL = _opened("tickets_opened")
_SORTED = _asked("tickets_sorted", "category")
_DEFECTS = _opened("tickets_defect", _DEFECT)
_HOW_TO = _opened("tickets_how_to", nw.col("category") == "how_to")
_RANKED = _asked("tickets_ranked", "severity")
_SEVERE = _opened("tickets_severe", nw.col("severity") <= 2)
_CHANNELLED = _asked("tickets_channelled", "channel")
_PUBLIC = _opened("tickets_public", nw.col("channel").is_in(("social", "community")))
_DONE = _closed("tickets_closed")
_ESCALATED = _closed("tickets_escalated", nw.col("escalated"))
_ESCALATED_TOLD = _told("tickets_escalated_told", nw.col("escalated"))
_REOPENED = _closed("tickets_reopened", nw.col("reopened"))
_REOPENED_TOLD = _told("tickets_reopened_told", nw.col("reopened"))
_FIRST_CONTACT = _closed("tickets_first_contact", nw.col("first_contact"))
_FIRST_CONTACT_TOLD = _told("tickets_first_contact_told", nw.col("first_contact"))
_SATISFACTION = _sum("tickets_csat", _CSAT)
_ANSWERS = _told("tickets_csat_answers", _CSAT)
_SATISFACTION_DEFECT = _sum("tickets_csat_defect", _CSAT_DEFECT)
_ANSWERS_DEFECT = _told("tickets_csat_defect_answers", _CSAT_DEFECT)
_SATISFACTION_REST = _sum("tickets_csat_rest", _CSAT_REST)
_ANSWERS_REST = _told("tickets_csat_rest_answers", _CSAT_REST)
_DEFECTS_DONE = _closed("tickets_closed_defect", _DEFECT)
_COST_OF_DEFECTS = _sum("tickets_cost_defect", _COST_DEFECT)
_COSTED_DEFECTS = _told("tickets_cost_defect_told", _COST_DEFECT)
_COST_SORTED = _sum("tickets_cost_sorted", nw.when(~nw.col("category").is_null()).then(_COST))
_PERSON_DAYS = total("support_person_days", "usage_daily", "date", value=nw.col("active_users"))

_HOURS_TO_ANSWER = divided(seconds_between(nw.col("opened_at"), nw.col("first_response_at")), 3600.0)
_HOURS_TO_CLOSE = divided(seconds_between(nw.col("opened_at"), nw.col("closed_at")), 3600.0)
_ANSWER_MEDIAN = median("first_response_median", _TABLE, *_ANSWERED_AT, value=_HOURS_TO_ANSWER)
_ANSWER_P90 = p90("first_response_p90", _TABLE, *_ANSWERED_AT, value=_HOURS_TO_ANSWER)
_CLOSE_MEDIAN = median("resolution_median", _TABLE, *_CLOSED_AT, value=_HOURS_TO_CLOSE)
_CLOSE_P90 = p90("resolution_p90", _TABLE, *_CLOSED_AT, value=_HOURS_TO_CLOSE)
_SINCE_EPOCH = seconds_between(nw.lit(_EPOCH), nw.col("opened_at"))
_OPENED_SECONDS = total("tickets_opened_seconds", _TABLE, "opened_at", value=_SINCE_EPOCH)
_CLOSED_SECONDS = total("tickets_closed_seconds", _TABLE, *_CLOSED_AT, value=_SINCE_EPOCH)


def _age(
    opened: nw.Expr, closed: nw.Expr, opened_at: nw.Expr, closed_opened_at: nw.Expr, as_of_day: nw.Expr
) -> nw.Expr:
    now = (as_of_day - float(_EPOCH.toordinal())) * 86_400.0
    waiting = opened - closed
    return nw.when(waiting > 0).then(divided((now * waiting - (opened_at - closed_opened_at)) / waiting, 86_400.0))


def _gap(defect: nw.Expr, defects: nw.Expr, rest: nw.Expr, others: nw.Expr) -> nw.Expr:
    return share(defect, defects) - share(rest, others)


SIGNALS = (
    Signal(
        "tickets_84d",
        "support",
        "requests",
        "Support requests opened in the last twelve weeks; none at all can be as bad as too many",
        (_ALL.last(84),),
        itself,
    ),
    Signal(
        "tickets_trend_84d",
        "support",
        "−1 to 1",
        "Support requests of the last twelve weeks against the forty before: 0 is steady, −1 is stopped, 1 is new",
        (
            _ALL.last(84),
            _ALL.last(364),
        ),
        trend(84 / 280),
        lower=-1,
        upper=1,
    ),
    Signal(
        "tickets_per_100_users_84d",
        "support",
        "requests per 100 users",
        "Support requests of the last twelve weeks per hundred people active on an average day of them",
        (
            _ALL.last(84),
            _PERSON_DAYS.last(84),
        ),
        lambda opened, person_days: share(opened * 100.0, divided(person_days, 84.0)),
    ),
    Signal(
        "defect_rate_84d",
        "support",
        "share",
        "Share of the support requests of the last twelve weeks that report a defect",
        (
            _DEFECTS.last(84),
            _SORTED.last(84),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "defect_rate_change_84d",
        "support",
        "difference of shares",
        "Share of defects in the last twelve weeks minus that in the forty before",
        (
            _DEFECTS.last(84),
            _SORTED.last(84),
            _DEFECTS.last(364),
            _SORTED.last(364),
        ),
        change,
        direction=-1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "how_to_rate_84d",
        "support",
        "share",
        "Share of the support requests of the last twelve weeks that ask how to do something",
        (
            _HOW_TO.last(84),
            _SORTED.last(84),
        ),
        share,
        upper=1,
    ),
    Signal(
        "defect_cost_364d",
        "support",
        "currency",
        "What handling the defects closed in the last year cost us",
        (
            _COST_OF_DEFECTS.last(364),
            _COSTED_DEFECTS.last(364),
            _DEFECTS_DONE.last(364),
        ),
        if_known,
        direction=-1,
    ),
    Signal(
        "defect_cost_share_364d",
        "support",
        "share",
        "Share of the cost of all support requests closed in the last year that went into defects",
        (
            _COST_OF_DEFECTS.last(364),
            _COST_SORTED.last(364),
        ),
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
        "severe_rate_364d",
        "support",
        "share",
        "Share of the support requests of the last year, of known severity, that were of severity 1 or 2",
        (
            _SEVERE.last(364),
            _RANKED.last(364),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "open_tickets",
        "support",
        "requests",
        "Support requests that are still open",
        (
            _ALL.ever(),
            _DONE.ever(),
        ),
        less,
        direction=-1,
    ),
    Signal(
        "open_tickets_age",
        "support",
        "days",
        "Average age of the support requests that are still open",
        (
            _ALL.ever(),
            _DONE.ever(),
            _OPENED_SECONDS.ever(),
            _CLOSED_SECONDS.ever(),
            "as_of_day",
        ),
        _age,
        direction=-1,
    ),
    Signal(
        "first_response_median_84d",
        "support",
        "hours",
        "Hours until half of the support requests first answered in the last twelve weeks had their answer",
        (_ANSWER_MEDIAN.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "first_response_p90_84d",
        "support",
        "hours",
        "Hours until nine in ten of the support requests first answered in the last twelve weeks had their answer",
        (_ANSWER_P90.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "resolution_median_84d",
        "support",
        "hours",
        "Hours until half of the support requests closed in the last twelve weeks were closed",
        (_CLOSE_MEDIAN.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "resolution_p90_84d",
        "support",
        "hours",
        "Hours until nine in ten of the support requests closed in the last twelve weeks were closed",
        (_CLOSE_P90.last(84),),
        itself,
        direction=-1,
    ),
    Signal(
        "first_contact_364d",
        "support",
        "share",
        "Share of the support requests closed in the last year that were solved in the first answer",
        (
            _FIRST_CONTACT.last(364),
            _FIRST_CONTACT_TOLD.last(364),
        ),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "reopened_364d",
        "support",
        "share",
        "Share of the support requests closed in the last year that had been opened again",
        (
            _REOPENED.last(364),
            _REOPENED_TOLD.last(364),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "escalated_364d",
        "support",
        "share",
        "Share of the support requests closed in the last year that had been escalated",
        (
            _ESCALATED.last(364),
            _ESCALATED_TOLD.last(364),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "csat_364d",
        "support",
        "1 to 5",
        "Average satisfaction with the support requests closed in the last year",
        (
            _SATISFACTION.last(364),
            _ANSWERS.last(364),
        ),
        share,
        direction=1,
        lower=1,
        upper=5,
    ),
    Signal(
        "csat_change_84d",
        "support",
        "−4 to 4",
        "Average satisfaction in the last twelve weeks minus that in the forty before",
        (
            _SATISFACTION.last(84),
            _ANSWERS.last(84),
            _SATISFACTION.last(364),
            _ANSWERS.last(364),
        ),
        change,
        direction=1,
        lower=-4,
        upper=4,
    ),
    Signal(
        "csat_defect_gap_364d",
        "support",
        "−4 to 4",
        "Average satisfaction with the defects closed in the last year minus that with the other support requests",
        (
            _SATISFACTION_DEFECT.last(364),
            _ANSWERS_DEFECT.last(364),
            _SATISFACTION_REST.last(364),
            _ANSWERS_REST.last(364),
        ),
        _gap,
        direction=1,
        lower=-4,
        upper=4,
    ),
    Signal(
        "public_tickets_364d",
        "support",
        "share",
        "Share of the support requests of the last year that came over social media or the community",
        (
            _PUBLIC.last(364),
            _CHANNELLED.last(364),
        ),
        share,
        upper=1,
    ),
)
