"""Erosion: what a renewal rate does to the base over five years, and what a better one would keep.

A base that renews at 82.4 % has 46 % of its accounts left in the fifth year, after four renewals.
"""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from serving.read_models import Shown

YEARS = 5

Uplifts = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,3}(\.[0-9]{1,6})?(,[0-9]{1,3}(\.[0-9]{1,6})?){0,9}$")]
"""Percentage points, up to ten of them with commas between."""


class ErosionLine(Shown):
    """One renewal rate over the years."""

    uplift: float = Field(description="Percentage points added to the renewal rate.", examples=[5.0])
    renewal_rate: float = Field(description="Renewal rate with them, a share, at most 1.", examples=[0.874])
    left: list[float] = Field(
        description="Share of the first year's accounts that is left in each year; year n has seen n − 1 renewals.",
        examples=[[1.0, 0.874, 0.763876, 0.667628, 0.583507]],
    )
    kept: float = Field(
        description="Share of the first year's accounts kept in the last year that today's rate would lose.",
        examples=[0.122502],
    )


class Erosion(Shown):
    """Today's renewal rate, and it with each uplift."""

    renewal_rate: float = Field(description="Today's renewal rate, a share.", examples=[0.824])
    measured: bool = Field(description="Whether it is the book's own measure, rather than asked for.", examples=[False])
    lines: list[ErosionLine]


def erosion(renewal_rate: float, uplifts: Sequence[float] = (5.0, 10.0), *, measured: bool = False) -> Erosion:
    """The base over five years at a yearly `renewal_rate` (0–1), and with `uplifts` (percentage points) added."""
    today = _line(renewal_rate, 0.0, 0.0)
    better = [_line(renewal_rate, uplift, today.left[-1]) for uplift in uplifts]
    return Erosion(renewal_rate=renewal_rate, measured=measured, lines=[today, *better])


def _line(renewal_rate: float, uplift: float, today: float) -> ErosionLine:
    rate = min(1.0, round(renewal_rate + uplift / 100, 12))
    left = [rate**renewals for renewals in range(YEARS)]
    return ErosionLine(uplift=uplift, renewal_rate=rate, left=left, kept=left[-1] - today if today else 0.0)
