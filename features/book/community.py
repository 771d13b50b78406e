"""Community: what customers ask, answer and say in public, over the last year.

Threads of accounts nobody knows count for the whole, and in the group `unknown`. What is known with a thread's
resolution counts from then.
"""

import polars as pl

from features.book.measure import BookMeasure, Facts, share
from features.book.view import QUARTER, YEAR, View

_TABLE = "community_threads"
_TABLES = (_TABLE,)
_SEVERE = 2


def _opened(view: View) -> pl.LazyFrame:
    return view.rows(_TABLE, "opened_at", window=YEAR)


def _resolved(view: View) -> pl.LazyFrame:
    return view.rows(_TABLE, "opened_at", "resolved_at", window=YEAR)


def _threads(view: View) -> pl.LazyFrame:
    sentiment = pl.col("sentiment").cast(pl.Float64)
    return _opened(view).select(
        "account_id",
        threads=pl.lit(1.0),
        threads_entitled=_yes(pl.col("entitled")),
        entitlement_known=_known("entitled"),
        threads_severe=_yes(pl.col("severity") <= _SEVERE),
        thread_severity_known=_known("severity"),
        thread_sentiment=sentiment.fill_null(0.0),
        thread_sentiment_known=_known("sentiment"),
    )


def _answers(view: View) -> pl.LazyFrame:
    known, written = pl.col("known_answer"), pl.col("in_knowledge_base")
    both = known.is_not_null() & written.is_not_null()
    return _resolved(view).select(
        "account_id",
        threads_deflected=_yes(pl.col("deflected")),
        deflection_known=_known("deflected"),
        threads_new_issue=_yes(pl.col("new_issue")),
        new_issue_known=_known("new_issue"),
        threads_known_answer=_yes(known),
        answer_known=_known("known_answer"),
        threads_overlapping=_yes(known & written),
        overlap_known=_yes(both),
        threads_unwritten=_yes(~written),
        written_known=_known("in_knowledge_base"),
    )


def _members(view: View) -> pl.LazyFrame:
    return view.of_customers(_opened(view)).select("account_id").unique().with_columns(members=pl.lit(1.0))


def _customer_threads(view: View) -> pl.LazyFrame:
    return view.of_customers(_opened(view)).select("account_id", customer_threads=pl.lit(1.0))


def _forums(view: View) -> pl.LazyFrame:
    return view.rows(_TABLE, "opened_at", window=QUARTER).select("account_id", x="forum")


def _yes(condition: pl.Expr) -> pl.Expr:
    return condition.fill_null(False).cast(pl.Float64)


def _known(column: str) -> pl.Expr:
    return pl.col(column).is_not_null().cast(pl.Float64)


FACTS = (
    Facts(_TABLES, _threads),
    Facts(_TABLES, _answers),
    Facts(("contracts", _TABLE), _members),
    Facts(("contracts", _TABLE), _customer_threads),
)

MEASURES: tuple[BookMeasure, ...] = (
    BookMeasure(
        "active_forums",
        "community",
        "forums",
        "Forums somebody wrote in during the last twelve weeks",
        "different forums with a thread opened in 84 days; a forum counts in every group that wrote there",
        _TABLES,
        spread=_forums,
        of_rows="distinct",
    ),
    BookMeasure(
        "thread_density",
        "community",
        "threads per 100 customers",
        "Threads customers opened in the last year, per hundred customers",
        "100 × threads of customers in 364 days ÷ customers",
        ("contracts", _TABLE),
        None,
        pl.col("customer_threads"),
        pl.col("customers"),
        scale=100.0,
    ),
    share(
        "community_engagement",
        "community",
        "Share of the customers that took part in the community in the last year",
        "customers with a thread in 364 days ÷ customers",
        ("contracts", _TABLE),
        pl.col("members"),
        pl.col("customers"),
        direction=1,
    ),
    share(
        "entitlement",
        "community",
        "Share of the threads written by someone whose contract covers support",
        "threads in 364 days with entitlement ÷ threads in 364 days of which it is known",
        _TABLES,
        pl.col("threads_entitled"),
        pl.col("entitlement_known"),
    ),
    share(
        "high_severity",
        "community",
        "Share of the threads about something of severity 1 or 2",
        "threads in 364 days of severity 1 or 2 ÷ threads in 364 days with a severity",
        _TABLES,
        pl.col("threads_severe"),
        pl.col("thread_severity_known"),
        direction=-1,
    ),
    share(
        "deflection",
        "community",
        "Share of the resolved threads that saved a support request",
        "threads resolved in 364 days that deflected a request ÷ those of which it is known",
        _TABLES,
        pl.col("threads_deflected"),
        pl.col("deflection_known"),
        direction=1,
    ),
    share(
        "new_issues",
        "community",
        "Share of the resolved threads that brought up something new",
        "threads resolved in 364 days with a new issue ÷ those of which it is known",
        _TABLES,
        pl.col("threads_new_issue"),
        pl.col("new_issue_known"),
    ),
    share(
        "known_answers",
        "community",
        "Share of the resolved threads whose answer was known before",
        "threads resolved in 364 days by a known answer ÷ those of which it is known",
        _TABLES,
        pl.col("threads_known_answer"),
        pl.col("answer_known"),
        direction=1,
    ),
    share(
        "knowledge_overlap",
        "community",
        "Share of the resolved threads that asked what was known before and is in the knowledge base",
        "threads resolved in 364 days by a known answer in the knowledge base ÷ those of which both is known",
        _TABLES,
        pl.col("threads_overlapping"),
        pl.col("overlap_known"),
    ),
    share(
        "knowledge_gap",
        "community",
        "Share of the resolved threads whose answer is not in the knowledge base",
        "threads resolved in 364 days whose answer is not in the knowledge base ÷ those of which it is known",
        _TABLES,
        pl.col("threads_unwritten"),
        pl.col("written_known"),
        direction=-1,
    ),
    BookMeasure(
        "community_sentiment",
        "community",
        "−1 to 1",
        "Average tone of what was written in the last year",
        "sum of sentiment ÷ threads in 364 days with a sentiment",
        _TABLES,
        1,
        pl.col("thread_sentiment"),
        pl.col("thread_sentiment_known"),
    ),
)
