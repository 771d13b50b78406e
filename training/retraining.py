"""When to retrain: what `--retrain auto` looks at, in which order, and what it says.

A champion is trained anew where there is none, where it tells leavers apart less well than was proven, where the book
has drifted away from the one it was trained on, where much can be learned that it doesn't know, or where it is old.
Where only its level is off, it is recalibrated: quicker, and people keep the order of accounts they work with; so it is
where its level is off and what was trained instead failed its floors. What was tried within a period isn't tried again,
whatever came of it; what was trained and failed its floors is trained again when there is more to learn from.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np
import polars as pl
from scipy.stats import norm

from features.matrix import build
from features.periods import PERIOD, snapshots
from features.spine import spine
from features.tables import Tables
from training.floors import CALIBRATED
from training.intervals import COVERAGE, Estimate
from training.level import DAYS, figures_of, levelled_until, matured
from training.model import HealthModel
from training.monitoring.histogram import Histogram, psi
from training.outcomes import outcomes
from training.recalibration import CHANCE, RECENT
from training.receipt import Receipt
from training.tracking import Facts

Action = Literal["none", "recalibrate", "train"]

OLD = timedelta(days=364)
"""A champion this old is trained anew, where anybody has left since."""
NEWLY_LEARNED = 0.5
"""Churns that have matured since training, as a share of those it was trained on, that are worth a training."""
FEWEST_NEW = 50
DRIFTED = 0.25
"""Population stability index of health from which on a book counts as another one than the model was trained on."""
DRIFTED_POINTS = 0.3
"""Share of the model's points on signals that moved, from which on it does too."""
AGAIN = PERIOD
"""A retraining isn't tried again before."""
AFTER_FAILING = PERIOD * 3
"""Nor is a training that failed its floors, unless `FEWEST_NEW` more churns have matured."""
FEWEST_IN_SEGMENT = 10
"""Churns a segment needs to be looked at by itself."""


@dataclass(frozen=True)
class Standing:
    """How a champion stands at `as_of`.

    `trained_until` and `levelled_until` are the moments it knew outcomes up to. It was trained on `learned_from`
    churns; others have matured since, at the moments `churned`. `expected_to_actual` is over what has matured since its
    level was set, half a year at most: of the whole book (None) and of each segment with enough churns. `auc` is over
    the same, `proven_auc` the receipt's at the same horizon. `drift` is the population stability index of health
    between the snapshot it was trained at and the newest, `drifted` the share of its points on signals which moved
    (`training.monitoring.drift`).
    """

    as_of: datetime
    trained_until: datetime
    levelled_until: datetime
    learned_from: int
    churned: Sequence[datetime]
    expected_to_actual: Mapping[str | None, Estimate]
    auc: Estimate
    proven_auc: Estimate
    drift: float
    drifted: float = 0.0


@dataclass(frozen=True)
class Wanted:
    """What to do, and why in sentences, the weightiest first; a sentence says why nothing is done, too.

    `level_off`: the champion's level has to be set right, also where what is trained for it doesn't become champion.
    """

    action: Action
    reasons: tuple[str, ...]
    level_off: bool = False


@dataclass(frozen=True)
class Attempt:
    """A version that was made of what was known at `until`; `failed`: its floors kept it from becoming champion."""

    action: Action
    until: datetime
    failed: bool

    def again(self, action: Action, churned: Sequence[datetime]) -> datetime:
        """When `action` is worth another try."""
        if not (self.failed and self.action == action == "train"):
            return self.until + AGAIN
        new = sorted(at for at in churned if at > self.until)
        return max(self.until + AGAIN, min([self.until + AFTER_FAILING, *new[FEWEST_NEW - 1 :]]))


def wanted(standing: Standing | None, tried: Sequence[Attempt] = ()) -> Wanted:
    """What the rule says of a champion, of which `tried` was tried; None: there is no champion."""
    if standing is None:
        return Wanted("train", ("there is no champion yet",))
    if standing.as_of < standing.trained_until:
        return Wanted("none", ("the champion knows later outcomes than those of this day",))
    reasons = list(_reasons(standing))
    if not reasons:
        return Wanted("none", ("nothing has moved, and the champion isn't old",))
    actions = {action for action, _ in reasons}
    told = [reason for _, reason in reasons]
    for action in sorted(actions):
        again = {each.again(action, standing.churned): each for each in tried if each.until <= standing.as_of}
        if again and standing.as_of < (when := max(again)):
            actions.remove(action)
            told.append(f"but to {action} was tried for {again[when].until:%Y-%m-%d}: again from {when:%Y-%m-%d} on")
    if not actions:
        return Wanted("none", tuple(told))
    return Wanted("train" if "train" in actions else "recalibrate", tuple(told), level_off="recalibrate" in actions)


