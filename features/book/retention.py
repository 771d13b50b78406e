"""Retention: who stayed, and how much of the money did."""

import polars as pl

from features.book.measure import BookMeasure, Facts, amount, share
from features.book.movements import movements
from features.book.view import View
from features.errors import UnusableData

_TABLES = ("contracts",)
_RECURRING = ("subscription", "maintenance", "service")


def one_currency(view: View) -> None:
    """Refuse tables that say themselves that they hold several currencies.

    Canonical tables have no currency column, money is in one currency by contract, and what a mapping has mixed can't
    be told from amounts. UnusableData if a frame carries a column `currency` nevertheless, with different values.
    """
    for name in ("accounts", "contracts"):
        frame = view.tables[name]
        if "currency" in frame.collect_schema().names():
            found = frame.select(pl.col("currency").drop_nulls().unique().sort()).collect().to_series().to_list()
            if len(found) > 1:
                raise UnusableData(f"{name} is in {', '.join(map(str, found))}: convert to one currency in the mapping")


def _customers(view: View) -> pl.LazyFrame:
    return view.customers.lazy().select("account_id", customers=pl.lit(1.0), customer_arr="arr")


def _movements(view: View) -> pl.LazyFrame:
    return movements(view).lazy().select(pl.all().exclude("end")).with_columns(base=pl.lit(1.0))


def _recurring(view: View) -> pl.LazyFrame:
    known = view.now.lazy().drop_nulls("kind")
    recurring = pl.when(pl.col("kind").is_in(_RECURRING)).then("arr").otherwise(0.0)
    return known.select("account_id", recurring_arr=recurring, known_kind_arr="arr")


FACTS = (Facts(_TABLES, _customers), Facts(_TABLES, _movements), Facts(_TABLES, _recurring))

_START, _BASE = pl.col("start"), pl.col("base")
_EXPANSION, _CONTRACTION, _LOST = pl.col("expansion"), pl.col("contraction"), pl.col("lost")
_MONEY = "currency per year"

MEASURES: tuple[BookMeasure, ...] = (
    amount(
        "customers",
        "retention",
        "accounts",
        "Accounts with a revenue-generating contract",
        "accounts with a contract of ARR above zero in force, or within the grace period after the last one",
        _TABLES,
        pl.col("customers"),
        direction=1,
    ),
    amount(
        "arr",
        "retention",
        _MONEY,
        "Annual recurring revenue of all customers",
        "sum of the ARR of the contracts in force, and of those that ended last within the grace period",
        _TABLES,
        pl.col("customer_arr"),
        direction=1,
    ),
    share(
        "customer_retention",
        "retention",
        "Share of the customers of a year ago that are customers now",
        "customers at both ends ÷ customers 364 days ago",
        _TABLES,
        pl.col("stayed"),
        _BASE,
        direction=1,
    ),
    share(
        "logo_churn",
        "retention",
        "Share of the customers of a year ago that have churned",
        "customers 364 days ago that are none now and did not complete ÷ customers 364 days ago",
        _TABLES,
        pl.col("churned"),
        _BASE,
        direction=-1,
    ),
    share(
        "completed",
        "retention",
        "Share of the customers of a year ago that left because all they had bought was meant to end",
        "customers 364 days ago that left with nothing but fixed terms run to plan ÷ customers 364 days ago",
        _TABLES,
        pl.col("completed"),
        _BASE,
    ),
    share(
        "nrr",
        "retention",
        "Net revenue retention: what the customers of a year ago pay now against what they paid then",
        "(start + expansion − contraction − churn) ÷ start",
        _TABLES,
        _START + _EXPANSION - _CONTRACTION - _LOST,
        _START,
        direction=1,
    ),
    share(
        "grr",
        "retention",
        "Gross revenue retention: the same without what customers pay more",
        "(start − contraction − churn) ÷ start",
        _TABLES,
        _START - _CONTRACTION - _LOST,
        _START,
        direction=1,
    ),
    share(
        "expansion",
        "retention",
        "ARR that customers of a year ago pay more, as a share of what all paid then",
        "sum of increases of more than 1 % ÷ start",
        _TABLES,
        _EXPANSION,
        _START,
        direction=1,
    ),
    share(
        "contraction",
        "retention",
        "ARR that customers of a year ago who stayed pay less, as a share of what all paid then",
        "sum of decreases of more than 1 % ÷ start",
        _TABLES,
        _CONTRACTION,
        _START,
        direction=-1,
    ),
    share(
        "revenue_churn",
        "retention",
        "ARR of the customers of a year ago that have churned, as a share of what all paid then",
        "ARR at the start of those that churned ÷ start",
        _TABLES,
        _LOST,
        _START,
        direction=-1,
    ),
    amount(
        "expansion_arr",
        "retention",
        _MONEY,
        "ARR that customers of a year ago pay more",
        "sum of increases of more than 1 %",
        _TABLES,
        _EXPANSION,
        direction=1,
        evidence=_BASE,
    ),
    amount(
        "contraction_arr",
        "retention",
        _MONEY,
        "ARR that customers of a year ago who stayed pay less",
        "sum of decreases of more than 1 %",
        _TABLES,
        _CONTRACTION,
        direction=-1,
        evidence=_BASE,
    ),
    amount(
        "churned_arr",
        "retention",
        _MONEY,
        "ARR of the customers of a year ago that have churned",
        "sum of the ARR at the start of those that churned",
        _TABLES,
        _LOST,
        direction=-1,
        evidence=_BASE,
    ),
    share(
        "recurring_revenue_rate",
        "retention",
        "Share of the ARR that recurs by contract, rather than by order or project",
        "ARR of subscription, maintenance and service contracts ÷ ARR of all contracts whose kind is known",
        _TABLES,
        pl.col("recurring_arr"),
        pl.col("known_kind_arr"),
        direction=1,
    ),
)
