"""Contracts as they were known at a moment.

A contract's rows are never edited: a later term or an amendment is a new row with its own `available_at`. The row in
force at `t` is the one with the greatest `(term_start, available_at)` among the contract's rows that began by `t` and
were known by then; it is active while `term_end` is missing or later than `t` and its ARR is above zero: who pays
nothing is no customer. A row without `available_at` is known when its term begins.
"""

from collections.abc import Collection

import narwhals as nw

from features.measures import MILLION, millionths
from features.periods import Lazy, days_between, divided

_RECURRING = ("subscription", "maintenance", "service")
_SERVICE = ("maintenance", "service")
_ACCOUNT = ("account_id", "at")
_MAIN = ("renewal_at", "term_days", "auto_renew", "notice")
FACTS = (
    "arr",
    "seats",
    "contracts",
    "products",
    *_MAIN,
    "customer_since",
    "renewals",
    "recurring_share",
    "fixed_term",
    "service_arr",
    "service_level_known",
)


def in_force(contracts: Lazy, moments: Lazy, facts: Collection[str] = FACTS) -> Lazy:
    """One row per account and moment at which a contract was in force, as known then.

    `moments` has `at` (when the contract must be in force), each once, and `known_by` (whose knowledge counts).

    Columns: account_id, at, and of these the `facts` asked for: `arr`, `seats` (missing where no contract counts them),
    `contracts`, `products`, `renewal_at` (end of the signed terms of the contract with the largest ARR; missing if
    open-ended), `term_days` (length of its term), `auto_renew`, `notice` (1 where notice of it was given),
    `customer_since`, `renewals` (terms begun after the first of their contract), `recurring_share` (of the ARR whose
    kind is known, what recurs), `fixed_term` (1 where every contract in force is meant to end), `service_arr` (of
    service and maintenance; missing where no kind is known), `service_level_known` (whether any of these names its
    level; missing without one).
    """
    versions = _versions(contracts)
    begun = _begun(versions, moments)
    found = _totals(begun)
    if any(fact in facts for fact in _MAIN):
        found = found.join(_main(begun, versions, moments), on=list(_ACCOUNT), how="inner")
    return found.select(*_ACCOUNT, *(fact for fact in FACTS if fact in facts))


def _versions(contracts: Lazy) -> Lazy:
    """The rows of contracts with a `version` that grows with what is newer, and the first of each as its `contract`.

    Of two rows with the same start and known at the same moment the one with the larger ARR is newer; the other columns
    are there so that the order of rows never decides.
    """
    rest = ("term_end", "seats", "kind", "product", "service_level", "auto_renew", "notice_at", "account_id")
    rows = contracts.with_columns(
        known_at=nw.coalesce(nw.col("available_at"), nw.col("term_start")), arr=millionths(nw.col("arr"))
    )
    rows = rows.with_row_index("version", order_by=["contract_id", "term_start", "known_at", "arr", *rest])
    return rows.with_columns(
        contract=nw.col("version").min().over("contract_id"),
        first_of_term=nw.col("version").min().over("contract_id", "term_start"),
    )


def _begun(versions: Lazy, moments: Lazy) -> Lazy:
    """The version in force, or once in force, of every contract that had begun by each moment, as known then.

    Beside its columns: `signed`, the newest version whether begun or not, `first_start`, `renewals`, `active`.
    """
    known = (
        versions.select("version", "contract", "first_of_term", "term_start", "known_at")
        .join(moments, how="cross")
        .filter(nw.col("known_at") <= nw.col("known_by"))
    )
    has_begun = nw.col("term_start") <= nw.col("at")
    opens = has_begun & (nw.col("version") == nw.col("first_of_term"))
    newest = known.group_by("contract", "at").agg(
        nw.when(has_begun).then(nw.col("version")).max().alias("version"),
        nw.col("version").max().alias("signed"),
        nw.when(has_begun).then(nw.col("term_start")).min().alias("first_start"),
        (nw.when(opens).then(nw.lit(1)).sum() - 1).alias("renewals"),
    )
    begun = newest.join(versions.drop("contract", "first_of_term"), on="version", how="inner")
    running = nw.col("term_end").is_null() | (nw.col("term_end") > nw.col("at"))
    return begun.with_columns(active=running & (nw.col("arr") > 0))


def _totals(begun: Lazy) -> Lazy:
    """What adds up over an account's contracts; accounts with none active are gone."""
    active, kind = nw.col("active"), nw.col("kind")
    serves = active & kind.is_in(_SERVICE)
    amounts = {
        "arr": nw.when(active).then(nw.col("arr")),
        "known_kind": nw.when(active & ~kind.is_null()).then(nw.col("arr")),
        "recurring": nw.when(active & kind.is_in(_RECURRING)).then(nw.col("arr")),
        "serving": nw.when(serves).then(nw.col("arr")),
        "seats": nw.when(active).then(nw.col("seats").cast(nw.Float64)),
    }
    counts = {
        "contracts": active,
        "ended": ~active,
        "kinds": active & ~kind.is_null(),
        "counted": active & ~nw.col("seats").is_null(),
        "services": serves,
        "fixed": active & (kind == "fixed_term"),
        "levels": serves & ~nw.col("service_level").is_null(),
        "unnamed": active & nw.col("product").is_null(),
    }
    sums = begun.group_by(*_ACCOUNT).agg(
        *(value.sum().alias(name) for name, value in amounts.items()),
        *(nw.when(holds).then(nw.lit(1)).otherwise(nw.lit(0)).sum().alias(name) for name, holds in counts.items()),
        nw.when(active).then(nw.col("product")).n_unique().alias("products"),
        nw.col("first_start").min().alias("customer_since"),
        nw.col("renewals").sum(),
    )
    null_of_the_ended = (nw.col("ended") > 0) & (nw.col("unnamed") == 0)
    has_level = nw.when(nw.col("levels") > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    return sums.filter(nw.col("contracts") > 0).with_columns(
        arr=divided(nw.col("arr"), MILLION),
        seats=nw.when(nw.col("counted") > 0).then(nw.col("seats")),
        products=nw.when(null_of_the_ended).then(nw.col("products") - 1).otherwise(nw.col("products")),
        recurring_share=nw.when(nw.col("known_kind") > 0).then(nw.col("recurring") / nw.col("known_kind")),
        fixed_term=nw.when(nw.col("fixed") == nw.col("contracts")).then(nw.lit(1.0)).otherwise(nw.lit(0.0)),
        service_arr=nw.when(nw.col("kinds") > 0).then(divided(nw.col("serving"), MILLION)),
        service_level_known=nw.when(nw.col("services") > 0).then(has_level),
    )


def _main(begun: Lazy, versions: Lazy, moments: Lazy) -> Lazy:
    """The renewal, by the active contract with the largest ARR; of several alike, what comes first."""
    active = begun.filter(nw.col("active"))
    main = active.filter(nw.col("arr") == nw.col("arr").max().over(*_ACCOUNT))
    newest = versions.select(
        signed="version", ends_at="term_end", term_days=days_between(nw.col("term_start"), nw.col("term_end"))
    )
    noticed = nw.when(nw.col("notice_at") <= nw.col("known_by")).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
    return (
        main.join(newest, on="signed", how="inner")
        .join(moments, on="at", how="inner")
        .group_by(*_ACCOUNT)
        .agg(
            nw.col("ends_at").min().alias("renewal_at"),
            nw.col("term_days").min(),
            nw.col("auto_renew").cast(nw.Float64).min(),
            noticed.max().alias("notice"),
        )
    )
