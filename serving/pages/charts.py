"""Charts as SVG: where things lie on them. Templates draw them, with a table or words beside that say the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import ceil, floor

from serving.history import HistoryPoint
from serving.templating import day
from training.model import BANDS

WIDTH, HEIGHT = 640, 200
LEFT, RIGHT, TOP, BOTTOM = 56, 12, 12, 26

NAME = 70
"""Room that what a mark says takes; one that is closer to the mark before says nothing."""
SPAN = 20.0
"""Points of health that a chart shows at least, so that small moves look small."""
_BEGINS = tuple(begins for _, begins in BANDS if begins > 0)


@dataclass(frozen=True)
class Axis:
    """A linear scale from values to places."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(self.start + share * (self.end - self.start), 1)


@dataclass(frozen=True)
class Tick:
    """A line across the chart, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Dot:
    """A point of a line, and what it says when pointed at."""

    x: float
    y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A line with its dots, between `across` (values) and `along` (time); `area` is an interval, or what lies below.

    `marks` are moments worth a line of their own.
    """

    line: str
    area: str
    dots: list[Dot]
    across: list[Tick]
    along: list[Tick]
    marks: list[Tick]


@dataclass(frozen=True)
class Fall:
    """One step of a waterfall: where its bar starts and how long it is, 0–100, and where the one before ended."""

    label: str
    points: float
    start: float
    length: float
    before: float


def health_chart(points: Sequence[HistoryPoint]) -> Chart | None:
    """Health over time with its interval; None for one moment.

    A mark stands wherever another model version or another configuration begins.
    """
    moments = list({point.as_of: point for point in points}.values())  # the last known of each moment
    if len(moments) < 2:
        return None
    begins, ends = moments[0].as_of, moments[-1].as_of
    x = Axis(0, days_from(begins, ends), LEFT, WIDTH - RIGHT)
    reached = [
        end for point in moments for end in (point.health, point.health_low, point.health_high) if end is not None
    ]
    y = health_axis(reached, HEIGHT - BOTTOM, TOP)
    places = [(x.at(days_from(begins, point.as_of)), y.at(point.health)) for point in moments]
    told = [point for point in moments if point.health_low is not None and point.health_high is not None]
    upper = [(x.at(days_from(begins, point.as_of)), y.at(point.health_high or 0)) for point in told]
    lower = [(x.at(days_from(begins, point.as_of)), y.at(point.health_low or 0)) for point in reversed(told)]
    labels = [f"{day(point.as_of)}: {point.health:.0f}" for point in moments]
    changed: list[Tick] = []
    for before, after in pairwise(moments):
        if words := _other_model(before, after):
            at = x.at(days_from(begins, after.as_of))
            room = not changed or at - changed[-1].at >= NAME
            changed.append(Tick(at, words if room else ""))
    return Chart(
        line=path(places),
        area=path([*upper, *lower]),
        dots=[Dot(*place, label) for place, label in zip(places, labels, strict=True)],
        across=[Tick(y.at(value), f"{value:g}") for value in (*_BEGINS, y.low, y.high) if _apart(value, y)],
        along=[Tick(x.at(days_from(begins, at)), day(at)) for at in (begins, ends)],
        marks=changed,
    )


def risk_chart(curve: Sequence[tuple[int, float]], as_of: datetime, renewal_at: datetime | None) -> Chart:
    """Churn risk by day of the coming year, with the renewal date where it lies within."""
    days = curve[-1][0]
    highest = next(top for top in (0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0) if curve[-1][1] <= top)
    x, y = Axis(0, days, LEFT, WIDTH - RIGHT), Axis(0, highest, HEIGHT - BOTTOM, TOP)
    places = [(x.at(day), y.at(risk)) for day, risk in curve]
    near = [] if renewal_at is None or not 0 <= days_from(as_of, renewal_at) <= days else [renewal_at]
    return Chart(
        line=path(places),
        area=path([(x.at(0), y.at(0)), *places, (x.at(days), y.at(0))]),
        dots=[Dot(x.at(day), y.at(risk), f"{day} days: {100 * risk:.1f} %") for day, risk in curve if day % 28 == 0],
        across=[Tick(y.at(share * highest), f"{100 * share * highest:g} %") for share in (0, 0.5, 1)],
        along=[Tick(x.at(after), day(as_of + timedelta(days=after))) for after in (0, days // 2, days)],
        marks=[Tick(x.at(days_from(as_of, at)), f"renewal {day(at)}") for at in near],
    )


def waterfall(base: float, points: dict[str, float]) -> list[Fall]:
    """Points per dimension from the base on, the worst first; all bars share one scale, at least `SPAN` points wide."""
    falls, at = [], base
    for label, value in sorted(points.items(), key=lambda item: item[1]):
        falls.append((label, value, at))
        at += value
    reached = [base, at, *(before for _, _, before in falls)]
    middle, half = (min(reached) + max(reached)) / 2, max(SPAN, max(reached) - min(reached)) / 2
    scale = Axis(middle - half, middle + half, 0, 100)
    return [
        Fall(label, value, scale.at(min(before, before + value)), _length(scale, before, value), scale.at(before))
        for label, value, before in falls
    ]


def sparkline(points: Sequence[tuple[float, float]]) -> str | None:
    """Health over time in a box of 84 by 22; None for one moment."""
    if len(points) < 2:
        return None
    x, y = Axis(points[0][0], points[-1][0], 2, 82), health_axis([health for _, health in points], 20, 2)
    return path([(x.at(at), y.at(health)) for at, health in points])


def _other_model(before: HistoryPoint, after: HistoryPoint) -> str:
    """What is other about the model that made a score; empty where it is the same."""
    said = []
    if (before.model_name, before.model_version) != (after.model_name, after.model_version):
        said.append(f"version {after.model_version}")
    if None not in {before.configuration, after.configuration} and before.configuration != after.configuration:
        said.append("other configuration")
    return ", ".join(said)


def health_axis(reached: Sequence[float], start: float, end: float) -> Axis:
    """A scale of whole tens of health that holds what was reached, and at least `SPAN` points."""
    low, high = 10 * floor(min(reached) / 10), 10 * ceil(max(reached) / 10)
    if high - low < SPAN:
        low, high = (low - 10, high) if low >= 10 else (low, high + 10)
    return Axis(low, high if high > low else low + SPAN, start, end)


def _apart(value: float, axis: Axis) -> bool:
    """Whether a tick has room: it lies on the axis, and no end of it on a band's beginning."""
    ends = value in {axis.low, axis.high} and value not in _BEGINS
    room = all(abs(value - begins) > 3 for begins in _BEGINS)
    return (ends and room) or (value in _BEGINS and axis.low <= value <= axis.high)


def _length(scale: Axis, before: float, value: float) -> float:
    return round(abs(scale.at(before + value) - scale.at(before)), 1)


def path(places: Sequence[tuple[float, float]]) -> str:
    """Places as the points of a line."""
    return " ".join(f"{x:g},{y:g}" for x, y in places)


def days_from(start: datetime, end: datetime) -> float:
    """Days from one moment to another."""
    return (end - start).total_seconds() / 86_400
