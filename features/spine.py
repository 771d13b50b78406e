"""The spine: which accounts exist as customers at which `as_of`, decided from what was known then."""

from collections.abc import Sequence
from datetime import datetime

import narwhals as nw
import polars as pl

from features.contracts import in_force
from features.periods import moment
from features.tables import Tables


def spine(tables: Tables, as_ofs: Sequence[datetime]) -> pl.DataFrame:
    """`account_id`, `as_of` of every account with a contract in force at `as_of`, as known at `as_of`; sorted."""
    moments = pl.DataFrame({"at": pl.Series([moment(at) for at in as_ofs], dtype=pl.Datetime("us"))})
    active = in_force(
        nw.from_native(tables["contracts"]),
        nw.from_native(moments.with_columns(known_by="at").lazy()),
    )
    rows: pl.LazyFrame = active.select("account_id", as_of="at").to_native()
    return rows.collect().sort("as_of", "account_id")
