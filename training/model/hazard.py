"""A hazard: the chance of leaving, or of paying less, in a 28-day period, for accounts that still can.

Its log-odds are a base by the contract's clock, less how the account stands, plus what a LightGBM booster has learned
on top, calibrated. Base and standing come from the scorecard, which evidence may have stretched or shrunk; to the
standing evidence adds a straight line. Where too little has happened to learn from, it is the scorecard alone.
"""

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from training.calibration import Calibration
from training.leads import RENEWAL, TERM
from training.model.line import Line
from training.scorecard import Cause, Scorecard

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]


@dataclass(frozen=True)
class Hazard:
    """One cause's hazard; `base_weight` and `standing_weight` are what evidence makes of the scorecard's two parts.

    `line` has a weight for each of the model's signals.
    """

    cause: Cause
    scorecard: Scorecard
    line: Line
    booster: lgb.Booster | None
    calibration: Calibration
    base_weight: float = 1.0
    standing_weight: float = 1.0

    def log_odds(self, x: Rows, standing: Floats, shifts: Floats) -> Floats:
        """Calibrated log-odds of rows of signals and clock.

        `standing`: how the rows' accounts stand; `shifts`: those of the rows' segments.
        """
        return self.calibration.apply(self.prior(x, standing), self.learned(x), shifts)

    def terms(self, values: Rows, names: list[str]) -> Floats:
        """Rows by signals: what each adds to how the account stands, by scorecard and line."""
        return self.standing_weight * self.scorecard.terms(values, names) - self.line.terms(values)

    def standing(self, values: Rows, names: list[str]) -> Floats:
        """How each row's account stands: the sum of its `terms`, log-odds against the outcome."""
        return self.standing_weight * self.scorecard.standing(values, names) - self.line.total(values)

    def prior(self, x: Rows, standing: Floats) -> Floats:
        """The log-odds before any tree."""
        base = self.scorecard.base(self.cause, x[:, RENEWAL], x[:, TERM].astype(np.float64))
        return self.base_weight * base - standing

    def learned(self, x: Rows) -> Floats:
        """What the booster adds, before calibration."""
        if self.booster is None:
            return np.zeros(len(x))
        return np.asarray(self.booster.predict(x, raw_score=True), dtype=np.float64)

    def contributions(self, x: Rows) -> Floats:
        """Rows by covariates and a constant: the booster's exact contributions, which sum to `learned`."""
        if self.booster is None or not len(x):  # which LightGBM divides by
            return np.zeros((len(x), x.shape[1] + 1))
        return np.asarray(self.booster.predict(x, pred_contrib=True), dtype=np.float64)

    def to_json(self) -> dict[str, Any]:
        """All but the booster and the scorecard, as plain values."""
        calibration = self.calibration
        return {
            "intercept": calibration.intercept,
            "slope": calibration.slope,
            "segments": calibration.segments,
            "base_weight": self.base_weight,
            "standing_weight": self.standing_weight,
            "line": self.line.to_json(),
        }

    @classmethod
    def from_json(
        cls, cause: Cause, scorecard: Scorecard, booster: lgb.Booster | None, given: dict[str, Any]
    ) -> "Hazard":
        """What `to_json` gave, joined with what it left out."""
        calibration = Calibration(given["intercept"], given["slope"], given["segments"])
        line = Line.from_json(given["line"])
        return cls(cause, scorecard, line, booster, calibration, given["base_weight"], given["standing_weight"])
