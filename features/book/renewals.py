"""Renewals: of the terms that came to their end, how many were renewed?

A term ends at its last known end, or where the contract's next term begins if that runs longer: an early renewal. A
next term that ends no later than the one it cuts short is an amendment, the term goes on. A term is renewed when the
same contract's next term begins no more than the grace period after its end. Whether a term that ended within the
grace period will be renewed isn't certain yet, so the year of the rate ends `grace_days` before `as_of`. Orders and
fixed terms have nothing to renew.
"""

from datetime import timedelta

import polars as pl

from features.book.measure import BookMeasure, Facts, share
from features.book.view import YEAR, View

_TABLES = ("contracts",)
_NEVER_RENEWED = ("order", "fixed_term")


def ended_terms(view: View) -> pl.DataFrame:
    """Terms that ended in the last year whose outcome is certain.

    Columns: contract_id, account_id, `arr` (last price), `ended_at`, `renewed`.
    """
    grace = timedelta(days=view.grace_days)
    certain = view.as_of - grace
    order = ("contract_id", "term_start")
    terms = (
        view.history.sort(*order, "begins")
        .unique(order, keep="last", maintain_order=True)
        .with_columns(
            next_start=pl.col("term_start").shift(-1).over("contract_id"),
            next_end=pl.col("term_end").shift(-1).over("contract_id"),
        )
        .filter(pl.col("arr") > 0, ~pl.col("kind").is_in(_NEVER_RENEWED).fill_null(False))
    )
    cut_short = (pl.col("next_start") < pl.col("term_end")).fill_null(False)
    return (
        terms.filter(~cut_short | (pl.col("next_end") > pl.col("term_end")))
        .with_columns(ended_at=pl.min_horizontal("term_end", "next_start"))
        .filter((pl.col("ended_at") > certain - YEAR) & (pl.col("ended_at") <= certain))
        .select(
            *("contract_id", "account_id", "arr", "ended_at"),
            renewed=(pl.col("next_start") - pl.col("ended_at") <= grace).fill_null(False),
        )
    )


def _facts(view: View) -> pl.LazyFrame:
    renewed = pl.col("renewed").cast(pl.Float64)
    return (
        ended_terms(view)
        .lazy()
        .select(
            "account_id",
            terms_ended=pl.lit(1.0),
            terms_renewed=renewed,
            terms_ended_arr="arr",
            terms_renewed_arr=renewed * pl.col("arr"),
        )
    )


FACTS = (Facts(_TABLES, _facts),)

MEASURES: tuple[BookMeasure, ...] = (
    share(
        "renewal_rate",
        "retention",
        "Share of the contract terms that ended in a year and were renewed",
        "terms renewed within the grace period ÷ terms ended in the 364 days up to the grace period before as_of",
        _TABLES,
        pl.col("terms_renewed"),
        pl.col("terms_ended"),
        direction=1,
    ),
    share(
        "renewal_rate_arr",
        "retention",
        "Share of the ARR of the contract terms that ended in a year that was up for renewal and renewed",
        "ARR of the terms renewed, as it was at their end ÷ ARR of the terms ended",
        _TABLES,
        pl.col("terms_renewed_arr"),
        pl.col("terms_ended_arr"),
        direction=1,
    ),
)
