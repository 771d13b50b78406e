"""A path between two scores: what a score is when parts of it are as they were, and parts as they are now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from training.leads import LEADS, at_risk, clock_values, of_fixed_term
from training.model.health import POINTS_PER_LOG_ODD, Accounts, HealthModel, renewal_ahead
from training.model.risks import risk_within
from training.model.snapshot import Snapshot, days_between

FIGURES = ("health", "risk_90d", "risk_365d")
MODEL_PARTS = ("scorecard", "reference", "model")
FACTS = ("as_of", "renewal_at", "term_days", "segment")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """One score's side: the model, the name of its version, and what was known of the account."""

    model: HealthModel
    snapshot: Snapshot
    version: str = ""


def figures(model: HealthModel, accounts: Accounts) -> Floats:
    """Rows by `FIGURES`, health before it is clipped: health and the hazards of all leads in one prediction."""
    accounts = model.known(accounts)
    values, churn = accounts.values, model.churn
    standing = churn.standing(values, list(model.card.signals))
    shifts = churn.calibration.shifts(accounts.segments)
    lead = np.repeat(np.arange(1, LEADS + 1), len(values))
    renewal, term = np.tile(accounts.renewal, LEADS), np.tile(accounts.term, LEADS)
    fixed = np.tile(of_fixed_term(values, model.card.signals), LEADS)
    of_leads = np.hstack([np.tile(values, (LEADS, 1)), clock_values(lead, renewal, term, fixed)])
    x = np.vstack([renewal_ahead(values), of_leads])
    log_odds = churn.log_odds(x, np.tile(standing, LEADS + 1), np.tile(shifts, LEADS + 1)).reshape(LEADS + 1, -1)
    health = 50.0 - POINTS_PER_LOG_ODD * (log_odds[0] + model.card.reference)
    hazards = expit(log_odds[1:].T) * at_risk(lead, renewal, fixed).reshape(LEADS, -1).T
    return np.column_stack([health, risk_within(hazards, 90), risk_within(hazards, 365)])


def along(before: Scored, after: Scored, slots: Sequence[str], taken: NDArray[np.bool_]) -> Floats:
    """`figures` of every state, states by `FIGURES`.

    `slots` are signals, `FACTS` and `MODEL_PARTS`; `taken` says, states by slots, which are already as they are after.
    What is not among the slots is the same on both sides.
    """
    found = np.empty((len(taken), len(FIGURES)))
    parts = [place for place, slot in enumerate(slots) if slot in MODEL_PARTS]
    models = [frozenset(slots[part] for part in parts if state[part]) for state in taken]
    for new in dict.fromkeys(models):
        states = [place for place, of_state in enumerate(models) if of_state == new]
        model = _mixed(before.model, after.model, new)
        found[states] = figures(model, _accounts(before.snapshot, after.snapshot, model, slots, taken[states]))
    return found


def _mixed(before: HealthModel, after: HealthModel, new: frozenset[str]) -> HealthModel:
    """The model with those of `MODEL_PARTS` that are `new` from the later one."""
    model = after if "model" in new else before
    scorecard = (after if "scorecard" in new else before).churn.scorecard
    reference = (after if "reference" in new else before).card.reference
    churn, card = replace(model.churn, scorecard=scorecard), replace(model.card, reference=reference)
    return replace(model, churn=churn, card=card)


def _accounts(
    before: Snapshot, after: Snapshot, model: HealthModel, slots: Sequence[str], taken: NDArray[np.bool_]
) -> Accounts:
    """The account in each state, a row each, as the model takes it."""
    names = model.card.signals
    old, new = before.accounts(names), after.accounts(names)
    never = np.zeros(len(taken), dtype=bool)
    is_new = {slot: taken[:, place] for place, slot in enumerate(slots)}
    moved = (
        np.column_stack([is_new.get(name, never) for name in names]) if names else np.zeros((len(taken), 0), dtype=bool)
    )
    at = np.where(is_new.get("as_of", never), days_between(before.as_of, after.as_of), 0.0)
    renewal_at = (days_between(before.as_of, side.renewal_at) for side in (after, before))
    return Accounts(
        np.where(moved, new.values, old.values),
        np.where(is_new.get("renewal_at", never), *renewal_at) - at,
        np.where(is_new.get("term_days", never), new.term, old.term),
        np.where(is_new.get("segment", never), new.segments, old.segments),
    )
