"""Recalibration: a model's level, and its segments', set anew on outcomes that have matured since, boosters untouched.

A price rise, a recession or a new competitor moves how many leave long before it changes who does. A model that has
stood for a while is therefore set to what happened lately: every near lead whose period lies in the newest stretch
of observed time is scored by the model as it would be served, and the calibration's intercept and its segments' shifts
follow the difference. The order of accounts within a segment stays as it was.

Where the level itself has changed within that stretch, only what came after speaks: an average over both sides would
be wrong of either. The change is where two levels explain the churns best, if beyond chance better than one does
(Kulldorff, A spatial scan statistic, 1997, along time).
"""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import expit, xlogy
from scipy.stats import chi2

from training.errors import NotEnoughOutcomes
from training.leads import LEAD, expand
from training.model.hazard import Hazard
from training.model.health import HealthModel
from training.outcomes import Outcomes

RECENT = timedelta(days=182)
"""How much of the newest observed time speaks for how things are now."""
NEAR = 4
"""Leads that speak, those within the horizon of 90 days. All tell of the same leavers; those seen from further off are
expected the less, and a level set by them too lifts the risks of the next quarter by a tenth (simulated company)."""
FEWEST_EVENTS = 20
"""Churns that must have matured in that time."""
SHORTEST, FEWEST_AFTER = 2, 10
"""Periods, and churns in them, that are needed after a change to tell of the level since."""
CHANCE = 0.01
"""How often, at most, a level that is right, or hasn't changed, may be taken for one that is off or has."""

Floats = NDArray[np.float64]


def recalibrated(
    model: HealthModel, matrix: pl.DataFrame, outcomes: Outcomes, since: datetime | None = None
) -> HealthModel:
    """`model` at the level of the periods that began at or after `since` and whose outcome is known.

    `since` is by default half a year before the newest known outcome, or when the level changed after that. `matrix`
    holds snapshots up to today; those that look ahead into the stretch count. The card's `trained_on` tells of it as
    `recalibrated`. Raises NotEnoughOutcomes where fewer than `FEWEST_EVENTS` accounts have left in that time. A hazard
    nobody came to keeps its level.
    """
    begin = since or outcomes.observed_until - RECENT
    history = outcomes.of(matrix)
    left = _left(history, begin)
    if left < FEWEST_EVENTS:
        raise NotEnoughOutcomes(
            f"{left} accounts are known to have left between {begin:%Y-%m-%d} and {outcomes.observed_until:%Y-%m-%d}: "
            f"setting a level needs at least {FEWEST_EVENTS}; wait, or look further back"
        )
    (churn, spoke), (contraction, _) = (
        _levelled(hazard, model, history, outcomes, begin, fixed=since is not None)
        for hazard in (model.churn, model.contraction)
    )
    told = {"since": str(spoke), "until": str(outcomes.observed_until), "churns": _left(history, spoke)}
    card = replace(model.card, trained_on=model.card.trained_on | {"recalibrated": told})
    return replace(model, churn=churn, contraction=contraction, card=card)


def _left(history: pl.DataFrame, since: datetime) -> int:
    return history.filter(pl.col("churned_at") > since).select("account_id", "churned_at").n_unique()


def _levelled(
    hazard: Hazard, model: HealthModel, history: pl.DataFrame, outcomes: Outcomes, since: datetime, *, fixed: bool
) -> tuple[Hazard, datetime]:
    """The hazard at its new level, and since when outcomes spoke for it."""
    names = list(model.card.signals)
    served = model.known(model.accounts(history))
    standing = hazard.standing(served.values, names)
    leads = expand(history, names, outcomes.observed_until, hazard.cause, standing)
    leads = leads.some((leads.begins >= since.toordinal()) & (leads.x[:, LEAD] <= NEAR))
    if not leads.y.any():
        return hazard, since
    leads.x[:, : len(names)] = served.values[leads.row]
    log_odds = hazard.log_odds(leads.x, leads.standing, 0.0 * leads.standing) + leads.offset
    day = None if fixed else changed(leads.begins, leads.y, expit(log_odds))
    speak = leads.begins >= (day or 0)
    segments = history["segment"].to_numpy()[leads.row[speak]]
    calibration = hazard.calibration.levelled(log_odds[speak], leads.y[speak], segments, NEAR)
    spoke = since if day is None else datetime.combine(date.fromordinal(day), datetime.min.time())
    return replace(hazard, calibration=calibration), spoke


def changed(begins: NDArray[np.int64], y: NDArray[np.float32], expected: Floats) -> int | None:
    """The day from which on another level explains `y` beyond chance better, None where there is none.

    `begins` says on which day each row's period began, `expected` how probable its outcome was; each is in `NEAR` rows.
    """
    days, which = np.unique(begins, return_inverse=True)
    if len(days) <= SHORTEST:
        return None
    left, due = (np.bincount(which, weights=each).cumsum() / NEAR for each in (y, expected))
    before, due_before = left[:-SHORTEST], due[:-SHORTEST]
    after, due_after = left[-1] - before, due[-1] - due_before
    two, one = xlogy(before, before / due_before) + xlogy(after, after / due_after), xlogy(left[-1], left[-1] / due[-1])
    gain = np.where(after >= FEWEST_AFTER, 2 * (two - one), 0.0)
    return int(days[gain.argmax() + 1]) if gain.max() > chi2.isf(CHANCE / len(gain), 1) else None
