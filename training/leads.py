"""Leads: one row per account, `as_of` and future period, the table a discrete-time hazard is learned from.

Lead k is the k-th 28-day period after `as_of`. Its covariates are the signals at `as_of`, k, the length of the
contract's term, how far off its end is when the period begins, and whether a term ends in period k when the terms known
at `as_of` roll on as they are: business customers leave at renewals. A row is kept while the account is still there
when the period begins and the period's end has been observed; a completed account's rows end with it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.periods import PERIOD_DAYS

LEADS = 13
CLOCK = ("lead", "renewal_in_lead", "days_to_renewal", "term_days")
"""Covariates that are not signals; `days_to_renewal` counts from the first day of the lead."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LeadRows:
    """Design matrix `x` (rows by signals and `CLOCK`), label `y` (1: churned in that period), and which row is whose.

    `row` indexes the matrix the rows were made from; `begins` and `ends` are the days (ordinals) the period lies
    between.
    """

    x: Floats
    y: NDArray[np.float32]
    row: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]


def expand(matrix: pl.DataFrame, signals: list[str], observed_until: datetime) -> LeadRows:
    """All observed leads of a matrix that `training.outcomes.Outcomes.of` has given its outcomes."""
    values = signal_values(matrix, signals)
    as_of = days(matrix["as_of"])
    churned, completed = days(matrix["churned_at"]), days(matrix["completed_at"])
    renewal, term = renewal_clock(matrix)
    last_day = observed_until.toordinal()
    parts: list[tuple[Any, ...]] = []
    for lead in range(1, LEADS + 1):
        begins, ends = as_of + PERIOD_DAYS * (lead - 1), as_of + PERIOD_DAYS * lead
        at_risk = np.isnan(churned) | (churned > begins)
        keep = np.flatnonzero(at_risk & (ends <= last_day) & ~(completed < ends))
        clock = clock_values(lead, renewal[keep], term[keep])
        label = (churned[keep] <= ends[keep]).astype(np.float32)
        parts.append((np.hstack([values[keep], clock]), label, keep, begins[keep], ends[keep]))
    x, y, row, begin, end = (np.concatenate(column) for column in zip(*parts, strict=True))
    return LeadRows(x, y, row, begin.astype(np.int64), end.astype(np.int64))


def signal_values(matrix: pl.DataFrame, signals: list[str]) -> Floats:
    """Rows by signals; missing is NaN."""
    return matrix.select(pl.col(name).cast(pl.Float32).fill_null(np.nan) for name in signals).to_numpy()


def renewal_clock(matrix: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days from `as_of` to the renewal, and the length of the term in days; NaN where the contract is open-ended."""
    renewal = days(matrix["renewal_at"]) - days(matrix["as_of"])
    return renewal, matrix["term_days"].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)


def clock_values(lead: int, renewal: NDArray[np.float64], term: NDArray[np.float64]) -> Floats:
    """The `CLOCK` covariates of one lead."""
    clock = np.empty((len(renewal), len(CLOCK)), dtype=np.float32)
    clock[:, 0] = lead
    clock[:, 1] = renewal_in_lead(lead, renewal, term)
    clock[:, 2] = renewal - PERIOD_DAYS * (lead - 1)
    clock[:, 3] = term
    return clock


def renewal_in_lead(lead: int, renewal: NDArray[np.float64], term: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether a term ends in `(28(lead − 1), 28 lead]` days, terms of that length following each other."""
    begins, ends = PERIOD_DAYS * (lead - 1), PERIOD_DAYS * lead
    with np.errstate(invalid="ignore", divide="ignore"):
        rolled = np.where(term > 0, np.floor((ends - renewal) / np.maximum(term, 1.0)), 0.0)
        latest = renewal + np.maximum(rolled, 0.0) * np.where(term > 0, term, 0.0)
        ends_here: NDArray[np.bool_] = (latest > begins) & (latest <= ends)
    return ends_here


def days(column: pl.Series) -> NDArray[np.float64]:
    """Days of a time column as numbers comparable with `date.toordinal()`; NaN where missing."""
    micros = column.cast(pl.Datetime("us")).dt.epoch("us").cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.asarray(micros / 86_400e6 + datetime(1970, 1, 1).toordinal(), dtype=np.float64)
