"""Leads: one row per account, `as_of` and future period, the table a discrete-time hazard is learned from.

Lead k is the k-th 28-day period after `as_of`. Its covariates are the signals at `as_of`, k, the length of the
contract's term, how far off its end is when the period begins, and whether a term ends in period k when the terms known
at `as_of` roll on as they are: business customers leave at renewals. A row is kept while the account can still come to
the outcome when the period begins and the period's end has been observed; a completed account's rows end with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.periods import PERIOD_DAYS
from training.errors import NotEnoughTime
from training.scorecard import Cause

LEADS = 13
CLOCK = ("lead", "renewal_in_lead", "days_to_renewal", "term_days")
"""Covariates that are not signals; `days_to_renewal` counts from the first day of the lead."""
FIXED_TERM = "fixed_term"
"""The signal of accounts that are done when their term ends: it doesn't renew, and nobody can leave any more."""
LEAD, RENEWAL, TERM = (CLOCK.index(name) - len(CLOCK) for name in ("lead", "renewal_in_lead", "term_days"))
"""Their columns in a row, from its end."""
MOST_ROWS = 150_000
"""Beyond this, rows without an event are sampled; there stay at least as many as with one. A third of 450,000 rows cost
nothing out of time (log-loss within 90 days .1570 and .1506 either way), a sixteenth .0006."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LeadRows:
    """Design matrix `x` (rows by signals and `CLOCK`), label `y` (1: it happened in that period), and whose a row is.

    `row` indexes the matrix the rows were made from; `begins` and `ends` are the days (ordinals) the period lies
    between. `standing` is how the account stands by the scorecard. `kept` is the share of the rows without an event
    that is there, which raises the log-odds by `offset`.
    """

    x: Floats
    y: NDArray[np.float32]
    row: NDArray[np.int64]
    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    standing: NDArray[np.float64]
    kept: float = 1.0

    @property
    def offset(self) -> float:
        """What sampling has added to the rows' log-odds."""
        return -float(np.log(self.kept))

    def some(self, keep: NDArray[np.bool_]) -> "LeadRows":
        """The rows for which `keep` holds."""
        x, y, row, standing = self.x[keep], self.y[keep], self.row[keep], self.standing[keep]
        return LeadRows(x, y, row, self.begins[keep], self.ends[keep], standing, self.kept)


def expand(
    history: pl.DataFrame,
    signals: list[str],
    observed_until: datetime,
    cause: Cause = "churn",
    standing: NDArray[np.float64] | None = None,
    most_rows: int = MOST_ROWS,
    seed: int = 0,
) -> LeadRows:
    """All observed leads of a matrix that `training.outcomes.Outcomes.of` has given its outcomes.

    `standing` is per row of the matrix, 0 where it isn't given. Beyond `most_rows`, rows without an event are left out
    at random (seeded); all events stay.
    """
    as_of = days(history["as_of"])
    churned, completed = days(history["churned_at"]), days(history["completed_at"])
    event = churned if cause == "churn" else days(history["contracted_at"])
    last_day = observed_until.toordinal()
    parts: list[tuple[NDArray[np.int64], NDArray[np.bool_]]] = []
    for lead in range(1, LEADS + 1):
        begins, ends = as_of + PERIOD_DAYS * (lead - 1), as_of + PERIOD_DAYS * lead
        there = np.isnan(event) | (event > begins)
        there &= ~(churned <= begins) if cause == "churn" else ~(churned <= ends)
        keep = np.flatnonzero(there & (ends <= last_day) & ~(completed < ends))
        parts.append((keep, event[keep] <= ends[keep]))
    events, rows = sum(int(label.sum()) for _, label in parts), sum(len(keep) for keep, _ in parts)
    kept = min(1.0, max(most_rows - events, events, 1) / max(rows - events, 1))
    random = np.random.default_rng(seed)
    if kept < 1.0:
        parts = [_sampled(keep, label, kept, random) for keep, label in parts]
    row = np.concatenate([keep for keep, _ in parts])
    lead_of = np.repeat(np.arange(1, LEADS + 1), [len(keep) for keep, _ in parts])
    values = signal_values(history, signals)
    renewal, term = renewal_clock(history)
    fixed = of_fixed_term(values, signals)
    x = np.empty((len(row), len(signals) + len(CLOCK)), dtype=np.float32)
    starts = np.searchsorted(lead_of, np.arange(1, LEADS + 2))
    for lead in range(1, LEADS + 1):
        here = slice(starts[lead - 1], starts[lead])
        x[here, : len(signals)] = values[row[here]]
        x[here, len(signals) :] = clock_values(lead, renewal[row[here]], term[row[here]], fixed[row[here]])
    begins = (as_of[row] + PERIOD_DAYS * (lead_of - 1)).astype(np.int64)
    y = np.concatenate([label for _, label in parts]).astype(np.float32)
    stands = np.zeros(len(row)) if standing is None else standing[row]
    return LeadRows(x, y, row, begins, begins + PERIOD_DAYS, stands, kept)


