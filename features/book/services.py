"""Services: who has bought maintenance or service with the product, and what it brings.

A service contract is one of kind maintenance or service; a product contract is one of any other kind. Contracts whose
kind isn't known count as neither, and a customer none of whose contracts has a known kind isn't counted.
"""

import polars as pl

from features.book.measure import BookMeasure, Facts, amount, share
from features.book.view import YEAR, View

_TABLES = ("contracts",)
_SERVICE = pl.col("kind").is_in(("maintenance", "service"))


def _contracts(view: View) -> pl.DataFrame:
    """Contracts of known kind that count at `as_of`, with `serves` and whether the account is `covered`."""
    known = view.now.drop_nulls("kind").with_columns(serves=_SERVICE)
    return known.with_columns(covered=pl.col("serves").any().over("account_id"))


def _coverage(view: View) -> pl.LazyFrame:
    arr, serves, covered = pl.col("arr"), pl.col("serves"), pl.col("covered")
    return (
        _contracts(view)
        .lazy()
        .group_by("account_id")
        .agg(
            service_known=pl.lit(1.0),
            service_covered=covered.any().cast(pl.Float64),
            product_arr=arr.filter(~serves).sum(),
            product_arr_covered=arr.filter(~serves & covered).sum(),
            service_arr=arr.filter(serves).sum(),
        )
    )


def _attached(view: View) -> pl.LazyFrame:
    first = view.history.group_by("contract_id").agg(first=pl.col("term_start").min())
    sold = _contracts(view).filter(~pl.col("serves")).join(first, on="contract_id")
    covered = pl.col("covered").cast(pl.Float64)
    sold = sold.filter(pl.col("first") > view.as_of - YEAR)
    return sold.lazy().select("account_id", products_sold=pl.lit(1.0), products_attached=covered)


def _step_ups(view: View) -> pl.LazyFrame:
    """Customers at both ends whose contracts say a kind or a level, and whether they have stepped up."""
    service_kinds = pl.col("kind").filter(_SERVICE).drop_nulls().unique()
    levels = pl.col("service_level").drop_nulls().unique()
    leveled = pl.col("arr").filter(pl.col("service_level").is_not_null()).sum()
    told = (pl.col("kind").is_not_null() | pl.col("service_level").is_not_null()).any()
    ends = [
        end.group_by("account_id").agg(kinds=service_kinds, levels=levels, leveled=leveled, told=told)
        for end in (view.then, view.now)
    ]
    added = pl.col("kinds_now").list.set_difference("kinds").list.len() > 0
    new_level = pl.col("levels_now").list.set_difference("levels").list.len() > 0
    raised = new_level & (pl.col("leveled_now") > pl.col("leveled"))
    return (
        ends[0]
        .join(ends[1], on="account_id", suffix="_now")
        .filter(pl.col("told") & pl.col("told_now"))
        .lazy()
        .select("account_id", could_step_up=pl.lit(1.0), stepped_up=(added | raised).cast(pl.Float64))
    )


FACTS = (Facts(_TABLES, _coverage), Facts(_TABLES, _attached), Facts(_TABLES, _step_ups))

MEASURES: tuple[BookMeasure, ...] = (
    share(
        "attach_rate",
        "services",
        "Share of the product contracts sold in the last year whose customer has a service contract",
        "product contracts in force first begun in the last 364 days, of covered accounts ÷ all of them",
        _TABLES,
        pl.col("products_attached"),
        pl.col("products_sold"),
        direction=1,
    ),
    share(
        "service_coverage",
        "services",
        "Share of the customers that have a maintenance or service contract",
        "customers with a service contract ÷ customers whose contracts have a known kind",
        _TABLES,
        pl.col("service_covered"),
        pl.col("service_known"),
        direction=1,
    ),
    share(
        "service_coverage_arr",
        "services",
        "Share of the ARR of products that is covered by a maintenance or service contract of the same customer",
        "product ARR of customers with a service contract ÷ product ARR",
        _TABLES,
        pl.col("product_arr_covered"),
        pl.col("product_arr"),
        direction=1,
    ),
    share(
        "step_ups",
        "services",
        "Share of the customers of a year ago and now that added a kind of service or went to a higher service level",
        "customers at both ends with a kind of service they didn't have, or with a level they didn't have and more ARR "
        "in contracts that have a level ÷ customers at both ends whose contracts have a kind or level",
        _TABLES,
        pl.col("stepped_up"),
        pl.col("could_step_up"),
        direction=1,
    ),
    amount(
        "direct_service_revenue",
        "services",
        "currency per year",
        "ARR of maintenance and service contracts",
        "sum of the ARR of service contracts",
        _TABLES,
        pl.col("service_arr"),
        direction=1,
        evidence=pl.col("service_known"),
    ),
    amount(
        "indirect_service_revenue",
        "services",
        "currency per year",
        "ARR of the products that customers with a service contract have",
        "sum of the product ARR of customers with a service contract",
        _TABLES,
        pl.col("product_arr_covered"),
        direction=1,
        evidence=pl.col("service_known"),
    ),
)
