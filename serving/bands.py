"""Bands that don't flap: a score on the edge keeps the band it had until it is clear that it has left it.

The band shown is always the one of the health shown. The *settled* band follows it once health lies two points past the
edge, or when a second moment in a row shows the same. People are told of changes of the settled band only.
"""

from typing import NamedTuple

from serving.scores import BANDS, Band

MARGIN = 2.0
"""Points of health past the edge at which one look is enough."""

BEGINS: tuple[tuple[Band, float], ...] = (("healthy", 50.0), ("at_risk", 35.0))
"""Health at which a band begins, as the model draws them; below all of them it is critical."""


class Seen(NamedTuple):
    """What the batch before showed of an account."""

    band: Band
    settled_band: Band | None
    notice_given: bool | None


def band_of(health: float) -> Band:
    """The band of a health."""
    return next((band for band, begins in BEGINS if health >= begins), "critical")


def settle(health: float, band: Band, before: Seen | None, *, later: bool) -> Band:
    """The settled band of an account that shows `band`; `later` says the batch before is of an earlier moment."""
    if before is None or before.settled_band is None:
        return band
    had = BANDS.index(before.settled_band)
    if band == before.settled_band or (later and band == before.band):
        return band
    if BANDS.index(band) > had:
        return BANDS[max(had, BANDS.index(band_of(health + MARGIN)))]
    return BANDS[min(had, BANDS.index(band_of(health - MARGIN)))]
