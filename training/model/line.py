"""The line: what outcomes teach of each signal in a straight line, beside the scorecard and before any tree.

A signal adds `weight` to the log-odds of the outcome for each `scale` that it lies above its `middle`; beyond three
of them nothing more, and nothing where it is missing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FARTHEST = 3.0
"""Scales from the middle at which a signal has said all it can."""

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Line:
    """`middle`, `scale` and `weights`: one number for each of the model's signals."""

    middle: Floats
    scale: Floats
    weights: Floats

    @classmethod
    def flat(cls, signals: int) -> "Line":
        """The line of a model that has learned nothing."""
        return cls(np.zeros(signals), np.ones(signals), np.zeros(signals))

    def placed(self, values: Rows) -> Rows:
        """Rows by signals: how many scales from the middle each value lies; 0 where it is missing."""
        middle, scale = self.middle.astype(np.float32), self.scale.astype(np.float32)
        placed: Rows = np.clip((values - middle) / scale, -FARTHEST, FARTHEST)
        placed[np.isnan(placed)] = 0.0
        return placed

    def terms(self, values: Rows) -> Floats:
        """Rows by signals: what each adds to the log-odds of the outcome."""
        return self.placed(values) * self.weights

    def total(self, values: Rows) -> Floats:
        """The sum of each row's terms."""
        return np.asarray(self.placed(values) @ self.weights, dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, in the order of the model's signals."""
        return {"middle": self.middle.tolist(), "scale": self.scale.tolist(), "weights": self.weights.tolist()}

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Line":
        """What `to_json` gave."""
        return cls(*(np.array(given[name], dtype=np.float64) for name in ("middle", "scale", "weights")))
