"""How values lie, in a few numbers: counts between fixed edges and of what is missing; and how far two such lie apart.

A histogram is all that is kept of the past, so that watching needs no training data. Its edges are the tenths of the
values it was first made of; later values are counted between the same edges.

PSI (population stability index; Siddiqi, Credit Risk Scorecards, 2006; the symmetric divergence of Jeffreys, 1946) is
`Σ (p − q) · ln(p ÷ q)` over the bins' shares. By convention below 0.1 nothing has moved and from 0.25 on much has.
SciPy has its terms. The kept libraries that have the whole of it want the reference's rows at hand; besides, Frouros
0.9 takes no NumPy from 2.2 on, NannyML 0.13 no Python from 3.13 on, and Evidently 0.7 brings a web server and Plotly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import rel_entr
from scipy.stats import chi2_contingency

Floats = NDArray[np.float64]

TENTHS = np.arange(1, 10) / 10
MOVED = 0.25
"""PSI from which on a distribution counts as moved."""


@dataclass(frozen=True)
class Histogram:
    """`counts` of what is missing, then of the values up to each edge and of those above the last."""

    edges: tuple[float, ...]
    counts: tuple[float, ...]

    @classmethod
    def of(cls, values: Floats) -> "Histogram":
        """Of these values (NaN where missing), with their own tenths as edges, each once."""
        known = values[~np.isnan(values)]
        return cls(_edges(known), ()).again(values)

    def again(self, values: Floats) -> "Histogram":
        """Other values between the same edges."""
        known = values[~np.isnan(values)]
        bins = np.bincount(np.searchsorted(self.edges, known, side="left"), minlength=len(self.edges) + 1)
        return Histogram(self.edges, (float(len(values) - len(known)), *map(float, bins)))

    @property
    def rows(self) -> float:
        """How many values it is of, those missing among them."""
        return sum(self.counts)

    @property
    def missing(self) -> float:
        """Share of the values that is missing."""
        return self.counts[0] / self.rows if self.rows else float("nan")

    def scaled(self, rows: float) -> "Histogram":
        """The same shares of so many rows."""
        return Histogram(self.edges, tuple(count * rows / self.rows for count in self.counts) if self.rows else ())


def psi(reference: Histogram, now: Histogram) -> float:
    """Population stability index; every bin has half a row more, so that an empty one doesn't make it infinite."""
    p, q = (np.array(each.counts) + 0.5 for each in (reference, now))
    p, q = p / p.sum(), q / q.sum()
    return float((rel_entr(p, q) + rel_entr(q, p)).sum())


def chance(reference: Histogram, now: Histogram) -> float:
    """How likely two samples of one distribution differ so much: Pearson's χ² of homogeneity, over the bins in use."""
    counts = np.array([reference.counts, now.counts])
    used = counts[:, counts.sum(axis=0) > 0]
    if used.shape[1] < 2 or not used.sum(axis=1).all():
        return 1.0
    return float(chi2_contingency(used, correction=False).pvalue)


def _edges(known: Floats) -> tuple[float, ...]:
    """The tenths below the largest value; where nearly all have that, the largest below it."""
    if not len(known):
        return ()
    tenths = np.unique(np.quantile(known, TENTHS, method="inverted_cdf"))
    largest = known.max()
    edges = tenths[tenths < largest]
    if not len(edges) and known.min() < largest:
        edges = np.array([known[known < largest].max()])
    return tuple(map(float, edges))
