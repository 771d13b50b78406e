"""The risk curve: the chance that an account has left by each day of the coming year."""

import numpy as np

from features.periods import PERIOD_DAYS
from serving.loaded_models import LoadedModels
from serving.stored_rows import StoredScore
from training.model import risk_within

YEAR = 365
STEP_DAYS = PERIOD_DAYS // 4


def risk_curve(models: LoadedModels, stored: StoredScore) -> list[tuple[int, float]]:
    """Days from `as_of` and the chance of having left by then, weekly, by the version that made the score.

    The store keeps four days of this curve; the rest shows where the renewal makes it steep. Raises CannotAnswer,
    UnavailableError where that version can't be had.
    """
    model = models.version(stored.model_name, stored.model_version)
    known = model.known(stored.known.accounts(model.card.signals))
    hazards, _ = model.hazards(known)
    days = [*range(0, YEAR, STEP_DAYS), YEAR]
    return [(day, float(np.clip(risk_within(hazards, day)[0], 0.0, 1.0))) for day in days]
