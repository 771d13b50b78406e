"""Bands that don't flap, from batch to batch: see `training.model.bands`."""

from typing import NamedTuple

from serving.scores import Band
from training.model import settled


class Seen(NamedTuple):
    """What the batch before showed of an account."""

    band: Band
    settled_band: Band | None
    notice_given: bool | None


def settle(health: float, band: Band, before: Seen | None, *, later: bool) -> Band:
    """The settled band of an account that shows `band`; `later` says the batch before is of an earlier moment."""
    if before is None:
        return band
    return settled(health, band, before.band if later else None, before.settled_band)
