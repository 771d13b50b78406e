"""The spine: which accounts exist as customers at which `as_of`, decided from what was known then."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, overload

import polars as pl

from features.contracts import in_force
from features.engines import AnyTables, Frame, beside, like, opened, plain_division
from features.periods import moment
from features.tables import Tables


@overload
def spine(tables: Tables | Mapping[str, pl.LazyFrame], as_ofs: Sequence[datetime]) -> pl.DataFrame: ...
@overload
def spine(tables: Mapping[str, Frame], as_ofs: Sequence[datetime]) -> Frame: ...
@plain_division()
def spine(tables: AnyTables, as_ofs: Sequence[datetime]) -> Any:
    """`account_id`, `as_of` of every account with a contract in force at `as_of`, as known at `as_of`; sorted.

    Of the kind of frame the tables are, as `build` returns it. Raises SettingsError where an `as_of` isn't a midnight.
    """
    at = pl.Series("at", [moment(as_of) for as_of in as_ofs], dtype=pl.Datetime("us"))
    contracts = opened(tables, "contracts")
    active = in_force(contracts, beside(contracts, pl.DataFrame({"at": at, "known_by": at})), ())
    return like(tables["contracts"], active.select("account_id", as_of="at").sort("as_of", "account_id"))
