"""The true hazard: how latent health, appetite and pressure become a decision to leave.

    score = base[segment] − 0.75 a x − 0.65 y + 0.28 (support² − 1) + 0.25 (touch² − 1) + pressure + price

`a` is 1 before the regime change and 0.5 after it; `price` is 0.7 for mid_market after it and 0 otherwise. A renewal of
an annual or longer term fails with probability `expit(score)`; a monthly one with `expit(score − 2.6)`; a term is
cancelled before its end, in any one period, with probability `0.0035 · exp(0.5 (score + 2))`, 0.05 at most.
"""

import numpy as np

from features.simulation.clock import Array
from features.simulation.health import Health
from features.simulation.population import SEGMENTS, Population

BASE = np.array([-2.95, -2.7, -2.1])
BETA_X, BETA_Y = 0.75, 0.65
PRESSURE_EFFECT = np.array([0.0, 2.3, 2.1])
PRICE_SEGMENT = SEGMENTS.index("mid_market")
PRICE_EFFECT = 0.7
MONTHLY_SHIFT = 2.6
NOTICE = np.array([0.05, 0.35])  # share of leavers who give notice on the day of decision, by auto_renew
SIGNED = np.array([0.4, 0.25])  # share of stayers who sign on the day of decision, by auto_renew


def expit(score: Array) -> Array:
    """Log-odds to probability."""
    return np.asarray(1 / (1 + np.exp(-score)))


def adoption_weight(new_regime: Array | bool) -> Array:
    """`a` times the weight of adoption."""
    return np.where(new_regime, 0.5, 1.0) * BETA_X


def standing(people: Population, new_regime: Array | bool, who: Array | slice = slice(None)) -> Array:
    """The part of the score that doesn't move with latent health or pressure, shape of `who`."""
    segment = people.segment[who]
    return np.asarray(
        BASE[segment]
        + 0.28 * (np.square(people.support[who]) - 1)
        + 0.25 * (np.square(people.touch[who]) - 1)
        + PRICE_EFFECT * ((segment == PRICE_SEGMENT) & new_regime)
    )


def score(people: Population, state: Health, p: int, new_regime: bool) -> Array:
    """Log-odds of a failed renewal for a decision taken in the period after bound p, shape (accounts,)."""
    moving = adoption_weight(new_regime) * state.x[:, p] + BETA_Y * state.y[:, p]
    return np.asarray(standing(people, new_regime) - moving + PRESSURE_EFFECT[state.pressure[:, p]])


def renewal(score: Array, months: Array) -> Array:
    """Probability that a renewal fails, by length of the term in months."""
    return expit(score - MONTHLY_SHIFT * (months == 1))


def cancellation(score: Array) -> Array:
    """Probability of cancelling mid-term in one period."""
    return np.minimum(0.05, 0.0035 * np.exp(0.5 * (score + 2)))


def undecided(failing: Array, auto_renew: Array) -> Array:
    """Probability of leaving for those who neither gave notice nor signed on the day of decision (Bayes' rule)."""
    auto = auto_renew.astype(int)
    silent_leavers = failing * (1 - NOTICE[auto])
    silent_stayers = (1 - failing) * (1 - SIGNED[auto])
    return np.asarray(silent_leavers / (silent_leavers + silent_stayers))
