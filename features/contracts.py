"""Contracts as they were known at a moment.

A contract's rows are never edited: a later term or an amendment is a new row with its own `available_at`. The row in
force at `t` is the one with the greatest `(term_start, available_at)` among the contract's rows that began by `t` and
were known by then; it is active while `term_end` is missing or later than `t`. A row without `available_at` is known
when its term begins.
"""

import narwhals as nw

from features.periods import Lazy

_LATEST = ("term_start", "known_at")


def in_force(contracts: Lazy, moments: Lazy) -> Lazy:
    """One row per account and moment at which a contract was in force, as known then.

    `moments` has `at` (when the contract must be in force) and `known_by` (whose knowledge counts).

    Columns: account_id, at, `arr`, `seats` (missing where no contract counts them), `contracts`, `products`,
    `renewal_at` (end of the signed terms of the contract with the largest ARR; missing if open-ended), `term_days`
    (length of its term), `auto_renew`, `notice` (1 where notice of it was given), `customer_since`.
    """
    versions = (
        contracts.with_columns(known_at=nw.coalesce(nw.col("available_at"), nw.col("term_start")))
        .join(moments, how="cross")
        .filter(nw.col("known_at") <= nw.col("known_by"))
    )
    contract = ("contract_id", "at")
    begun = _newest(versions.filter(nw.col("term_start") <= nw.col("at")), contract)
    active = begun.filter(nw.col("term_end").is_null() | (nw.col("term_end") > nw.col("at")))
    signed = _newest(versions, contract).select(
        "contract_id",
        "at",
        ends_at=nw.col("term_end"),
        term_days=(nw.col("term_end") - nw.col("term_start")).dt.total_minutes() / 1440,
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
    sums = active.group_by(*account).agg(
        nw.col("arr").sum(),
        nw.col("seats").cast(nw.Float64).sum().alias("seat_sum"),
        nw.col("seats").count().alias("seat_contracts"),
        nw.col("contract_id").n_unique().alias("contracts"),
        nw.col("product").n_unique().alias("products"),
    )
    since = (
        versions.filter(nw.col("term_start") <= nw.col("at"))
        .group_by(*account)
        .agg(nw.col("term_start").min().alias("customer_since"))
    )
    return (
        sums.join(main, on=list(account), how="inner")
        .join(since, on=list(account), how="inner")
        .with_columns(seats=nw.when(nw.col("seat_contracts") > 0).then(nw.col("seat_sum")))
        .drop("seat_sum", "seat_contracts")
    )


def _newest(versions: Lazy, group: tuple[str, ...]) -> Lazy:
    """The row with the greatest (term_start, known_at) of each group."""
    for column in _LATEST:
        versions = versions.filter(nw.col(column) == nw.col(column).max().over(*group))
    return versions
