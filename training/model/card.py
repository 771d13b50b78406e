"""The card: what a model version says of itself, the JSON part of the artefact."""

from dataclasses import dataclass, field
from typing import Any, Literal

from training.model.feeds import Feeds

Mode = Literal["prior only", "blended", "learned"]

UNPROVEN_SPREAD = 10.0
"""Standard deviation of health, in points, of a model that hasn't been set beside another of its kind: the odds could
be half or twice as high."""


@dataclass(frozen=True)
class Card:
    """How to read a model's numbers.

    `mode` says what they rest on. `reference` is the log-odds of renewing that health 50 stands for; `weights` the
    share each signal has in the spread of points (they sum to 1); `evidence` the share of that spread that was learned
    from outcomes, the rest being the scorecard's. `seen` are the lowest and highest value of each signal in training.
    `typical_points` are what each signal gives or costs in the median; they count to the base, so that a signal's
    points are against what is typical. `spread` is the standard deviation of health between models of the same
    company, in points. `contraction_depth` is the share of ARR lost by those that pay less, `growth` what the others
    add in a year as a share of theirs (`growth_sd` from year to year), and `level_sd` how far the level of churn, in
    log-odds, may be off.
    """

    signals: tuple[str, ...]
    catalogue_digest: str
    mode: Mode
    reference: float
    weights: dict[str, float]
    evidence: float
    seen: dict[str, tuple[float, float]]
    feeds: Feeds
    contraction_depth: float
    growth: float
    growth_sd: float
    level_sd: float
    grace_days: int
    trained_on: dict[str, Any]
    typical_points: dict[str, float] = field(default_factory=dict)
    spread: float = UNPROVEN_SPREAD
