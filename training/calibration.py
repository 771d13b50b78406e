"""Calibration: `intercept + segment's shift + prior + slope · booster`, in log-odds.

Affine, so that contributions stay additive. How far a booster overstates differences can only be seen on periods later
than those it was fitted on, so the slope is told there. The level is set for the booster that is served, on the latest
periods: set for an earlier booster it would correct a shift twice that the later one has learned (measured on oulad:
0.55 leavers expected for each that left, instead of 0.8). Every number is drawn towards what was believed before, the
stronger the fewer outcomes there are; a churn that is seen from up to 13 snapshots is one outcome, not 13 (`repeats`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

ENOUGH_EVENTS = 50
"""Events a segment needs for a level of its own."""
SHIFT_SD = 0.3
"""How far, in log-odds, a segment's level is believed to lie from the company's."""
LEVEL_SD = 1.0
"""How far a company's level is believed to lie from the scorecard's."""
SLOPE_SD = 0.25

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """What turns the sum of prior and booster into the log-odds that are served.

    `segments` has the shift of each segment that has outcomes enough; the others have none.
    """

    intercept: float = 0.0
    slope: float = 1.0
    segments: dict[str, float] = field(default_factory=dict)

    def apply(self, prior: Floats, booster: Floats, shifts: Floats) -> Floats:
        """Calibrated log-odds from those of prior and booster and the rows' `shifts`."""
        return self.intercept + shifts + prior + self.slope * booster

    def shifts(self, segments: Iterable[str | None]) -> Floats:
        """The shift of each row's segment."""
        return np.array([self.segments.get(segment or "", 0.0) for segment in segments], dtype=np.float64)

    def levelled(
        self, log_odds: Floats, y: NDArray[np.float32], segments: Iterable[str | None], repeats: float = 1.0
    ) -> "Calibration":
        """This with its level moved, and the segments' levels set, to what `y` shows.

        `log_odds`: those it gives now, without a segment's shift.
        """
        named = np.array([segment or "" for segment in segments])
        kinds, which = np.unique(named, return_inverse=True)
        events = np.bincount(which, weights=y, minlength=len(kinds))
        enough = events >= ENOUGH_EVENTS * repeats
        kept = [k for k, name in enumerate(kinds) if name and enough[k]] if len(kinds) > 1 else []
        design = np.column_stack([np.ones(len(y)), *(which == k for k in kept)]).astype(np.float64)
        sd = np.array([LEVEL_SD, *([SHIFT_SD] * len(kept))])
        found = shrunken(design, y, log_odds, np.zeros(len(sd)), sd, repeats)
        return replace(
            self,
            intercept=self.intercept + float(found[0]),
            segments={str(kinds[k]): float(shift) for k, shift in zip(kept, found[1:], strict=True)},
        )


def slope(prior: Floats, booster: Floats, y: NDArray[np.float32], repeats: float = 1.0) -> float:
    """How much of the booster's differences to believe, from later periods.

    Believed beforehand: none without events, half with `ENOUGH_EVENTS`, nearly all with many. Never turns the order of
    accounts round.
    """
    events = float(y.sum()) / repeats
    design = np.column_stack([np.ones(len(y)), booster])
    mean = np.array([0.0, events / (events + ENOUGH_EVENTS)])
    return float(np.clip(shrunken(design, y, prior, mean, np.array([LEVEL_SD, SLOPE_SD]), repeats)[1], 0.0, 1.5))


def shrunken(
    design: Floats, y: NDArray[np.float32], offset: Floats, mean: Floats, sd: Floats, repeats: float = 1.0
) -> Floats:
    """Coefficients of a logistic regression with `offset`, believed to be normal with `mean` and `sd` beforehand.

    `design` is rows by coefficients; every outcome is in `repeats` rows. Newton's method on the penalised likelihood,
    which has one minimum; a step that overshoots is halved.
    """

    def loss(at: Floats) -> float:
        log_odds = offset + design @ at
        likely = (np.logaddexp(0.0, log_odds) - y * log_odds).sum() / repeats
        return float(likely + 0.5 * (((at - mean) / sd) ** 2).sum())

    found, lost = mean.copy(), loss(mean)
    for _ in range(50):
        chance = expit(offset + design @ found)
        gradient = design.T @ (chance - y) / repeats + (found - mean) / sd**2
        curvature = (design.T * (chance * (1.0 - chance))) @ design / repeats + np.diag(sd**-2.0)
        step = np.linalg.solve(curvature, gradient)
        if np.abs(step).max() < 1e-9:
            break
        while (after := loss(found - step)) > lost + 1e-9 * abs(lost):
            step /= 2.0
        found, lost = found - step, after
    return found
