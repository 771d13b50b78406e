"""What every predictor is given and has to give back, so that all are proven on the same terms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.evaluation import churned_within
from training.outcomes import Outcomes

Floats = NDArray[np.float64]

Risks = Callable[[pl.DataFrame], Floats]
"""Risks of a matrix' rows: rows by `training.model.HORIZONS`, probabilities; NaN where nothing can be said fairly."""

MOST_ROWS = 20_000
"""More snapshots than these teach an anchor next to nothing: it learns from so many, drawn at random."""


@dataclass(frozen=True)
class Known:
    """What was known at a fold's moment: the snapshots up to it, and the outcomes that had been observed by then."""

    matrix: pl.DataFrame
    outcomes: Outcomes
    seed: int = 7
    _labelled: dict[int, pl.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

    def labelled(self, days: int) -> pl.DataFrame:
        """Snapshots whose outcome within `days` was known, with `churned`; at most `MOST_ROWS` of them."""
        if days not in self._labelled:  # every anchor asks for the same
            self._labelled[days] = self._some(churned_within(self.matrix, self.outcomes, days), MOST_ROWS)
        return self._labelled[days]

    def lives(self, most: int = MOST_ROWS) -> pl.DataFrame:
        """Snapshots with `churned_at` and `completed_at` as far as known; at most `most` of them."""
        return self._some(self.outcomes.of(self.matrix), most)

    def _some(self, rows: pl.DataFrame, most: int) -> pl.DataFrame:
        return rows if len(rows) <= most else rows.sample(most, seed=self.seed)


class Anchor(Protocol):
    """A simple way to tell who leaves, which the model has to beat."""

    @property
    def name(self) -> str:
        """What people read in the receipt."""
        ...

    def fit(self, known: Known) -> Risks:
        """Learn from what was known."""
        ...


def base_rate(churned: NDArray[np.bool_]) -> float:
    """The share that left, with half a leaver added so that it is never 0 nor 1."""
    return float((churned.sum() + 0.5) / (len(churned) + 1.0))