def standing(
    champion: HealthModel,
    tables: Tables,
    as_of: datetime,
    proof: Receipt | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Standing:
    """How a champion stands, from what is known at `as_of`; `proof` is its receipt."""
    progress("how the champion stands")
    on = champion.card.trained_on
    grace = timedelta(days=champion.card.grace_days)
    trained = datetime.fromisoformat(on["observed_until"])
    levelled = levelled_until(champion)
    known = outcomes(tables, champion.card.grace_days, as_of)
    since = max(levelled, known.observed_until - RECENT)
    at = snapshots(min(since, as_of), as_of)
    then = min(trained + grace, as_of)
    matrix = build(tables, spine(tables, sorted({*at, then})))
    rows = matured(champion, matrix.filter(pl.col("as_of").is_in(at)), known, since)
    figures, _ = figures_of(rows)
    ratios: dict[str | None, Estimate] = {None: figures["expected_to_actual"]}
    for (segment,), part in rows.drop_nulls("segment").group_by("segment", maintain_order=True):
        of_segment, churns = figures_of(part)
        if churns >= FEWEST_IN_SEGMENT:
            ratios[str(segment)] = of_segment["expected_to_actual"]
    health = {moment: champion.score(matrix.filter(pl.col("as_of") == moment))["health"] for moment in (then, as_of)}
    entry = proof.entry(DAYS) if proof else None
    left = pl.col("ended_at").is_between(trained, known.observed_until, closed="right") & ~pl.col("completed")
    return Standing(
        as_of=as_of,
        trained_until=trained + grace,
        levelled_until=levelled + grace,
        learned_from=int(on["churns"]),
        churned=(known.lives.filter(left)["ended_at"] + grace).to_list(),
        expected_to_actual=ratios,
        auc=figures["auc"],
        proven_auc=entry.figures["auc"] if entry else Estimate(math.nan),
        drift=stability(health[then].to_numpy(), health[as_of].to_numpy()) if then < as_of else 0.0,
    )


def stability(before: np.ndarray, now: np.ndarray) -> float:
    """The population stability index of `now` against tenths of `before`."""
    if not len(before) or not len(now):
        return 0.0
    usual = Histogram.of(before)
    return psi(usual, usual.again(now))


def attempts(versions: Sequence[Facts]) -> list[Attempt]:
    """What was tried, of the versions there are."""
    return [
        Attempt(
            action="recalibrate" if "recalibrated_from" in version.tags else "train",
            until=datetime.fromisoformat(version.tags["until"]),
            failed=version.tags.get("decision") == "kept_challenger",
        )
        for version in versions
        if "until" in version.tags
    ]


def _beyond_chance(ratio: Estimate) -> bool:
    """Whether a ratio lies further from 1 than chance takes it; its logarithm is about normal."""
    if not 0 < ratio.low < ratio.high < math.inf:
        return False
    deviation = math.log(ratio.high / ratio.low) / (2 * norm.ppf((1 + COVERAGE) / 2))
    return bool(2 * norm.sf(abs(math.log(ratio.value)) / deviation) <= CHANCE)


def _reasons(standing: Standing) -> Iterator[tuple[Action, str]]:
    if standing.auc.high < standing.proven_auc.low:
        yield (
            "train",
            f"it tells leavers apart less well than was proven: AUC {standing.auc.value:.2f} lately, at most "
            f"{standing.auc.high:.2f}, against {standing.proven_auc.value:.2f}",
        )
    low, high = CALIBRATED
    for segment, ratio in standing.expected_to_actual.items():
        if not low <= ratio.value <= high and _beyond_chance(ratio):
            where = "" if segment is None else f" in segment {segment}"
            yield (
                "recalibrate",
                f"calibration is out of bounds{where}: it expected {ratio.value:.2f} ({ratio.low:.2f} to "
                f"{ratio.high:.2f}) for each that left, outside {low} to {high} and no chance",
            )
    if standing.drift > DRIFTED:
        yield "train", f"the book has drifted: stability index of health {standing.drift:.2f}, above {DRIFTED}"
    if standing.drifted > DRIFTED_POINTS:
        yield "train", f"signals with {standing.drifted:.0%} of its points lie otherwise than in the year before it"
    churns = len(standing.churned)
    if churns >= max(FEWEST_NEW, NEWLY_LEARNED * standing.learned_from):
        yield "train", f"{churns} churns have matured since it was trained on {standing.learned_from}"
    age = standing.as_of - standing.trained_until
    if age >= OLD and churns:
        yield "train", f"it is {age.days} days old, and {churns} churns have matured since"
