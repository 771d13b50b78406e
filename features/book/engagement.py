"""Engagement: how much of the base is talked to, how often, and how does it go?

Frequency and quality by contract size are these measures grouped by `contract_size`.
"""

import polars as pl

from features.book.measure import BookMeasure, Facts, share
from features.book.view import QUARTER, YEAR, View

_TABLES = ("contracts", "engagements")


def _reached(view: View) -> pl.LazyFrame:
    touched = view.of_customers(view.rows("engagements", "engaged_at", window=QUARTER))
    return touched.select("account_id").unique().with_columns(engaged=pl.lit(1.0))


def _customer_touches(view: View) -> pl.LazyFrame:
    touches = view.of_customers(view.rows("engagements", "engaged_at", window=YEAR))
    return touches.select("account_id", customer_touches=pl.lit(1.0))


def _quality(view: View) -> pl.LazyFrame:
    rated = view.rows("engagements", "engaged_at", window=YEAR).drop_nulls("outcome")
    positive = (pl.col("outcome") == "positive").cast(pl.Float64)
    return rated.select("account_id", touches_rated=pl.lit(1.0), touches_positive=positive)


FACTS = (
    Facts(_TABLES, _reached),
    Facts(_TABLES, _customer_touches),
    Facts(("engagements",), _quality),
)

MEASURES: tuple[BookMeasure, ...] = (
    share(
        "engagement_quality",
        "engagement",
        "Share of the rated touches of the last year that went well",
        "touches with a positive outcome in 364 days ÷ touches with an outcome in 364 days",
        ("engagements",),
        pl.col("touches_positive"),
        pl.col("touches_rated"),
        direction=1,
    ),
    share(
        "base_engaged",
        "engagement",
        "Share of the customers that had a touch in the last twelve weeks",
        "customers with a touch in 84 days ÷ customers",
        _TABLES,
        pl.col("engaged"),
        pl.col("customers"),
        direction=1,
    ),
    BookMeasure(
        "touches_per_customer",
        "engagement",
        "touches per customer and year",
        "How often a customer is talked to; neither too little nor too much is good",
        "touches with customers in 364 days ÷ customers",
        _TABLES,
        None,
        pl.col("customer_touches"),
        pl.col("customers"),
    ),
)
