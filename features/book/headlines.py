"""Headlines: one percentage per dimension of health, as shares of 1.

Community's is `community_engagement` and engagement's is `engagement_quality`, beside their own kind. Onboarding,
success, adoption and availability are of the accounts that are customers now.
"""

import polars as pl

from features.book.measure import BookMeasure, Facts, share
from features.book.view import YEAR, View
from features.periods import PERIOD

HEADLINES = (
    "onboarded",
    "adopted",
    "success",
    "engagement_quality",
    "support_satisfaction",
    "available",
    "community_engagement",
    "promoters",
)
"""The eight, in the order of the dimensions."""

SATISFIED = 4
PROMOTER = 9


def _onboarding(view: View) -> pl.LazyFrame:
    steps = view.of_customers(view.rows("milestones", "planned_at").filter(pl.col("kind") == "onboarding"))
    reached = (pl.col("reached_at") <= view.as_of).fill_null(False)
    return steps.group_by("account_id").agg(
        onboarding_planned=pl.lit(1.0), onboarding_done=reached.all().cast(pl.Float64)
    )


def _adoption(view: View) -> pl.LazyFrame:
    ever = view.rows("usage_daily", "date").select("account_id").unique()
    busiest = (
        view.rows("usage_daily", "date", window=PERIOD)
        .group_by("account_id")
        .agg(people=pl.col("active_users").max().cast(pl.Float64))
    )
    return (
        view.customers.lazy()
        .filter(pl.col("seats") > 0)
        .join(ever, on="account_id", how="semi")
        .join(busiest, on="account_id", how="left")
        .select(
            "account_id",
            seats=pl.col("seats").cast(pl.Float64),
            seats_used=pl.min_horizontal(pl.col("people").fill_null(0.0), "seats"),
        )
    )


def _success(view: View) -> pl.LazyFrame:
    weight = pl.col("weight").fill_null(1.0)
    achieved = (pl.col("achieved_at") <= view.as_of).fill_null(False)
    return view.of_customers(view.rows("objectives", "created_at", "due_at")).select(
        "account_id", due_weight=weight, achieved_weight=pl.when(achieved).then(weight).otherwise(0.0)
    )


def _satisfaction(view: View) -> pl.LazyFrame:
    rated = view.rows("tickets", "opened_at", "closed_at", window=YEAR).drop_nulls("csat")
    satisfied = (pl.col("csat") >= SATISFIED).cast(pl.Float64)
    return rated.select("account_id", csat_rated=pl.lit(1.0), csat_satisfied=satisfied)


def _served(view: View) -> pl.LazyFrame:
    """Minutes of the last year in which each customer was one, counted from its first contract."""
    begun = view.history.lazy().group_by("account_id").agg(since=pl.col("begins").min())
    start = pl.max_horizontal("since", pl.lit(view.as_of - YEAR))
    minutes = (pl.lit(view.as_of) - start).dt.total_minutes().cast(pl.Float64)
    return view.of_customers(begun).select("account_id", minutes_served=minutes)


def _outages(view: View) -> pl.LazyFrame:
    ended = pl.min_horizontal(pl.col("ended_at"), pl.lit(view.as_of))
    minutes = (ended - pl.col("started_at")).dt.total_minutes().cast(pl.Float64)
    down = view.of_customers(view.rows("incidents", "started_at", window=YEAR))
    served = _served(view).select("account_id", "minutes_served")
    return (
        down.group_by("account_id")
        .agg(down=minutes.sum())
        .join(served, on="account_id")
        .select("account_id", minutes_down=pl.min_horizontal("down", "minutes_served"))
    )


def _promoters(view: View) -> pl.LazyFrame:
    answers = view.rows("surveys", "responded_at", window=YEAR).filter(pl.col("kind") == "nps")
    promoter = (pl.col("score") >= PROMOTER).cast(pl.Float64)
    return answers.select("account_id", nps_answers=pl.lit(1.0), nps_promoters=promoter)


FACTS = (
    Facts(("contracts", "milestones"), _onboarding),
    Facts(("contracts", "usage_daily"), _adoption),
    Facts(("contracts", "objectives"), _success),
    Facts(("tickets",), _satisfaction),
    Facts(("contracts",), _served),
    Facts(("contracts", "incidents"), _outages),
    Facts(("surveys",), _promoters),
)

MEASURES: tuple[BookMeasure, ...] = (
    share(
        "onboarded",
        "headline",
        "Share of the customers with planned onboarding steps that have reached all of those planned by now",
        "customers with every onboarding step planned by as_of reached ÷ customers with one planned by as_of",
        ("contracts", "milestones"),
        pl.col("onboarding_done"),
        pl.col("onboarding_planned"),
        direction=1,
    ),
    share(
        "adopted",
        "headline",
        "Share of the seats bought that were in use on each customer's busiest day of the last four weeks",
        "sum of the smaller of people active on the busiest day in 28 days and seats ÷ sum of seats, over customers "
        "that have seats and have ever been seen in the usage feed",
        ("contracts", "usage_daily"),
        pl.col("seats_used"),
        pl.col("seats"),
        direction=1,
    ),
    share(
        "success",
        "headline",
        "Weighted share of the customers' objectives due by now that have been achieved",
        "weight of the objectives due by as_of and achieved by as_of ÷ weight of the objectives due by as_of",
        ("contracts", "objectives"),
        pl.col("achieved_weight"),
        pl.col("due_weight"),
        direction=1,
    ),
    share(
        "support_satisfaction",
        "headline",
        "Share of the support requests rated in the last year that satisfied",
        "requests closed in 364 days with csat of 4 or 5 ÷ requests closed in 364 days with a csat",
        ("tickets",),
        pl.col("csat_satisfied"),
        pl.col("csat_rated"),
        direction=1,
    ),
    share(
        "available",
        "headline",
        "Share of the customers' time in the last year in which the product was there",
        "1 − minutes of the outages that became known in 364 days ÷ minutes in them since each customer's first "
        "contract; an outage still on lasts until as_of, and no customer is down longer than it was one",
        ("contracts", "incidents"),
        pl.col("minutes_served") - pl.col("minutes_down"),
        pl.col("minutes_served"),
        direction=1,
    ),
    share(
        "promoters",
        "headline",
        "Share of the answers of the last year that would surely recommend us",
        "nps answers of 9 or 10 in 364 days ÷ nps answers in 364 days",
        ("surveys",),
        pl.col("nps_promoters"),
        pl.col("nps_answers"),
        direction=1,
    ),
)
