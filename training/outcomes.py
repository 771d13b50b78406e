"""Outcomes: what became of an account after `as_of`, from its contracts as they finally stood.

A life is a stretch of time with paid contracts in force, gaps of up to `grace` days included; a life that ended more
than `grace` days before the data does is a churn at the moment its last contract ended. An account that comes back
later begins another life. A contract of kind `fixed_term` is meant to end: a life that ends when one was first planned
to end is completed, which is no churn. What isn't known yet is censored: nobody is counted as staying before it is
certain.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from features.tables import Tables

_FOREVER = datetime(9999, 1, 1)


@dataclass(frozen=True)
class Outcomes:
    """Lives of all accounts and the moment up to which churn can be told from a late renewal.

    `lives`: account_id, started_at, ended_at (missing while it lasts or the end isn't certain yet), completed.
    """

    lives: pl.DataFrame
    observed_until: datetime

    def of(self, spine: pl.DataFrame) -> pl.DataFrame:
        """`spine` (account_id, as_of, …) with `churned_at` and `completed_at`, missing where it hasn't come to that.

        Rows whose account had in truth already left at `as_of`, though nobody knew, are dropped: there is nothing
        left to predict for them.
        """
        order = spine.columns
        ended = pl.col("ended_at")
        return (
            spine.join(self.lives, on="account_id", how="inner")
            .filter((pl.col("started_at") <= pl.col("as_of")) & (ended.is_null() | (ended > pl.col("as_of"))))
            .select(
                *order,
                churned_at=pl.when(~pl.col("completed")).then(ended),
                completed_at=pl.when("completed").then(ended),
            )
        )


def outcomes(tables: Tables, grace_days: int = 30, until: datetime | None = None) -> Outcomes:
    """Lives told from what was known by `until` (by default, when the data was extracted)."""
    until = until or tables.extracted_at
    grace = timedelta(days=grace_days)
    observed_until = until - grace
    terms = _final_terms(tables["contracts"], until)
    lives = (
        terms.sort("account_id", "term_start")
        .with_columns(covered_to=pl.col("term_end").cum_max().over("account_id"))
        .with_columns(before=pl.col("covered_to").shift(1).over("account_id"))
        .with_columns(
            life=(pl.col("before").is_null() | (pl.col("term_start") - pl.col("before") > grace))
            .cum_sum()
            .over("account_id")
        )
        .group_by("account_id", "life")
        .agg(
            started_at=pl.col("term_start").min(),
            ended_at=pl.col("term_end").max(),
            completed=pl.col("as_planned").filter(pl.col("term_end") == pl.col("term_end").max()).all(),
        )
        .with_columns(ended_at=pl.when(pl.col("ended_at") <= observed_until).then("ended_at"))
        .select("account_id", "started_at", "ended_at", "completed")
        .sort("account_id", "started_at")
        .collect()
    )
    return Outcomes(lives, observed_until)


def _final_terms(contracts: pl.LazyFrame, until: datetime) -> pl.LazyFrame:
    """Each contract's terms as last known by `until`, each cut off where the contract's next one begins.

    `as_planned`: a fixed term that did not end before it was first planned to.
    """
    term = ("contract_id", "term_start")
    planned = pl.col("term_end").first().over(term)
    return (
        contracts.with_columns(known_at=pl.coalesce("available_at", "term_start"))
        .filter(pl.col("known_at") <= until)
        .sort(*term, "known_at", "arr")
        .with_columns(as_planned=((pl.col("kind") == "fixed_term") & (pl.col("term_end") >= planned)).fill_null(False))
        .unique(term, keep="last", maintain_order=True)
        .with_columns(next_start=pl.col("term_start").shift(-1).over("contract_id"))
        .with_columns(term_end=pl.min_horizontal(pl.col("term_end").fill_null(_FOREVER), "next_start"))
        .filter((pl.col("term_end") > pl.col("term_start")) & (pl.col("arr") > 0))
        .select("account_id", "term_start", "term_end", "as_planned")
    )
