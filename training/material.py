"""What there is to learn from: snapshots with their outcomes, and the signals that any of them has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
from numpy.typing import NDArray

from features.catalogue import SIGNALS
from features.signal import Signal
from training.hazard import learn
from training.leads import Floats, LeadRows, expand, signal_values
from training.model.hazard import Hazard
from training.outcomes import Outcomes
from training.scorecard import Cause, Scorecard


@dataclass(frozen=True)
class Material:
    """`history`: rows of a matrix with their outcomes; `values`: those rows by `signals`, NaN where missing.

    `standing` is how each row stands by the scorecard, `average` how the average one does.
    """

    history: pl.DataFrame
    observed_until: datetime
    signals: list[Signal]
    values: Floats
    scorecard: Scorecard
    standing: NDArray[Any]
    average: float

    @classmethod
    def of(cls, matrix: pl.DataFrame, outcomes: Outcomes, scorecard: Scorecard) -> "Material":
        """The rows of a matrix whose account was still there, with what became of it."""
        history = outcomes.of(matrix)
        signals = [signal for signal in SIGNALS if signal.in_model and matrix[signal.name].is_not_null().any()]
        names = [signal.name for signal in signals]
        values = signal_values(history, names)
        standing = scorecard.standing(values, names)
        average = float(standing.mean()) if len(standing) else 0.0
        return cls(history, outcomes.observed_until, signals, values, scorecard, standing, average)

    @property
    def names(self) -> list[str]:
        """Names of the signals."""
        return [signal.name for signal in self.signals]

    def leads(self, cause: Cause, most_rows: int, seed: int) -> LeadRows:
        """All observed leads, sampled beyond `most_rows`."""
        return expand(self.history, self.names, self.observed_until, cause, self.standing, most_rows, seed)

    def learn(self, cause: Cause, leads: LeadRows, seed: int, chosen: Mapping[str, Any]) -> Hazard:
        """The hazard of `cause` from some of its leads."""
        return learn(cause, leads, self.history, self.signals, self.scorecard, self.average, seed, chosen)
