"""A trained model: what it says of an account, and why.

**Risk** at a horizon follows the hazards of the leads up to it; **renewal risk** is the hazard of the lead the renewal
falls in, as if it fell in the last one where it is further off. **Health** is a linear map of log-odds, as credit
scores are: with a yearly renewal in the third period, `50 + 10 · log2(odds of renewing ÷ reference odds)`, clipped to
0–100. **Points** are the exact terms of that sum, the scorecard's and LightGBM's, on the same scale, against those of a
typical account: `base_points`, `points_segment` and the points of all signals add up to health before it is clipped.
What the clock contributes is part of the base, since the question is the same for everyone.
"""

import json
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit

from features.catalogue import CATALOGUE
from features.periods import PERIOD_DAYS
from features.signal import DIMENSIONS
from training.leads import CLOCK, LEADS, at_risk, clock_values, of_fixed_term, renewal_clock, signal_values
from training.model.bands import bands
from training.model.card import Card
from training.model.hazard import Hazard
from training.model.risks import HORIZONS, risk_within

HEALTH_LEAD = 3
HEALTH_TERM_DAYS = 365.0
"""Health asks every account the same question, a yearly renewal in the third period. Asked with its own term, a monthly
contract looks healthy whatever its behaviour, because little is decided at any one of its renewals (mean health 85
against 40 for yearly terms, and AUC 0.60 instead of 0.66 among the monthly accounts of the simulated company)."""
POINTS_PER_LOG_ODD = 10.0 / np.log(2.0)
AT_ONCE = 4096
"""Rows the boosters are asked at once: all leads of a few accounts together take no longer than one of them."""
INTERVAL_Z = 1.2816
"""Of a normal distribution, four fifths lie within this many standard deviations."""

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Accounts:
    """What a model is told of accounts, one row each.

    `values`: rows by the card's signals, NaN where missing. `renewal` and `term`: days to the renewal and of the term,
    NaN where open-ended. `segments`: None where it isn't known.
    """

    values: Rows
    renewal: Floats
    term: Floats
    segments: NDArray[Any]

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class HealthModel:
    """The hazards of leaving and of paying less, and the card that says how to read them."""

    churn: Hazard
    contraction: Hazard
    card: Card

    @property
    def configuration(self) -> str:
        """Digest of what people set, not learned: the scorecard, and the account that stands for health 50."""
        held = json.dumps([self.churn.scorecard.to_json(), self.card.reference], sort_keys=True)
        return sha256(held.encode()).hexdigest()[:16]

    def score(self, matrix: pl.DataFrame) -> pl.DataFrame:
        """Scores of every row of `features.matrix.build`'s matrix, in its order.

        Columns: account_id, as_of; those of `scores`; `arr_at_risk` (expected loss of ARR by leaving within 365 days)
        and `expected_arr` (what is left of today's ARR in a year).
        """
        scored = pl.DataFrame(self.scores(self.accounts(matrix)), nan_to_null=True)
        arr = matrix["arr_in_force"].cast(pl.Float64)
        return pl.concat([matrix.select("account_id", "as_of"), scored], how="horizontal").with_columns(
            arr_at_risk=arr * pl.col("risk_365d"),
            expected_arr=arr
            * (1 - pl.col("risk_365d") - pl.col("contraction_risk_365d") * self.card.contraction_depth),
        )

    def accounts(self, matrix: pl.DataFrame) -> Accounts:
        """The rows of a matrix as the model takes them."""
        renewal, term = renewal_clock(matrix)
        return Accounts(signal_values(matrix, list(self.card.signals)), renewal, term, matrix["segment"].to_numpy())

    def scores(self, accounts: Accounts) -> dict[str, Any]:
        """Columns of scores, a row per account.

        `health` (0–100) and the ends of its 80 % interval, `health_low` and `health_high`; `band`; `risk_<days>d`
        (probability of churn); `renewal_risk` (missing without a known renewal, and where a fixed term ends);
        `contraction_risk_365d` (that it stays but pays less); `coverage` (0–1); `base_points`, `points_segment`,
        `points_<dimension>`, `points__<signal>`.
        """
        lacks = self.card.feeds.lacking(accounts.values, self.card.signals)
        known = self.known(accounts, lacks)
        base, of_segment, points = self.points(known)
        health = base + of_segment + points.sum(axis=1)
        spread = INTERVAL_Z * np.sqrt(self.card.spread**2 + self.card.feeds.variance(lacks))
        columns: dict[str, Any] = {
            "health": np.clip(health, 0.0, 100.0),
            "health_low": np.clip(health - spread, 0.0, 100.0),
            "health_high": np.clip(health + spread, 0.0, 100.0),
            "band": bands(health),
        }
        churn, contraction = self.hazards(known)
        columns |= {f"risk_{days}d": risk_within(churn, days) for days in HORIZONS}
        columns["renewal_risk"] = self._renewal_risk(known)
        columns["contraction_risk_365d"] = (1.0 - columns["risk_365d"]) * risk_within(contraction, 365)
        columns["coverage"] = self.coverage(accounts.values)
        columns |= {"base_points": base, "points_segment": of_segment}
        for dimension in DIMENSIONS:
            of_dimension = [i for i, name in enumerate(self.card.signals) if CATALOGUE[name].dimension == dimension]
            columns[f"points_{dimension}"] = points[:, of_dimension].sum(axis=1)
        return columns | {f"points__{name}": points[:, i] for i, name in enumerate(self.card.signals)}

    def known(self, accounts: Accounts, lacks: NDArray[np.bool_] | None = None) -> Accounts:
        """The accounts with what is typical where a feed is missing."""
        lacks = self.card.feeds.lacking(accounts.values, self.card.signals) if lacks is None else lacks
        return replace(accounts, values=self.card.feeds.filled(accounts.values, lacks, self.card.signals))

    def hazards(self, accounts: Accounts) -> tuple[Floats, Floats]:
        """Chance to leave, and to pay less, in each lead for those that still can: rows by `LEADS`, twice."""
        count, signals = accounts.values.shape
        found = tuple(np.empty((LEADS, count)) for _ in range(2))
        both, names = (self.churn, self.contraction), list(self.card.signals)
        stand = [hazard.standing(accounts.values, names) for hazard in both]
        shifts = [hazard.calibration.shifts(accounts.segments) for hazard in both]
        fixed = of_fixed_term(accounts.values, self.card.signals)
        together = max(1, AT_ONCE // max(count, 1))
        for first in range(0, LEADS, together):
            of_leads = slice(first, min(first + together, LEADS))
            leads = np.arange(of_leads.start, of_leads.stop) + 1
            lead, times = np.repeat(leads, count), len(leads)
            renewal, term = np.tile(accounts.renewal, times), np.tile(accounts.term, times)
            ends = np.tile(fixed, times)
            x = np.empty((len(lead), signals + len(CLOCK)), dtype=np.float32)
            x[:, :signals] = np.tile(accounts.values, (times, 1))
            x[:, signals:] = clock_values(lead, renewal, term, ends)
            there = at_risk(lead, renewal, ends)
            for of_cause, hazard, standing, shift in zip(found, both, stand, shifts, strict=True):
                log_odds = hazard.log_odds(x, np.tile(standing, times), np.tile(shift, times))
                of_cause[of_leads] = (there * expit(log_odds)).reshape(times, count)
        return found[0].T, found[1].T

    def points(self, accounts: Accounts) -> tuple[Floats, Floats, Floats]:
        """Base points, points of the segment, and points per row and signal; all of it sums to unclipped health."""
        x = renewal_ahead(accounts.values)
        signals, churn = len(self.card.signals), self.churn
        contributions = churn.calibration.slope * churn.contributions(x)
        terms = churn.terms(accounts.values, list(self.card.signals))
        clock = contributions[:, signals:].sum(axis=1) + churn.prior(x, np.zeros(len(x))) + churn.calibration.intercept
        typical = np.array([self.card.typical_points.get(name, 0.0) for name in self.card.signals])
        base = 50.0 - POINTS_PER_LOG_ODD * (clock + self.card.reference) + typical.sum()
        of_segment = -POINTS_PER_LOG_ODD * churn.calibration.shifts(accounts.segments)
        return base, of_segment, POINTS_PER_LOG_ODD * (terms - contributions[:, :signals]) - typical

    def health(self, accounts: Accounts) -> Floats:
        """Health before it is clipped, without its points: the quick way to what-if and change."""
        churn = self.churn
        standing, shifts = self._standing(accounts), churn.calibration.shifts(accounts.segments)
        log_odds = churn.log_odds(renewal_ahead(accounts.values), standing, shifts)
        return np.asarray(50.0 - POINTS_PER_LOG_ODD * (log_odds + self.card.reference))

    def coverage(self, values: Rows) -> Floats:
        """Share of the model's weight that lies on signals which are there."""
        weights = np.array([self.card.weights[name] for name in self.card.signals])
        return np.asarray(np.minimum(~np.isnan(values) @ weights, 1.0), dtype=np.float64)

    def _standing(self, accounts: Accounts) -> Floats:
        return self.churn.standing(accounts.values, list(self.card.signals))

    def _renewal_risk(self, accounts: Accounts) -> Floats:
        lead = np.clip(np.ceil(np.nan_to_num(accounts.renewal, nan=1.0) / PERIOD_DAYS), 1, LEADS)
        to_renewal = accounts.renewal - PERIOD_DAYS * (lead - 1)
        clock = np.column_stack([lead, np.ones(len(accounts)), to_renewal, accounts.term])
        x = np.hstack([accounts.values, clock]).astype(np.float32)
        shifts = self.churn.calibration.shifts(accounts.segments)
        risk = expit(self.churn.log_odds(x, self._standing(accounts), shifts))
        never = np.isnan(accounts.renewal) | of_fixed_term(accounts.values, self.card.signals)
        return np.where(never, np.nan, risk)


def renewal_ahead(values: Rows) -> Rows:
    """The rows as if a yearly renewal fell in the third period, whatever their contracts say."""
    clock = np.array([[HEALTH_LEAD, 1.0, PERIOD_DAYS / 2, HEALTH_TERM_DAYS]], dtype=np.float32)
    return np.hstack([values, np.repeat(clock, len(values), axis=0)])
