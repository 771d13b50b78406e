"""Economics of support: what serving the customers costs, and what service brings.

Costs are of the last year and of all accounts, those that have left since too. A request or touch without a cost adds
nothing; where none has one, cost isn't known and everything made of it is missing. The margin is missing only where the
whole company knows no cost or no kind of contract, so that groups with either alone add up.
"""

import polars as pl

from features.book.measure import BookMeasure, Facts, amount, share
from features.book.view import YEAR, View

_TABLES = ("tickets",)
_BOTH = ("tickets", "engagements")
_DEFECT = (pl.col("category") == "defect").cast(pl.Float64)


def _sorted(view: View) -> pl.LazyFrame:
    told = view.rows("tickets", "opened_at", window=YEAR).drop_nulls("category")
    return told.select("account_id", tickets_sorted=pl.lit(1.0), tickets_defect=_DEFECT)


def _ticket_costs(view: View) -> pl.LazyFrame:
    costed = view.rows("tickets", "opened_at", "closed_at", window=YEAR).drop_nulls("cost")
    return costed.select(
        "account_id",
        ticket_cost="cost",
        tickets_costed=pl.lit(1.0),
        defect_cost=_DEFECT * pl.col("cost"),
        tickets_costed_sorted=pl.col("category").is_not_null().cast(pl.Float64),
    )


def _touch_costs(view: View) -> pl.LazyFrame:
    costed = view.rows("engagements", "engaged_at", window=YEAR).drop_nulls("cost")
    return costed.select("account_id", touch_cost="cost", touches_costed=pl.lit(1.0))


FACTS = (Facts(_TABLES, _sorted), Facts(_TABLES, _ticket_costs), Facts(("engagements",), _touch_costs))

_COST = pl.col("ticket_cost") + pl.col("touch_cost")
_COSTED = pl.col("tickets_costed") + pl.col("touches_costed")

MEASURES: tuple[BookMeasure, ...] = (
    share(
        "defect_share",
        "economics",
        "Share of the support requests of the last year that report a defect",
        "requests opened in 364 days of category defect ÷ requests opened in 364 days with a category",
        _TABLES,
        pl.col("tickets_defect"),
        pl.col("tickets_sorted"),
        direction=-1,
    ),
    amount(
        "defect_cost",
        "economics",
        "currency",
        "What the defects reported and closed in the last year cost in support",
        "sum of the cost of requests of category defect closed in 364 days",
        _TABLES,
        pl.col("defect_cost"),
        direction=-1,
        evidence=pl.col("tickets_costed_sorted"),
    ),
    amount(
        "cost_to_serve",
        "economics",
        "currency",
        "What requests and touches of the last year cost",
        "sum of the cost of requests closed in 364 days + sum of the cost of touches in 364 days",
        _BOTH,
        _COST,
        evidence=_COSTED,
    ),
    amount(
        "service_margin",
        "economics",
        "currency",
        "What service contracts bring in a year less what serving the customers cost in the last",
        "direct service revenue − cost to serve",
        ("contracts", *_BOTH),
        pl.col("service_arr") - _COST,
        direction=1,
        evidence=pl.min_horizontal(_COSTED.sum(), pl.col("service_known").sum()),
    ),
)
