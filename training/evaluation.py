"""Out-of-time figures: what was said at a moment against what then happened within a horizon."""

from dataclasses import dataclass, fields
from datetime import timedelta
from operator import attrgetter

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.intervals import Estimate, Resamples
from training.outcomes import Outcomes

Floats = NDArray[np.float64]

TOP = 0.1
"""The share of accounts, those with the highest risks, that lift and ARR caught are told for."""
_SMALLEST = float(np.finfo(np.float64).eps)
"""A risk of 0 counts as this in the log-loss, as in scikit-learn, so that being wrong about it stays a number."""


@dataclass(frozen=True)
class Figures:
    """How well risks agreed with outcomes; figures that can't be told (nobody left, or all did) are NaN.

    `base_brier` and `base_log_loss` are the scores of saying the average for everyone. `expected_to_actual` is 1 where
    as many left as expected, and `expected_to_actual_arr` the same in money. `lift` is how many times the average the
    tenth with the highest risks left, and `arr_caught` the share of the lost ARR that was theirs; where equal risks
    straddle the tenth, as much of them counts as fits.
    """

    accounts: int
    churned: int
    auc: float
    pr_auc: float
    brier: float
    base_brier: float
    log_loss: float
    base_log_loss: float
    expected_to_actual: float
    expected_to_actual_arr: float
    lift: float
    arr_caught: float


COUNTS = ("accounts", "churned")
FIGURES = tuple(field.name for field in fields(Figures) if field.name not in COUNTS)
"""Names of the figures that have an interval."""


def churned_within(matrix: pl.DataFrame, outcomes: Outcomes, days: int) -> pl.DataFrame:
    """The rows of `matrix` whose outcome within `days` is known, with `churned` (bool).

    A row's outcome is known when its whole horizon has been observed.
    """
    horizon = timedelta(days=days)
    known = outcomes.of(matrix).filter(pl.col("as_of") + horizon <= outcomes.observed_until)
    return known.with_columns(churned=(pl.col("churned_at") <= pl.col("as_of") + horizon).fill_null(value=False))


def figures(risk: Floats, churned: NDArray[np.bool_], arr: Floats, weight: Floats | None = None) -> Figures:
    """Figures for risks (probabilities) of the same accounts, in the same order, as outcomes and ARR.

    `weight` says how often each row counts (once by default).
    """
    return Ranked.of(risk, churned, arr).figures(weight)


def with_intervals(
    risk: Floats, churned: NDArray[np.bool_], arr: Floats, account: NDArray[np.int64], resamples: Resamples
) -> dict[str, Estimate]:
    """Every figure of `FIGURES` with its interval; `account` is the number of each row's account in `resamples`."""
    ranked = Ranked.of(risk, churned, arr)
    of_figures = attrgetter(*FIGURES)
    estimates = resamples.around(
        of_figures(ranked.figures()), lambda weight: of_figures(ranked.figures(weight)), account
    )
    return dict(zip(FIGURES, estimates, strict=True))


def losses(risk: Floats, churned: NDArray[np.bool_]) -> Floats:
    """The log-loss of each row."""
    said = np.clip(np.where(churned, risk, 1 - risk), _SMALLEST, None)
    return np.asarray(-np.log(said), dtype=np.float64)


@dataclass(frozen=True)
class Ranked:
    """Rows by falling risk, sorted once, so that figures for other weights of the rows cost a few passes over them.

    scikit-learn sorts and checks anew for each figure and weight, which 200 resamples of many predictors can't afford;
    the tests hold every figure against its definition there. `order` gives the rows' former places, `last` the last
    place of each run of equal risks.
    """

    order: NDArray[np.int64]
    last: NDArray[np.int64]
    risk: Floats
    churned: Floats
    arr: Floats
    loss: Floats

    @classmethod
    def of(cls, risk: Floats, churned: NDArray[np.bool_], arr: Floats) -> "Ranked":
        """Rows in the order of falling risk."""
        order = np.argsort(-risk, kind="stable")
        risk, arr = risk[order].astype(np.float64), arr[order].astype(np.float64)
        last = np.flatnonzero(np.append(np.diff(risk) != 0, True)) if len(risk) else np.empty(0, dtype=np.int64)
        return cls(order, last, risk, churned[order].astype(np.float64), arr, losses(risk, churned[order]))

    def figures(self, weight: Floats | None = None) -> Figures:
        """Figures where each row (in its former place) counts `weight` times."""
        w = np.ones(len(self.risk)) if weight is None else weight[self.order]
        total = float(w.sum())
        if total == 0:
            return Figures(len(w), int(self.churned.sum()), *[np.nan] * len(FIGURES))
        left = w * self.churned
        leavers = float(left.sum())
        rows, caught = self._curve(w), self._curve(left)
        lost = float(left @ self.arr)
        rate = leavers / total
        return Figures(
            accounts=len(w),
            churned=int(self.churned.sum()),
            auc=_auc(caught, rows - caught),
            pr_auc=_average_precision(caught, rows),
            brier=float(w @ (self.risk - self.churned) ** 2) / total,
            base_brier=rate * (1 - rate),
            log_loss=float(w @ self.loss) / total,
            base_log_loss=float(-sum(p * np.log(p) for p in (rate, 1 - rate) if p > 0)),
            expected_to_actual=float(w @ self.risk) / leavers if leavers else np.nan,
            expected_to_actual_arr=float(w @ (self.risk * self.arr)) / lost if lost > 0 else np.nan,
            lift=float(np.interp(TOP * total, rows, caught)) / (TOP * leavers) if leavers else np.nan,
            arr_caught=float(np.interp(TOP * total, rows, self._curve(left * self.arr))) / lost if lost > 0 else np.nan,
        )

    def caught(self, shares: Floats) -> tuple[Floats, Floats]:
        """Shares of the leavers, and of the ARR lost with them, among `shares` of the rows with the highest risks."""
        rows = self._curve(np.ones(len(self.risk)))
        found = []
        for value in (self.churned, self.churned * self.arr):
            curve = self._curve(value)
            found.append(np.interp(shares * rows[-1], rows, curve) / curve[-1] if curve[-1] > 0 else shares * np.nan)
        return found[0], found[1]

    def _curve(self, value: Floats) -> Floats:
        """What has come together of `value` after each run of equal risks, from 0."""
        return np.concatenate([[0.0], value.cumsum()[self.last]])


def _auc(caught: Floats, stayed: Floats) -> float:
    area = caught[-1] * stayed[-1]
    return float(np.trapezoid(caught, stayed) / area) if area > 0 else np.nan


def _average_precision(caught: Floats, rows: Floats) -> float:
    """The mean, over leavers, of the share of leavers among those with at least their risk."""
    if not 0 < caught[-1] < rows[-1]:
        return np.nan
    precision = caught[1:] / np.maximum(rows[1:], np.finfo(np.float64).tiny)
    return float(np.diff(caught) @ precision / caught[-1])
