"""Outcomes: what became of an account after `as_of`, from its contracts as they finally stood.

A life is a stretch of time with paid contracts in force, gaps of up to `grace` days included; a life that ended more
than `grace` days before the data does is a churn at the moment its last contract ended. An account that comes back
later begins another life. A contract of kind `fixed_term` is meant to end: a life that ends when one was first planned
to end is completed, which is no churn. What isn't known yet is censored: nobody is counted as staying before it is
certain.

An account that stays contracts or expands when its ARR falls or rises by more than 1 % against `as_of`, and the new
level holds through the days of grace: a late renewal is no contraction. It renews when a later term of one of its
contracts begins.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from features.tables import Tables

_FOREVER = datetime(9999, 1, 1)
NOTABLE = 0.01
"""Share of ARR by which it must fall or rise to count."""


@dataclass(frozen=True)
class Outcomes:
    """Lives of all accounts and the moment up to which churn can be told from a late renewal.

    `lives`: account_id, started_at, ended_at (missing while it lasts or the end isn't certain yet), completed.
    `steps`: account_id, at, low, high: the moments at which an account's ARR changed, and the highest it fell to and
    the lowest it rose to in the days of grace from then on. `renewals`: account_id, renewed_at.
    """

    lives: pl.DataFrame
    steps: pl.DataFrame
    renewals: pl.DataFrame
    observed_until: datetime

    def of(self, spine: pl.DataFrame) -> pl.DataFrame:
        """`spine` (account_id, as_of, …) with when it first came to each outcome, missing where it hasn't come to it.

        `churned_at` and `completed_at` end a life; `renewed_at` doesn't. With a column `arr_in_force` come
        `contracted_at`, with the share of ARR that was left (`contracted_to`), and `expanded_at` and `expanded_to`.
        Rows whose account had in truth already left at `as_of`, though nobody knew, are dropped: there is nothing
        left to predict for them.
        """
        order = spine.columns
        ended = pl.col("ended_at")
        lives = (
            spine.join(self.lives, on="account_id", how="inner")
            .filter((pl.col("started_at") <= pl.col("as_of")) & (ended.is_null() | (ended > pl.col("as_of"))))
            .with_columns(
                churned_at=pl.when(~pl.col("completed")).then(ended),
                completed_at=pl.when("completed").then(ended),
            )
        )
        found = _first_later(lives, self.renewals, "renewed_at", pl.lit(value=True))
        columns = ["churned_at", "completed_at", "renewed_at"]
        if "arr_in_force" in order:
            arr = pl.col("arr_in_force")
            for outcome, level, crossed in (
                ("contracted", "low", (pl.col("low") < arr * (1 - NOTABLE)) & (pl.col("low") > 0)),
                ("expanded", "high", pl.col("high") > arr * (1 + NOTABLE)),
            ):
                steps = self.steps.select("account_id", pl.col("at").alias(f"{outcome}_at"), level)
                found = _first_later(found, steps, f"{outcome}_at", crossed)
                found = found.with_columns((pl.col(level) / arr).alias(f"{outcome}_to")).drop(level)
                columns += [f"{outcome}_at", f"{outcome}_to"]
        return found.select(*order, *columns)


def _first_later(rows: pl.DataFrame, events: pl.DataFrame, time: str, counts: pl.Expr) -> pl.DataFrame:
    """`rows` with the first of their account's `events` that lies after `as_of`, within the life, and `counts`."""
    within = (pl.col(time) > pl.col("as_of")) & (pl.col("ended_at").is_null() | (pl.col(time) < pl.col("ended_at")))
    first = (
        rows.lazy()
        .select("account_id", "as_of", "ended_at", *({"arr_in_force"} & set(rows.columns)))
        .join(events.lazy(), on="account_id", how="inner")
        .filter(within & counts)
        .sort(time)
        .unique(["account_id", "as_of"], keep="first", maintain_order=True)
        .select("account_id", "as_of", *[name for name in events.columns if name != "account_id"])
        .collect(engine="streaming")
    )
    return rows.join(first, on=["account_id", "as_of"], how="left")


def outcomes(tables: Tables, grace_days: int = 30, until: datetime | None = None) -> Outcomes:
    """Lives told from what was known by `until` (by default, when the data was extracted)."""
    until = until or tables.extracted_at
    grace = timedelta(days=grace_days)
    observed_until = until - grace
    terms = _final_terms(tables["contracts"], until).collect().lazy()
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
    renewals = terms.filter("again").select("account_id", renewed_at=pl.col("term_start")).unique().collect()
    return Outcomes(lives, _steps(terms, grace_days).collect(), renewals, observed_until)


def _steps(terms: pl.LazyFrame, grace_days: int) -> pl.LazyFrame:
    begins = terms.select("account_id", at="term_start", by="arr")
    ends = terms.filter(pl.col("term_end") < _FOREVER).select("account_id", at="term_end", by=-pl.col("arr"))
    levels = (
        pl.concat([begins, ends])
        .group_by("account_id", "at")
        .agg(pl.col("by").sum())
        .sort("account_id", "at")
        .with_columns(level=pl.col("by").cum_sum().over("account_id"))
    )
    ahead = levels.rolling("at", period=f"{grace_days}d1us", offset="0d", closed="left", group_by="account_id").agg(
        low=pl.col("level").max().round(6), high=pl.col("level").min().round(6)
    )
    return ahead.select("account_id", "at", "low", "high")


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
        .with_columns(
            next_start=pl.col("term_start").shift(-1).over("contract_id"),
            again=pl.col("term_start").shift(1).over("contract_id").is_not_null(),
        )
        .with_columns(term_end=pl.min_horizontal(pl.col("term_end").fill_null(_FOREVER), "next_start"))
        .filter((pl.col("term_end") > pl.col("term_start")) & (pl.col("arr") > 0))
        .select("account_id", "term_start", "term_end", "arr", "as_planned", "again")
    )
