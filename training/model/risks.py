"""What follows from hazards per lead: the chance to have left by a day, and to stay but pay less."""

import numpy as np
from numpy.typing import NDArray

from features.periods import PERIOD_DAYS
from training.leads import LEADS

HORIZONS = (30, 90, 180, 365)
"""Days at which churn risk is served."""

Floats = NDArray[np.float64]


def risk_within(hazards: Floats, days: int) -> Floats:
    """Chance that it has happened within `days`, from hazards per lead (rows by `LEADS`).

    A part of a period counts as that share of it; the day beyond the last lead as part of another like the last.
    """
    whole, rest = divmod(days, PERIOD_DAYS)
    stays = np.prod(1.0 - hazards[:, :whole], axis=1)
    partly = (1.0 - hazards[:, min(whole, LEADS - 1)]) ** (rest / PERIOD_DAYS)
    return np.asarray(1.0 - stays * partly, dtype=np.float64)
