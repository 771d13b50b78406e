"""Community: what does the customer say, and give, in public?"""

import narwhals as nw

from features.measures import Measure, amount, count, known, total
from features.signal import Signal, change, if_any, itself, share, yes

_TABLE = "community_threads"
_RESOLVED_AT = ("opened_at", "resolved_at")


def _told(column: str) -> Measure:
    return known(f"threads_{column}_told", _TABLE, *_RESOLVED_AT, value=nw.col(column))


def _resolved(column: str, where: nw.Expr) -> Measure:
    return count(f"threads_{column}", _TABLE, *_RESOLVED_AT, where=where)


_ALL = count("threads", _TABLE, "opened_at")
_SENTIMENT = amount("threads_sentiment", _TABLE, "opened_at", value=nw.col("sentiment"))
_FELT = known("threads_felt", _TABLE, "opened_at", value=nw.col("sentiment"))
_RANKED = known("threads_ranked", _TABLE, "opened_at", value=nw.col("severity"))
_SEVERE = count("threads_severe", _TABLE, "opened_at", where=nw.col("severity") <= 2)
_ANSWERS = total("threads_answers", _TABLE, "opened_at", value=nw.col("answers_given"))
_ANSWERED = known("threads_answers_told", _TABLE, "opened_at", value=nw.col("answers_given"))
_ENTITLED = count("threads_entitled", _TABLE, "opened_at", where=nw.col("entitled"))
_ENTITLED_TOLD = known("threads_entitled_told", _TABLE, "opened_at", value=nw.col("entitled"))
_KNOWN, _KNOWN_TOLD = _resolved("known_answer", nw.col("known_answer")), _told("known_answer")
_NEW, _NEW_TOLD = _resolved("new_issue", nw.col("new_issue")), _told("new_issue")
_GAP, _GAP_TOLD = _resolved("gap", ~nw.col("in_knowledge_base")), _told("in_knowledge_base")
_DEFLECTED, _DEFLECTED_TOLD = _resolved("deflected", nw.col("deflected")), _told("deflected")

SIGNALS = (
    Signal(
        "community_member_364d",
        "community",
        "yes/no",
        "Whether the account took part in the community in the last year",
        (_ALL.last(364),),
        yes,
        upper=1,
    ),
    Signal(
        "threads_364d",
        "community",
        "threads",
        "Threads and posts the account wrote in the community in the last year",
        (_ALL.last(364),),
        itself,
    ),
    Signal(
        "sentiment_364d",
        "community",
        "−1 to 1",
        "Average tone of what the account wrote in the community in the last year",
        (
            _SENTIMENT.last(364),
            _FELT.last(364),
        ),
        share,
        direction=1,
        lower=-1,
        upper=1,
    ),
    Signal(
        "sentiment_change_84d",
        "community",
        "−2 to 2",
        "Average tone in the last twelve weeks minus that in the forty before",
        (
            _SENTIMENT.last(84),
            _FELT.last(84),
            _SENTIMENT.last(364),
            _FELT.last(364),
        ),
        change,
        direction=1,
        lower=-2,
        upper=2,
    ),
    Signal(
        "answers_given_364d",
        "community",
        "answers",
        "Answers the account gave to others in the last year, where it took part: a sign of loyalty",
        (
            _ANSWERS.last(364),
            _ANSWERED.last(364),
        ),
        if_any,
        direction=1,
    ),
    Signal(
        "known_answer_364d",
        "community",
        "share",
        "Share of the account's threads resolved in the last year whose answer had been known before",
        (
            _KNOWN.last(364),
            _KNOWN_TOLD.last(364),
        ),
        share,
        upper=1,
    ),
    Signal(
        "new_issue_364d",
        "community",
        "share",
        "Share of the account's threads resolved in the last year that brought up something new",
        (
            _NEW.last(364),
            _NEW_TOLD.last(364),
        ),
        share,
        upper=1,
    ),
    Signal(
        "knowledge_gap_364d",
        "community",
        "share",
        "Share of the account's threads resolved in the last year whose answer is not in the knowledge base",
        (
            _GAP.last(364),
            _GAP_TOLD.last(364),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "severe_threads_364d",
        "community",
        "share",
        "Share of the account's threads of the last year, of known severity, that were of severity 1 or 2",
        (
            _SEVERE.last(364),
            _RANKED.last(364),
        ),
        share,
        direction=-1,
        upper=1,
    ),
    Signal(
        "deflected_364d",
        "community",
        "share",
        "Share of the account's threads resolved in the last year that saved a support request",
        (
            _DEFLECTED.last(364),
            _DEFLECTED_TOLD.last(364),
        ),
        share,
        direction=1,
        upper=1,
    ),
    Signal(
        "entitled_threads_364d",
        "community",
        "share",
        "Share of the account's threads of the last year that its contract covers support for",
        (
            _ENTITLED.last(364),
            _ENTITLED_TOLD.last(364),
        ),
        share,
        upper=1,
    ),
)
