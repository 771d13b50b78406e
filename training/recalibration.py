"""Recalibration: a model's level, and its segments', set anew on outcomes that have matured since, boosters untouched.

A price rise, a recession or a new competitor moves how many leave long before it changes who does. A model that has
stood for a while is therefore set to what happened lately: every near lead whose period lies in the newest stretch
of observed time is scored by the model as it would be served, and the calibration's intercept and its segments' shifts
follow the difference. The order of accounts within a segment stays as it was.
"""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl

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


def recalibrated(
    model: HealthModel, matrix: pl.DataFrame, outcomes: Outcomes, since: datetime | None = None
) -> HealthModel:
    """`model` at the level of the periods that began at or after `since` and whose outcome is known.

    `since` is half a year before the newest known outcome by default. `matrix` holds snapshots up to today; those that
    look ahead into the stretch count. The card's `trained_on` tells of it as `recalibrated`. Raises NotEnoughOutcomes
    where fewer than `FEWEST_EVENTS` accounts have left in that time. A hazard nobody came to keeps its level.
    """
    since = since or outcomes.observed_until - RECENT
    history = outcomes.of(matrix)
    left = history.filter(pl.col("churned_at") > since).select("account_id", "churned_at").n_unique()
    if left < FEWEST_EVENTS:
        raise NotEnoughOutcomes(
            f"{left} accounts are known to have left between {since:%Y-%m-%d} and {outcomes.observed_until:%Y-%m-%d}: "
            f"setting a level needs at least {FEWEST_EVENTS}; wait, or look further back"
        )
    churn, contraction = (
        _levelled(hazard, model, history, outcomes, since) for hazard in (model.churn, model.contraction)
    )
    told = {"since": str(since), "until": str(outcomes.observed_until), "churns": left}
    card = replace(model.card, trained_on=model.card.trained_on | {"recalibrated": told})
    return replace(model, churn=churn, contraction=contraction, card=card)


def _levelled(hazard: Hazard, model: HealthModel, history: pl.DataFrame, outcomes: Outcomes, since: datetime) -> Hazard:
    names = list(model.card.signals)
    served = model.known(model.accounts(history))
    standing = hazard.standing(served.values, names)
    leads = expand(history, names, outcomes.observed_until, hazard.cause, standing)
    leads = leads.some((leads.begins >= since.toordinal()) & (leads.x[:, LEAD] <= NEAR))
    if not leads.y.any():
        return hazard
    leads.x[:, : len(names)] = served.values[leads.row]
    log_odds = hazard.log_odds(leads.x, leads.standing, 0.0 * leads.standing) + leads.offset
    calibration = hazard.calibration.levelled(log_odds, leads.y, history["segment"].to_numpy()[leads.row], NEAR)
    return replace(hazard, calibration=calibration)
