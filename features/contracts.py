"""Contracts as they were known at a moment.

A contract's rows are never edited: a later term or an amendment is a new row with its own `available_at`. The row in
force at `t` is the one with the greatest `(term_start, available_at)` among the contract's rows that began by `t` and
were known by then; it is active while `term_end` is missing or later than `t` and its ARR is above zero: who pays
nothing is no customer. A row without `available_at` is known
when its term begins.
"""

import narwhals as nw

from features.measures import MILLION, millionths
from features.periods import Lazy, days_between, divided

_LATEST = ("term_start", "known_at")
_RECURRING = ("subscription", "maintenance", "service")
_SERVICE = ("maintenance", "service")


def in_force(contracts: Lazy, moments: Lazy) -> Lazy:
    """One row per account and moment at which a contract was in force, as known then.

    `moments` has `at` (when the contract must be in force) and `known_by` (whose knowledge counts).

    Columns: account_id, at, `arr`, `seats` (missing where no contract counts them), `contracts`, `products`,
    `renewal_at` (end of the signed terms of the contract with the largest ARR; missing if open-ended), `term_days`
    (length of its term), `auto_renew`, `notice` (1 where notice of it was given), `customer_since`, `renewals` (terms
    begun after the first of their contract), `recurring_share` (of the ARR whose kind is known, what recurs),
    `service_arr` (of service and maintenance; missing where no kind is known), `service_level_known` (whether any of
    these names its level; missing without one).
    """
    versions = (
        contracts.with_columns(
            known_at=nw.coalesce(nw.col("available_at"), nw.col("term_start")), arr=millionths(nw.col("arr"))
        )
        .join(moments, how="cross")
        .filter(nw.col("known_at") <= nw.col("known_by"))
    )
    contract = ("contract_id", "at")
    begun = _newest(versions.filter(nw.col("term_start") <= nw.col("at")), contract)
    running = nw.col("term_end").is_null() | (nw.col("term_end") > nw.col("at"))
    active = begun.filter(running & (nw.col("arr") > 0))
    signed = _newest(versions, contract).select(
        "contract_id",
        "at",
        ends_at=nw.col("term_end"),
        term_days=days_between(nw.col("term_start"), nw.col("term_end")),
    )
    account = ("account_id", "at")
    main = (
        active.join(signed, on=["contract_id", "at"], how="inner")
        .filter(nw.col("arr") == nw.col("arr").max().over(*account))
        .group_by(*account)
        .agg(
            nw.col("ends_at").min().alias("renewal_at"),
            nw.col("term_days").min(),
            nw.col("auto_renew").cast(nw.Float64).min(),
            nw.when(nw.col("notice_at") <= nw.col("known_by"))
            .then(nw.lit(1.0))
            .otherwise(nw.lit(0.0))
            .max()
            .alias("notice"),
        )
    )
    recurs, serves = nw.col("kind").is_in(_RECURRING), nw.col("kind").is_in(_SERVICE)
    sums = active.with_columns(
        sorted_arr=nw.when(~nw.col("kind").is_null()).then(nw.col("arr")),
        recurring_arr=nw.when(recurs).then(nw.col("arr")),
        serving_arr=nw.when(serves).then(nw.col("arr")),
        named_level=nw.when(serves & ~nw.col("service_level").is_null()).then(nw.lit(1)),
        serving=nw.when(serves).then(nw.lit(1)),
    )
    sums = sums.group_by(*account).agg(
        nw.col("arr").sum(),
        *(nw.col(part).sum() for part in ("sorted_arr", "recurring_arr", "serving_arr", "named_level", "serving")),
        nw.col("kind").count().alias("kinds"),
        nw.col("seats").cast(nw.Float64).sum().alias("seat_sum"),
        nw.col("seats").count().alias("seat_contracts"),
        nw.col("contract_id").n_unique().alias("contracts"),
        nw.col("product").n_unique().alias("products"),
    )
    since = (
        versions.filter(nw.col("term_start") <= nw.col("at"))
        .group_by(*account, "contract_id")
        .agg(
            nw.col("term_start").min().alias("customer_since"), (nw.col("term_start").n_unique() - 1).alias("renewals")
        )
    )
    since = since.group_by(*account).agg(nw.col("customer_since").min(), nw.col("renewals").sum())
    return (
        sums.join(main, on=list(account), how="inner")
        .join(since, on=list(account), how="inner")
        .with_columns(
            arr=divided(nw.col("arr"), MILLION),
            seats=nw.when(nw.col("seat_contracts") > 0).then(nw.col("seat_sum")),
            recurring_share=nw.when(nw.col("sorted_arr") > 0).then(nw.col("recurring_arr") / nw.col("sorted_arr")),
            service_arr=nw.when(nw.col("kinds") > 0).then(divided(nw.col("serving_arr"), MILLION)),
            service_level_known=nw.when(nw.col("serving") > 0).then(
                nw.when(nw.col("named_level") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
            ),
        )
        .drop(
            "seat_sum",
            "seat_contracts",
            "sorted_arr",
            "recurring_arr",
            "serving_arr",
            "named_level",
            "serving",
            "kinds",
        )
    )


def _newest(versions: Lazy, group: tuple[str, ...]) -> Lazy:
    """The row with the greatest (term_start, known_at) of each group; of two alike the one with the larger ARR."""
    return versions.unique(list(group), keep="last", order_by=[*_LATEST, "arr"])
