"""The scorecard alone: what the service says on its first day, before it has learned anything."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.special import expit

from training.anchors.known import Floats, Known, Risks
from training.leads import FIXED_TERM, LEADS, at_risk, of_fixed_term, renewal_clock, renewal_in_lead, signal_values
from training.model import HORIZONS, risk_within
from training.scorecard import Scorecard


@dataclass(frozen=True)
class Prior:
    """The anchor: the scorecard's own renewal rate and terms, at the renewals the contracts have. It learns nothing."""

    scorecard: Scorecard
    name: str = "prior scorecard alone"

    def fit(self, known: Known) -> Risks:
        """Nothing is learned."""
        del known
        return self.risks

    def risks(self, matrix: pl.DataFrame) -> Floats:
        """Risks of the rows from the hazards of their leads."""
        names = list(self.scorecard.signals)
        standing = self.scorecard.terms(signal_values(matrix, names), names).sum(axis=1)
        renewal, term = renewal_clock(matrix)
        fixed = of_fixed_term(signal_values(matrix, [FIXED_TERM]), [FIXED_TERM])

        def hazard(lead: int) -> Floats:
            renews = renewal_in_lead(lead, renewal, term) & ~fixed
            leaves = expit(self.scorecard.base("churn", renews, term) - standing)
            return np.asarray(at_risk(lead, renewal, fixed) * leaves)

        hazards = np.column_stack([hazard(lead) for lead in range(1, LEADS + 1)])
        return np.column_stack([risk_within(hazards, days) for days in HORIZONS])