def split(rows: LeadRows, later_share: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows' periods ended before a cut in time, and which rows' periods began at or after it.

    Raises NotEnoughTime where the rows span fewer than three periods.
    """
    first, last = (int(rows.begins.min()), int(rows.ends.max())) if len(rows.y) else (0, 0)
    if last - first < 3 * PERIOD_DAYS:
        raise NotEnoughTime(
            f"outcomes are known for {last - first} days after the first snapshot, and telling earlier from later "
            f"needs {3 * PERIOD_DAYS}: begin earlier, or bring more of the contracts' history"
        )
    cut = last - max(PERIOD_DAYS, round((last - first) * later_share / PERIOD_DAYS) * PERIOD_DAYS)
    return rows.ends <= cut, rows.begins >= cut


def signal_values(matrix: pl.DataFrame, signals: list[str]) -> Floats:
    """Rows by signals; missing is NaN."""
    return matrix.select(pl.col(name).cast(pl.Float32).fill_null(np.nan) for name in signals).to_numpy()


def renewal_clock(matrix: pl.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Days from `as_of` to the renewal, and the length of the term in days; NaN where the contract is open-ended."""
    renewal = days(matrix["renewal_at"]) - days(matrix["as_of"])
    return renewal, matrix["term_days"].cast(pl.Float64).fill_null(np.nan).to_numpy().astype(np.float64)


def of_fixed_term(values: Floats, signals: Sequence[str]) -> NDArray[np.bool_]:
    """Which rows of `values`, by `signals`, are accounts of a fixed term; none where that isn't among the signals."""
    if FIXED_TERM not in signals:
        return np.zeros(len(values), dtype=bool)
    fixed: NDArray[np.bool_] = values[:, signals.index(FIXED_TERM)] == 1
    return fixed


def at_risk(
    lead: int | NDArray[np.int64], renewal: NDArray[np.float64], fixed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The share of a lead in which an account can still leave: one of a fixed term can't once it has ended."""
    left = np.clip(renewal / PERIOD_DAYS - (lead - 1), 0.0, 1.0)
    return np.where(fixed & ~np.isnan(renewal), left, 1.0)


def clock_values(
    lead: int | NDArray[np.int64], renewal: NDArray[np.float64], term: NDArray[np.float64], fixed: NDArray[np.bool_]
) -> Floats:
    """The `CLOCK` covariates of one lead, or of each row's."""
    clock = np.empty((len(renewal), len(CLOCK)), dtype=np.float32)
    clock[:, 0] = lead
    clock[:, 1] = renewal_in_lead(lead, renewal, term) & ~fixed
    clock[:, 2] = renewal - PERIOD_DAYS * (lead - 1)
    clock[:, 3] = term
    return clock


def renewal_in_lead(
    lead: int | NDArray[np.int64], renewal: NDArray[np.float64], term: NDArray[np.float64]
) -> NDArray[np.bool_]:
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


def _sampled(
    keep: NDArray[np.int64], label: NDArray[np.bool_], share: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    chosen = label | (random.random(len(label)) < share)
    return keep[chosen], label[chosen]
