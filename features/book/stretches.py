"""Stretches: the contract history cut into pieces of time with one price each, and who was a customer when.

Within a term a price, a kind or a number of seats holds from the moment it became known: an amendment has no effective
date of its own. A term booked late holds from its start at the first price known. A term's end is the last one known,
whenever it became known, and the contract's next term cuts it short. A row without `available_at` is known when its
term begins.

A contract counts at `t` while a stretch of it with ARR above zero runs: contracts that bring no revenue make no
customer. An account none of whose contracts runs at `t` still counts, at what ended last, during a gap of up to
`grace_days`: in a gap known to have been closed in time, and in one that may yet be closed.
"""

from datetime import datetime, timedelta

import polars as pl

FOREVER = datetime(9999, 1, 1)
TERM = ("contract_id", "term_start")


def stretches(contracts: pl.LazyFrame, known_by: datetime) -> pl.DataFrame:
    """One row per stretch of a contract, told from the rows known by `known_by`.

    Columns: contract_id, account_id, product, kind, service_level, arr, seats, `term_start`, `begins`, `ends` (first
    moment after it; 9999 while open), `term_end` (the term's last known end; 9999 while open), `as_planned` (a fixed
    term whose last known end does not lie before the one first planned).
    """
    begins = pl.when(pl.int_range(pl.len()).over(TERM) == 0).then("term_start").otherwise("known_at")
    planned_end, last_end = pl.col("term_end").first().over(TERM), pl.col("term_end").last().over(TERM)
    known = (
        contracts.with_columns(
            known_at=pl.coalesce("available_at", "term_start"), term_end=pl.col("term_end").fill_null(FOREVER)
        )
        .filter(pl.col("known_at") <= known_by)
        .sort(*TERM, "known_at", "available_at")
        .with_columns(
            begins=pl.max_horizontal("term_start", begins),
            as_planned=((pl.col("kind") == "fixed_term") & (last_end >= planned_end)).fill_null(False),
            term_end=last_end,
        )
    )
    terms = (
        known.select(TERM)
        .unique()
        .sort(TERM)
        .with_columns(next_start=pl.col("term_start").shift(-1).over("contract_id"))
    )
    return (
        known.join(terms, on=TERM, how="left")
        .sort(*TERM, "known_at", "available_at")
        .with_columns(ends=pl.min_horizontal("term_end", "next_start", pl.col("begins").shift(-1).over(TERM)))
        .filter(pl.col("ends") > pl.col("begins"))
        .select(
            *("contract_id", "account_id", "product", "kind", "service_level", "arr", "seats"),
            *("term_start", "begins", "ends", "term_end", "as_planned"),
        )
        .collect()
    )


def standing(history: pl.DataFrame, at: datetime, known_by: datetime, grace_days: int) -> pl.DataFrame:
    """The stretches that count at `at`, one row per contract; `history` holds what was known by `known_by`."""
    grace = timedelta(days=grace_days)
    paying = history.filter(pl.col("arr") > 0)
    running = paying.filter((pl.col("begins") <= at) & (pl.col("ends") > at))
    gaps = (
        paying.join(running, on="account_id", how="anti")
        .group_by("account_id")
        .agg(
            left=pl.col("ends").filter(pl.col("ends") <= at).max(),
            back=pl.col("begins").filter(pl.col("begins") > at).min(),
        )
        .filter((pl.col("back") - pl.col("left") <= grace) | (known_by - pl.col("left") < grace))
    )
    held = paying.join(gaps.select("account_id", ends="left"), on=["account_id", "ends"], how="semi")
    return pl.concat([running, held])


def customers(contracts_standing: pl.DataFrame) -> pl.DataFrame:
    """One row per customer: account_id, `arr` (of all its contracts that count), `seats` (missing where none has)."""
    seats = pl.when(pl.col("seats").count() > 0).then(pl.col("seats").sum())
    return contracts_standing.group_by("account_id").agg(pl.col("arr").sum(), seats=seats)
