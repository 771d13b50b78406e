"""Bands: where health stands in one word, and how it settles so that a score on the edge doesn't flap.

The band shown is always the one of the health shown. The *settled* band follows it once health lies two points past the
edge, or when a second moment in a row shows the same. People are told of changes of the settled band only.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Band = Literal["healthy", "at_risk", "critical"]
BAND_NAMES: tuple[Band, ...] = get_args(Band)
BANDS: tuple[tuple[Band, float], ...] = (("healthy", 50.0), ("at_risk", 35.0), ("critical", -np.inf))
"""Band and the health it begins at. Higher health is better."""
MARGIN = 2.0
"""Points of health past the edge at which one look is enough."""


def band_of(health: float) -> Band:
    """The band of a health."""
    return next((band for band, begins in BANDS if health >= begins), "critical")


def bands(health: NDArray[np.float64]) -> list[Band]:
    """The band of each health."""
    return [band_of(value) for value in health]


def settled(health: float, band: Band, shown_before: Band | None, settled_before: Band | None) -> Band:
    """The settled band of an account that shows `band`, given what it showed at an earlier moment (None: nothing)."""
    if settled_before is None or band in (settled_before, shown_before):
        return band
    had = BAND_NAMES.index(settled_before)
    if BAND_NAMES.index(band) > had:
        return BAND_NAMES[max(had, BAND_NAMES.index(band_of(health + MARGIN)))]
    return BAND_NAMES[min(had, BAND_NAMES.index(band_of(health - MARGIN)))]


def settled_along(health: Iterable[float]) -> list[Band]:
    """The settled bands of one account at moments that follow each other."""
    found: list[Band] = []
    shown: Band | None = None
    for value in health:
        band = band_of(value)
        found.append(settled(value, band, shown, found[-1] if found else None))
        shown = band
    return found
