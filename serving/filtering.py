"""Which rows of a batch a query keeps, as one Polars expression over its listed columns."""

from datetime import datetime, timedelta

import polars as pl

from serving.folding import fold
from serving.listing import BOUNDED, EXACT, AccountQuery
from serving.reach import Reach


def kept(query: AccountQuery, reach: Reach, as_of: datetime) -> pl.Expr:
    """The condition that the query's filters and the caller's reach make; a missing value meets none."""
    conditions = [pl.col("account_id").is_not_null(), *_exact(query), *_bounds(query)]
    if reach.owner is not None:
        conditions.append(pl.col("owner") == reach.owner)
    if query.q and (words := fold(query.q.strip())):
        conditions.append(pl.col("folded").str.contains(words, literal=True))
    if query.renewal_within is not None:
        until = as_of + timedelta(days=int(query.renewal_within.removesuffix("d")))
        conditions.append(pl.col("renewal_at").is_between(as_of, until))
    if query.points_below is not None:
        dimension, _, level = query.points_below.partition(":")
        conditions.append(pl.col(f"points_{dimension}") < float(level))
    return pl.all_horizontal(conditions).fill_null(False)


def _exact(query: AccountQuery) -> list[pl.Expr]:
    wanted = {name: getattr(query, name) for name in EXACT}
    return [pl.col(name) == value for name, value in wanted.items() if value is not None]


def _bounds(query: AccountQuery) -> list[pl.Expr]:
    conditions = []
    for name in BOUNDED:
        if (least := getattr(query, f"{name}_min")) is not None:
            conditions.append(pl.col(name) >= least)
        if (most := getattr(query, f"{name}_max")) is not None:
            conditions.append(pl.col(name) <= most)
    return conditions
