"""Groups: the parts of the book a measure is told for.

An account belongs to one group, so that groups add up to the whole. `product` and `contract_size` go by its contracts
a year before `as_of` where it was a customer then, otherwise by those at `as_of`: who has left keeps its group. The
product is the one with the largest ARR; the size is the quarter of accounts its ARR falls in. The others are read off
the accounts table. Where it isn't known, and for what belongs to no known account, the group is `unknown`.
"""

import polars as pl

from features.book.view import View
from features.errors import SettingsError

WHOLE = "all"
UNKNOWN = "unknown"
COLUMNS = ("segment", "region", "channel", "owner")
GROUPINGS = (*COLUMNS, "product", "contract_size")
SIZES = ("1 smallest quarter", "2 second quarter", "3 third quarter", "4 largest quarter")


def groups(view: View, by: str | None) -> pl.DataFrame:
    """`account_id` and `group` of accounts whose group is known; SettingsError for a grouping there isn't."""
    if by is None:
        return pl.DataFrame(schema={"account_id": pl.String, "group": pl.String})
    if by not in GROUPINGS:
        raise SettingsError(f"the book can't be grouped by {by!r}: give one of {', '.join(GROUPINGS)}")
    if by in COLUMNS:
        known = pl.col("available_at").is_null() | (pl.col("available_at") <= view.as_of)
        return view.tables["accounts"].filter(known).select("account_id", group=by).drop_nulls().collect()
    contracts = pl.concat([view.then, view.now.join(view.then, on="account_id", how="anti")])
    return _main_product(contracts) if by == "product" else _size(contracts)


def grouped(rows: pl.DataFrame, members: pl.DataFrame, by: str | None) -> pl.DataFrame:
    """`rows` with the `group` of their account instead of `account_id`."""
    if by is None:
        return rows.drop("account_id").with_columns(group=pl.lit(WHOLE))
    joined = rows.join(members, on="account_id", how="left").drop("account_id")
    return joined.with_columns(pl.col("group").fill_null(UNKNOWN))


def _main_product(contracts: pl.DataFrame) -> pl.DataFrame:
    return (
        contracts.drop_nulls("product")
        .group_by("account_id", "product")
        .agg(pl.col("arr").sum())
        .sort("account_id", "arr", "product", descending=[False, True, False])
        .unique("account_id", keep="first", maintain_order=True)
        .select("account_id", group="product")
    )


def _size(contracts: pl.DataFrame) -> pl.DataFrame:
    sizes = contracts.group_by("account_id").agg(pl.col("arr").sum())
    arr, group = pl.col("arr"), pl.lit(SIZES[0])
    for bound, size in zip((0.25, 0.5, 0.75), SIZES[1:], strict=True):
        group = pl.when(arr > arr.quantile(bound)).then(pl.lit(size)).otherwise(group)
    return sizes.select("account_id", group=group)
