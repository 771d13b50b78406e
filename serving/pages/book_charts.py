"""The charts of the book: what retention was and is expected to be, and what a renewal rate leaves of the base."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from serving.erosion import Erosion
from serving.pages.charts import BOTTOM, HEIGHT, TOP, WIDTH, Axis, Dot, Tick

LEFT, RIGHT = 56, 150
"""Room beside the lines of erosion: for shares, and for what each line is."""
TICKS = 4
"""Labels on a scale of retention, at most."""
APART = 19.0
"""Least distance between two labels, one above the other."""


@dataclass(frozen=True)
class Range:
    """Places on a scale of 0 to 200: what was measured, what is forecast and its interval; None where unknown."""

    measured: float | None
    forecast: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Scale:
    """A scale of whole tens of per cent that holds all of some shares, and 100 %."""

    axis: Axis

    @classmethod
    def of(cls, shares: Iterable[float | None]) -> "Scale":
        """The scale of these."""
        known = [1.0, *(share for share in shares if share is not None)]
        low, high = floor(10 * min(known) + 1e-9) / 10, ceil(10 * max(known) - 1e-9) / 10
        return cls(Axis(low, high if high > low else low + 0.1, 0, 200))

    @property
    def par(self) -> float:
        """Where 100 % lies."""
        return self.axis.at(1.0)

    @property
    def ticks(self) -> list[Tick]:
        """Every ten per cent, or fewer, so that their labels have room."""
        tenths = range(round(10 * self.axis.low), round(10 * self.axis.high) + 1)
        step = ceil(len(tenths) / TICKS)
        kept = [tenth for tenth in tenths if (tenth - 10) % step == 0]
        return [Tick(self.axis.at(tenth / 10), f"{10 * tenth} %") for tenth in kept]

    def range(self, measured: float | None, forecast: float | None, low: float | None, high: float | None) -> Range:
        """Shares as places."""
        return Range(*(None if share is None else self.axis.at(share) for share in (measured, forecast, low, high)))


@dataclass(frozen=True)
class Erodes:
    """One renewal rate over the years, with its dots and where its label stands; `kind` tells the lines apart."""

    line: str
    dots: list[Dot]
    label: str
    label_y: float
    kind: int


@dataclass(frozen=True)
class ErosionChart:
    """The lines, between `across` (shares) and `along` (years)."""

    lines: list[Erodes]
    across: list[Tick]
    along: list[Tick]


def erosion_chart(erosion: Erosion) -> ErosionChart:
    """Today's rate and it with each uplift; each line is named at its end."""
    years = len(erosion.lines[0].left)
    x, y = Axis(1, years, LEFT, WIDTH - RIGHT), Axis(0, 1, HEIGHT - BOTTOM, TOP)
    ends = _spread([y.at(line.left[-1]) for line in erosion.lines])
    lines = []
    for kind, (line, end) in enumerate(zip(erosion.lines, ends, strict=True)):
        places = [(x.at(year), y.at(left)) for year, left in enumerate(line.left, 1)]
        rate = f"{100 * line.renewal_rate:.1f} %"
        lines.append(
            Erodes(
                line=" ".join(f"{at:g},{height:g}" for at, height in places),
                dots=[
                    Dot(at, height, f"year {year} at {rate}: {100 * left:.1f} % left")
                    for year, ((at, height), left) in enumerate(zip(places, line.left, strict=True), 1)
                ],
                label=f"{rate} → {100 * line.left[-1]:.0f} %",
                label_y=end,
                kind=kind % 4,
            )
        )
    return ErosionChart(
        lines=lines,
        across=[Tick(y.at(share), f"{100 * share:g} %") for share in (0, 0.25, 0.5, 0.75, 1)],
        along=[Tick(x.at(year), f"year {year}") for year in range(1, years + 1)],
    )


def _spread(places: Sequence[float]) -> list[float]:
    """The places moved apart, from the lowest up, so that labels there can be read."""
    moved: dict[int, float] = {}
    last = float("inf")
    for at in sorted(range(len(places)), key=lambda at: -places[at]):
        last = moved[at] = min(places[at], last - APART)
    return [moved[at] for at in range(len(places))]
