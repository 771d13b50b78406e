"""Drift: signals and scores that lie otherwise than they usually do, in the whole book and in its large segments.

With many accounts every difference is certain, and with many signals some test is always sure, so what has moved goes
by the size of the effect: a PSI of 0.25 and half as much again as any snapshot of the reference year showed. The test,
χ² on the same bins, adjusted for how many there are (Benjamini & Hochberg, 1995), only supports it. An alarm wants
more: a signal that moved must move health with it, or nobody's score is the worse for it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
from scipy.stats import false_discovery_control

from features.catalogue import CATALOGUE
from training.intervals import Number
from training.model import HealthModel
from training.monitoring.alarm import Alarm
from training.monitoring.baseline import BOOK, SCORES, Baseline, in_part, watched, with_scores
from training.monitoring.histogram import MOVED, chance, psi

BEYOND_USUAL = 1.5
"""Times the largest PSI of the reference year: a season's wobble stays below."""
SURE = 0.01
MATTERS = 1.0
"""Points by which a signal that moved has moved mean health: a fourteenth of the odds of renewing."""


@dataclass(frozen=True)
class Drift:
    """How one signal or score lies now against the baseline, in a segment or (None) the whole book.

    `usual` is the largest PSI of a snapshot of the baseline's year; `chance` how likely the difference is chance,
    adjusted for all that were tested; `points` what the signal's moving has done to mean health; `weight` the signal's
    share in the model's points, 0 for scores.
    """

    name: str
    segment: str | None
    accounts: int
    psi: Number
    usual: Number
    chance: Number
    missing_before: Number
    missing_now: Number
    points: float
    weight: float

    @property
    def moved(self) -> bool:
        """Whether it is large, larger than usual, and no chance."""
        return self.psi >= MOVED and self.psi > BEYOND_USUAL * self.usual and self.chance < SURE

    @property
    def matters(self) -> bool:
        """Whether it has moved, and scores with it."""
        return self.moved and (self.name in SCORES or abs(self.points) >= MATTERS)


def drift(snapshot: pl.DataFrame, model: HealthModel, baseline: Baseline) -> tuple[Drift, ...]:
    """Every signal and score of the parts the baseline knows, the furthest moved first. `snapshot` is one `as_of`."""
    found: list[Drift] = []
    scored = with_scores(snapshot, model)
    for part, usual in baseline.parts.items():
        rows = in_part(scored, part)
        if rows.is_empty():
            continue
        for name, seen in watched(rows, model).items():
            if name in usual:
                before, now = usual[name].histogram, usual[name].histogram.again(seen.values)
                found.append(
                    Drift(
                        name,
                        part if part != BOOK else None,
                        rows.height,
                        psi(before, now),
                        usual[name].wobble,
                        chance(before, now),
                        before.missing,
                        now.missing,
                        seen.points - usual[name].points,
                        baseline.weights.get(name, 0.0),
                    )
                )
    return tuple(sorted(_adjusted(found), key=lambda each: -each.psi))


def drift_alarms(drifts: Sequence[Drift]) -> Iterator[Alarm]:
    """An alarm for what moved and matters in the whole book, and for what does in a segment only."""
    moved = [each for each in drifts if each.matters]
    everywhere = {each.name for each in moved if each.segment is None}
    for each in moved:
        if each.segment is not None and each.name in everywhere:
            continue
        where = f" in {each.segment}" if each.segment else ""
        kind = "score_drift" if each.name in SCORES else "drift"
        health = f", mean health {each.points:+.1f} points" if each.name not in SCORES else ""
        missing = (
            f"; missing for {each.missing_now:.0%}, before {each.missing_before:.0%}"
            if abs(each.missing_now - each.missing_before) >= 0.1
            else ""
        )
        meaning = CATALOGUE[each.name].meaning if each.name in CATALOGUE else each.name.replace("_", " ")
        yield Alarm(
            kind,
            "warn",
            each.name + where,
            f"{meaning} lies otherwise than in the year before training (PSI {each.psi:.2f}, usually up to "
            f"{each.usual:.2f}{missing}{health})",
            "See whether the business changed, or how it is recorded; what becomes of it shows in matured outcomes.",
        )


def drifted_weight(drifts: Sequence[Drift]) -> float:
    """The share of the model's points that lies on signals which moved in the whole book and matter."""
    return sum(each.weight for each in drifts if each.segment is None and each.matters)


def _adjusted(found: Sequence[Drift]) -> list[Drift]:
    if not found:
        return []
    adjusted = false_discovery_control([each.chance for each in found])
    return [Drift(**{**each.__dict__, "chance": float(p)}) for each, p in zip(found, adjusted, strict=True)]
