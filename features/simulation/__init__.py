"""A simulated company to try, test and measure the service on; `features.simulation.company` documents the process."""

from features.simulation.company import simulate
from features.simulation.dirt import DIRT

__all__ = ["DIRT", "simulate"]
