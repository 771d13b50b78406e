"""Bands settle: what is on the edge doesn't flap, what has left it is told at once."""

import pytest

from serving.bands import Seen, settle
from serving.scores import Band
from training.model import band_of


@pytest.mark.parametrize(
    "health, before, settled",
    [
        (49.0, ("healthy", "healthy"), "healthy"),  # a point past the edge, seen once
        (49.0, ("at_risk", "healthy"), "at_risk"),  # seen twice
        (48.0, ("healthy", "healthy"), "healthy"),  # on the margin: 50 is healthy
        (47.9, ("healthy", "healthy"), "at_risk"),  # two points past it
        (34.0, ("healthy", "healthy"), "at_risk"),  # two bands down, the second one on the edge
        (32.9, ("healthy", "healthy"), "critical"),
        (51.0, ("at_risk", "at_risk"), "at_risk"),
        (52.0, ("at_risk", "at_risk"), "healthy"),
        (51.0, ("healthy", "at_risk"), "healthy"),
        (51.0, ("critical", "critical"), "at_risk"),
        (36.0, ("at_risk", "at_risk"), "at_risk"),
        (49.0, ("critical", "healthy"), "healthy"),  # seen twice is the same band twice
    ],
)
def test_a_band_is_left_when_that_is_clear(health: float, before: tuple[Band, Band], settled: Band) -> None:
    assert settle(health, band_of(health), Seen(*before, None), later=True) == settled


def test_the_first_look_settles() -> None:
    assert settle(49.9, "at_risk", None, later=True) == "at_risk"


def test_the_same_moment_scored_again_is_not_seen_twice() -> None:
    before = Seen("at_risk", "healthy", None)
    assert settle(49.0, "at_risk", before, later=False) == "healthy"
