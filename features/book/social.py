"""Social: requests that reach us in public, and the accounts that answer others, over the last year."""

import polars as pl

from features.book.measure import BookMeasure, Facts, amount, share
from features.book.view import YEAR, View

_TABLES = ("tickets",)
_THREADS = "community_threads"
_SOCIAL = pl.col("channel") == "social"


def _interactions(view: View) -> pl.LazyFrame:
    told = view.rows("tickets", "opened_at", window=YEAR).drop_nulls("channel")
    return told.select("account_id", social_tickets=_SOCIAL.cast(pl.Float64), channel_known=pl.lit(1.0))


def _satisfaction(view: View) -> pl.LazyFrame:
    rated = view.rows("tickets", "opened_at", "closed_at", window=YEAR).filter(_SOCIAL).drop_nulls("csat")
    return rated.select("account_id", social_csat="csat", social_csat_known=pl.lit(1.0))


def _hours_to_answer(view: View) -> pl.LazyFrame:
    return _hours(view, "first_response_at")


def _hours_to_close(view: View) -> pl.LazyFrame:
    return _hours(view, "closed_at")


def _hours(view: View, time: str) -> pl.LazyFrame:
    hours = (pl.col(time) - pl.col("opened_at")).dt.total_seconds() / 3600
    return view.rows("tickets", "opened_at", time, window=YEAR).filter(_SOCIAL).select("account_id", x=hours)


def _loyalists(view: View) -> pl.LazyFrame:
    now = view.rows(_THREADS, "opened_at", window=YEAR)
    before = view.rows(_THREADS, "opened_at", window=YEAR, before=YEAR)
    if view.rows(_THREADS, "opened_at", before=2 * YEAR).head(1).collect().is_empty():
        before = before.clear()  # the year before is not complete, growth would be made of missing history
    return pl.concat(
        [
            _answering(now).with_columns(loyalists=pl.lit(1.0)),
            _answering(before).with_columns(loyalists_before=pl.lit(1.0)),
        ],
        how="diagonal",
    )


def _answering(threads: pl.LazyFrame) -> pl.LazyFrame:
    return threads.filter(pl.col("answers_given") > 0).select("account_id").drop_nulls().unique()


def _deflected(view: View) -> pl.LazyFrame:
    closed = view.rows("tickets", "opened_at", "closed_at", window=YEAR)
    price = closed.select(pl.col("cost").mean()).collect().item()
    known = view.rows(_THREADS, "opened_at", "resolved_at", window=YEAR).drop_nulls("deflected")
    saved = pl.col("deflected").cast(pl.Float64) * (price or 0.0)
    return known.select("account_id", deflected_cost=saved, deflection_priced=pl.lit(float(price is not None)))


FACTS = (
    Facts(_TABLES, _interactions),
    Facts(_TABLES, _satisfaction),
    Facts((_THREADS,), _loyalists),
    Facts((_THREADS, "tickets"), _deflected),
)

MEASURES: tuple[BookMeasure, ...] = (
    amount(
        "social_interactions",
        "social",
        "requests",
        "Support requests that reached us through social media in the last year",
        "requests opened in 364 days with channel social; missing where no request has a channel",
        _TABLES,
        pl.col("social_tickets"),
        evidence=pl.col("channel_known"),
    ),
    BookMeasure(
        "social_satisfaction",
        "social",
        "1 to 5",
        "Average satisfaction with the requests from social media of the last year; its trend is that of sentiment",
        "sum of csat ÷ requests with channel social closed in 364 days with a csat",
        _TABLES,
        1,
        pl.col("social_csat"),
        pl.col("social_csat_known"),
    ),
    BookMeasure(
        "social_response_hours",
        "social",
        "hours",
        "Median time to the first answer of requests from social media answered in the last year",
        "median of first_response_at − opened_at over requests with channel social first answered in 364 days",
        _TABLES,
        -1,
        spread=_hours_to_answer,
    ),
    BookMeasure(
        "social_resolution_hours",
        "social",
        "hours",
        "Median time to the resolution of requests from social media closed in the last year",
        "median of closed_at − opened_at over requests with channel social closed in 364 days",
        _TABLES,
        -1,
        spread=_hours_to_close,
    ),
    amount(
        "loyalists",
        "social",
        "accounts",
        "Accounts that answered others in the community in the last year",
        "accounts with a thread in 364 days in which they gave answers to others",
        (_THREADS,),
        pl.col("loyalists"),
        direction=1,
    ),
    share(
        "loyalist_growth",
        "social",
        "Change of the number of loyalists over a year",
        "(loyalists − loyalists of the 364 days before) ÷ loyalists of the 364 days before; missing where the "
        "community is younger than two years",
        (_THREADS,),
        pl.col("loyalists") - pl.col("loyalists_before"),
        pl.col("loyalists_before"),
        direction=1,
    ),
    amount(
        "deflected_cost",
        "social",
        "currency",
        "What the requests that the community saved in the last year would have cost",
        "threads resolved in 364 days that deflected a request × mean cost of the requests of the whole company closed "
        "in 364 days",
        (_THREADS, "tickets"),
        pl.col("deflected_cost"),
        direction=1,
        evidence=pl.col("deflection_priced"),
    ),
)
