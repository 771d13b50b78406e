"""The last champion: is the new version better than the one in use?"""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from training.anchors.known import Floats, Known, Risks
from training.model import HORIZONS, HealthModel

LAST_CHAMPION = "last champion"


@dataclass(frozen=True)
class Champion:
    """The anchor. It says nothing of snapshots before the end of the outcomes it was trained on: those it has seen."""

    model: HealthModel
    name: str = LAST_CHAMPION

    @property
    def seen_until(self) -> datetime:
        """The moment up to which it had been told what happened."""
        return datetime.fromisoformat(self.model.card.trained_on["observed_until"])

    def fit(self, known: Known) -> Risks:
        """It is taken as it is."""
        del known
        return self.risks

    def risks(self, matrix: pl.DataFrame) -> Floats:
        """Its risks where they are fair, else NaN."""
        fair = (matrix["as_of"] >= self.seen_until).to_numpy()
        risks = np.full((len(matrix), len(HORIZONS)), np.nan)
        if fair.any():
            scored = self.model.score(matrix.filter(fair))
            risks[fair] = scored.select(f"risk_{days}d" for days in HORIZONS).to_numpy()
        return risks
