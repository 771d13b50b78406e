"""Latent health: two AR(1) processes a period, adoption `x` and sentiment `y`, slumps that pull both down, and
pressures (a champion leaves, the buyer cuts costs) that leave no trace in behaviour.

    x[p+1] = level + φ (x[p] − level) − (1 − φ) · depth · slump[p+1] + σ ε,   likewise y, corr(ε_x, ε_y) = ρ

Slump and pressure are Markov chains with the transition matrices below.
"""

from dataclasses import dataclass

import numpy as np

from features.simulation.clock import Array, Clock
from features.simulation.population import Population

PHI, SIGMA, RHO = 0.80, 0.27, 0.5
DEPTH = 2.6
SLUMP = np.array([[0.978, 0.022], [0.11, 0.89]])  # from (well, slump)
PRESSURES = ("none", "champion_left", "cost_cut")
PRESSURE = np.array([[0.988, 0.0065, 0.0055], [0.12, 0.88, 0.0], [0.12, 0.0, 0.88]])
WEIGHT_X, WEIGHT_Y = 0.55, 0.45


@dataclass(frozen=True)
class Health:
    """Paths at each bound, shape (accounts, periods + 1). What stands at bound p shows in the behaviour of period p."""

    x: Array
    y: Array
    slump: Array
    pressure: Array

    @property
    def health(self) -> Array:
        """One number for it: a weighted mean of adoption and sentiment, about standard normal over the book."""
        return np.asarray(WEIGHT_X * self.x + WEIGHT_Y * self.y)


def health(rng: np.random.Generator, clock: Clock, people: Population) -> Health:
    """Draw every account's path, whether or not it is a customer at the time."""
    shape = (len(people), clock.periods + 1)
    x, y = np.zeros(shape), np.zeros(shape)
    slump, pressure = np.zeros(shape, dtype=np.int8), np.zeros(shape, dtype=np.int8)
    old = people.starts <= clock.bounds[0]
    slump[:, 0] = old & (rng.random(len(people)) < 0.12)
    pressure[:, 0] = np.where(old, rng.choice(3, len(people), p=(0.92, 0.04, 0.04)), 0)
    spread = SIGMA / np.sqrt(1 - PHI**2)
    for path, level in ((x, people.level_x), (y, people.level_y)):
        path[:, 0] = level + spread * rng.standard_normal(len(people)) - 0.7 * DEPTH * slump[:, 0]
    for p in range(clock.periods):
        shared, *own = rng.standard_normal((3, len(people)))
        slump[:, p + 1] = rng.random(len(people)) < SLUMP[slump[:, p], 1]
        cumulated = PRESSURE.cumsum(axis=1)[pressure[:, p]]
        pressure[:, p + 1] = (rng.random(len(people))[:, None] >= cumulated[:, :2]).sum(axis=1)
        for path, level, alone in ((x, people.level_x, own[0]), (y, people.level_y, own[1])):
            target = level - DEPTH * slump[:, p + 1]
            noise = SIGMA * (np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * alone)
            path[:, p + 1] = target + PHI * (path[:, p] - target) + noise
    return Health(x, y, slump, pressure)
