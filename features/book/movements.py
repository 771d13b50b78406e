"""Movements: what became of each customer of a year ago, in ARR.

Start is 364 days before `as_of`, and both ends are told from what was known at `as_of` (see `View`). Accounts are
compared at the two ends only: one that left and came back in between has stayed.

- A customer that no longer is one has **churned**, with all its ARR of the start.
- One that stayed has **expanded** or **contracted** by the whole change of its ARR if that is more than 1 % of the
  start; smaller changes are neither. Contracts of an account net, accounts don't.
- A contract of kind `fixed_term` is meant to end: one that ran to the end first planned counts as it was at the start,
  and one begun since the start counts nothing. A customer that left with nothing but such contracts has **completed**:
  it has gone, but not churned.
"""

import polars as pl

from features.book.stretches import customers
from features.book.view import View

THRESHOLD = 0.01
_ROUNDING = 1e-9


def movements(view: View) -> pl.DataFrame:
    """One row per customer of a year ago, ARR per year in currency.

    Columns: account_id, `start`, `end` (ARR at the two ends, `end` of contracts that are compared), `stayed`,
    `churned`, `completed` (exactly one holds), `expansion`, `contraction`, `lost` (ARR churned); at most one above 0.
    """
    contract = ("contract_id", "account_id")
    fixed = (pl.col("kind") == "fixed_term").fill_null(False)
    begun_since = view.now.filter(fixed).join(view.then, on="contract_id", how="anti").select("contract_id")
    compared = view.now.join(begun_since, on="contract_id", how="anti").select(*contract, end="arr")
    contracts = (
        view.then.select(*contract, start="arr")
        .join(_ran_to_plan(view), on="contract_id", how="left")
        .with_columns(pl.col("done").fill_null(False))
    )
    carried = contracts.filter("done").group_by("account_id").agg(carried=pl.col("start").sum())
    ends = compared.group_by("account_id").agg(pl.col("end").sum())
    change = pl.col("end") - pl.col("start")
    noticed = pl.col("stayed") & (change.abs() > (THRESHOLD + _ROUNDING) * pl.col("start"))
    return (
        contracts.group_by("account_id")
        .agg(pl.col("start").sum(), all_done=pl.col("done").all())
        .join(ends, on="account_id", how="left")
        .join(carried, on="account_id", how="left")
        .join(customers(view.now).select("account_id", stayed=pl.lit(True)), on="account_id", how="left")
        .with_columns(
            pl.col("stayed").fill_null(False), end=pl.col("end").fill_null(0.0) + pl.col("carried").fill_null(0.0)
        )
        .with_columns(
            completed=~pl.col("stayed") & pl.col("all_done"),
            churned=~pl.col("stayed") & ~pl.col("all_done"),
        )
        .select(
            *("account_id", "start", "end", "stayed", "churned", "completed"),
            expansion=pl.when(noticed & (change > 0)).then(change).otherwise(0.0),
            contraction=pl.when(noticed & (change < 0)).then(-change).otherwise(0.0),
            lost=pl.when("churned").then(-change).otherwise(0.0),
        )
    )


def _ran_to_plan(view: View) -> pl.DataFrame:
    """The contracts that counted a year ago, don't now, and are fixed terms whose last one ran to its planned end."""
    last = view.history.filter(pl.col("ends") == pl.col("ends").max().over("contract_id"))
    return (
        last.filter("as_planned", pl.col("ends") <= view.as_of)
        .join(view.now, on="contract_id", how="anti")
        .join(view.then, on="contract_id", how="semi")
        .select("contract_id", done=pl.lit(True))
    )
