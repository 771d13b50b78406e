"""When each account was under contract, as finally known, and which rows fall outside."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

_SPAN = 1 << 40
"""Seconds set apart for each account on the one line that all intervals lie on."""

_DAY = 86_400


@dataclass(frozen=True)
class Coverage:
    """Merged contract intervals `[start, end)` of all accounts, laid end to end on one line, in seconds."""

    accounts: pl.DataFrame
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]

    def outside(self, account_id: pl.Series, when: pl.Series) -> pl.Series:
        """Mask of rows outside every contract of their account; a date is outside if no part of it is inside.

        Rows without account or time, and of unknown accounts, are not outside.
        """
        rows = pl.DataFrame({"account_id": account_id, "when": when.cast(pl.Datetime("us")).dt.epoch("s")})
        rows = rows.join(self.accounts, on="account_id", how="left", maintain_order="left")
        known = (rows["_code"].is_not_null() & rows["when"].is_not_null()).to_numpy()
        low = rows["_code"].fill_null(0).to_numpy() * _SPAN + rows["when"].fill_null(0).to_numpy()
        high = low + _DAY - 1 if when.dtype == pl.Date else low
        found = np.searchsorted(self.starts, high, side="right") - 1
        inside = (
            (found >= 0) & (self.ends[np.maximum(found, 0)] > low) if len(self.starts) else np.zeros(len(low), bool)
        )
        return pl.Series(known & ~inside)


def coverage(accounts: pl.DataFrame, contracts: pl.DataFrame) -> Coverage:
    """Coverage of every account from checked accounts and contracts.

    Per contract the row in force is the one with the greatest (term_start, available_at); a term ends where the next
    of the same contract starts, if not before. An account's coverage is the union over its contracts.
    """
    codes = accounts.select("account_id").with_row_index("_code").with_columns(pl.col("_code").cast(pl.Int64))
    terms = (
        contracts.lazy()
        .join(codes.lazy(), on="account_id")
        .sort("contract_id", "term_start", pl.col("available_at").fill_null(pl.col("term_start")), maintain_order=True)
        .group_by("_code", "contract_id", "term_start", maintain_order=True)
        .agg(pl.col("term_end").last())
        .with_columns(next_start=pl.col("term_start").shift(-1).over("_code", "contract_id"))
        .select(
            "_code",
            start=pl.col("term_start").dt.epoch("s"),
            end=pl.min_horizontal("term_end", "next_start").dt.epoch("s").fill_null(_SPAN // 4),
        )
        .with_columns(pl.col("start", "end").clip(-_SPAN // 4, _SPAN // 4) + pl.col("_code") * _SPAN)
        .filter(pl.col("end") > pl.col("start"))
        .sort("start")
        .with_columns(reach=pl.col("end").cum_max().shift(1))
        .with_columns(block=(pl.col("start") > pl.col("reach")).fill_null(True).cum_sum())
        .group_by("block", maintain_order=True)
        .agg(pl.col("start").min(), pl.col("end").max())
        .collect()
    )
    return Coverage(codes, terms["start"].to_numpy(), terms["end"].to_numpy())
