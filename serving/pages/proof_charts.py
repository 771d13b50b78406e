"""The charts of a receipt, as SVG: where things lie on them. A table or words beside them say the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from math import floor, log10

from serving.pages.charts import Axis, Tick
from serving.receipt_shown import MODEL, Caught, Comparison, Entry, Estimate, Tenth, Warned

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 48
FOREST = 180
"""Width of the drawing in a row of the anchors' table, and 20 high."""
RANKING = ("auc", "lift", "arr_caught")
"""Figures that say how well leavers are told apart, whatever the level; higher is better."""


@dataclass(frozen=True)
class Whisker:
    """A point with its interval; `low` and `high` are where that ends."""

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Plot:
    """Lines and points between two axes.

    `lines`: kind (accounts, arr, chance, level) to a path; `mark`: a line of its own with what it says.
    """

    whiskers: list[Whisker]
    lines: dict[str, str]
    across: list[Tick]
    along: list[Tick]
    mark: Tick | None = None


@dataclass(frozen=True)
class Bar:
    """A bar with its interval, 0–100."""

    length: float
    low: float
    high: float


@dataclass(frozen=True)
class Rival:
    """A row of the anchors' table: its figures, and against the model where its interval lies; None for the model."""

    entry: Entry
    against: Comparison | None
    whisker: Whisker | None


@dataclass(frozen=True)
class Ahead:
    """An anchor whose figure is the best of all, the model's included; `apart`: the two intervals don't meet."""

    figure: str
    anchor: str
    best: Estimate
    model: Estimate
    apart: bool


@dataclass(frozen=True)
class Forest:
    """The anchors' table at one horizon; `zero` is where an anchor is as good as the model."""

    rivals: list[Rival]
    zero: float
    ahead: list[Ahead]

    def better(self, which: str) -> list[str]:
        """The anchors with that outcome: `model`, `anchor` or `neither` is better."""
        return [rival.entry.predictor for rival in self.rivals if rival.against and rival.against.better == which]


def reliability(tenths: Sequence[Tenth], *, arr: bool) -> Plot | None:
    """Expected against actual, in accounts or in ARR; None where nothing can be told."""
    told = [(t.number, t.expected_arr, t.actual_arr) if arr else (t.number, t.expected, t.actual) for t in tenths]
    points = [(number, at, actual) for number, at, actual in told if at is not None and actual.value is not None]
    if not points:
        return None
    highest = max(max(at, actual.value or 0, actual.high or 0) for _, at, actual in points)
    steps = _steps(highest)
    top = steps[-1]
    x, y = Axis(0, top, LEFT, WIDTH - RIGHT), Axis(0, top, HEIGHT - BOTTOM, TOP)
    return Plot(
        whiskers=[
            _whisker(x.at(at), y, actual, f"Tenth {number}: expected {_percent(at)}, {_told(actual)}")
            for number, at, actual in points
        ],
        lines={"chance": f"{x.at(0):g},{y.at(0):g} {x.at(top):g},{y.at(top):g}"},
        across=[Tick(y.at(step), _short(step)) for step in steps],
        along=[Tick(x.at(step), _short(step)) for step in steps],
    )


def lift(points: Sequence[Caught]) -> Plot | None:
    """How many of those who left, and how much of the ARR lost, is among the highest risks; None where nobody left."""
    if not points:
        return None
    x, y = Axis(0, 1, LEFT, WIDTH - RIGHT), Axis(0, 1, HEIGHT - BOTTOM, TOP)
    quarters = (0, 0.25, 0.5, 0.75, 1)

    def path(name: str) -> str:
        there = [(p.share, getattr(p, name)) for p in points]
        return " ".join(f"{x.at(s):g},{y.at(value):g}" for s, value in there if s is not None and value is not None)

    return Plot(
        whiskers=[],
        lines={
            "chance": f"{x.at(0):g},{y.at(0):g} {x.at(1):g},{y.at(1):g}",
            "accounts": path("churned"),
            "arr": path("arr"),
        },
        across=[Tick(y.at(share), f"{100 * share:g} %") for share in quarters],
        along=[Tick(x.at(share), f"{100 * share:g} %") for share in quarters],
        mark=Tick(x.at(0.1), "the top tenth"),
    )


def lead_time(warned: Sequence[Warned], green: Estimate) -> Plot | None:
    """Share of leavers no longer green, by how long before they left; None where nobody left."""
    told = [each for each in warned if each.churns and each.not_green.value is not None]
    if not told:
        return None
    furthest = max(each.to_days for each in told)
    x, y = Axis(furthest, 0, LEFT, WIDTH - RIGHT), Axis(0, 1, HEIGHT - BOTTOM, TOP)
    whiskers = [
        _whisker(
            x.at((each.from_days + each.to_days) / 2),
            y,
            each.not_green,
            f"{each.from_days} to {each.to_days} days before: {_told(each.not_green)} of {each.churns:,}",
        )
        for each in told
    ]
    lines = {"accounts": " ".join(f"{point.x:g},{point.y:g}" for point in whiskers)}
    mark = None
    if green.value is not None:
        level = y.at(1 - green.value)
        lines["chance"] = f"{LEFT},{level:g} {WIDTH - RIGHT},{level:g}"
        mark = Tick(level, "the whole book")
    return Plot(
        whiskers=whiskers,
        lines=lines,
        across=[Tick(y.at(share), f"{100 * share:g} %") for share in (0, 0.25, 0.5, 0.75, 1)],
        along=[Tick(x.at(days), f"{days}") for days in range(furthest, -1, -60)],
        mark=mark,
    )


def bars(rates: Sequence[Estimate]) -> list[Bar]:
    """Rates on one scale, the highest end of an interval being 100."""
    top = max((end for rate in rates for end in (rate.value, rate.high) if end is not None), default=0) or 1.0
    scale = Axis(0, top, 0, 100)
    return [
        Bar(*(scale.at(rate.value or 0 if end is None else end) for end in (rate.value, rate.low, rate.high)))
        for rate in rates
    ]


def forest(entries: Sequence[Entry], comparisons: Sequence[Comparison]) -> Forest:
    """The model, then the anchors, the closest first; their differences from the model on one scale that holds 0."""
    found = {comparison.anchor: comparison for comparison in comparisons}
    ends = [0.0, *(end for comparison in comparisons for end in _ends(comparison.difference))]
    x = Axis(min(ends), max(ends), 8, FOREST - 8)
    rivals = [Rival(entry, None, None) for entry in entries if entry.predictor not in found]
    anchors = [entry for entry in entries if entry.predictor in found]
    for entry in sorted(anchors, key=lambda entry: found[entry.predictor].difference.value or 0.0):
        low, at, high = _ends(found[entry.predictor].difference)
        rivals.append(Rival(entry, found[entry.predictor], Whisker(x.at(at), 10, x.at(low), x.at(high), "")))
    return Forest(rivals, x.at(0), list(_ahead(entries)))


def _ahead(entries: Sequence[Entry]) -> Iterator[Ahead]:
    """Where an anchor ranks better than the model by a single figure, which the log-loss alone would hide."""
    model = next((entry for entry in entries if entry.predictor == MODEL), None)
    for name in RANKING if model else ():
        own = model.figure(name) if model else Estimate()
        best = max(entries, key=lambda entry: entry.figure(name).value or 0.0)
        top = best.figure(name)
        if own.value is not None and top.value is not None and round(top.value, 2) > round(own.value, 2):
            apart = top.low is not None and own.high is not None and top.low > own.high
            yield Ahead(name, best.predictor, top, own, apart)


def _whisker(x: float, y: Axis, estimate: Estimate, label: str) -> Whisker:
    low, at, high = _ends(estimate)
    return Whisker(x, y.at(at), y.at(low), y.at(high), label)


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    value = estimate.value or 0.0
    return value if estimate.low is None else estimate.low, value, value if estimate.high is None else estimate.high


def _steps(highest: float) -> list[float]:
    """Round steps from 0 to just above the highest value, four to six of them."""
    rough = max(highest, 1e-6) / 4
    size = 10 ** floor(log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    below = list(takewhile(lambda at: at < highest, (step * number for number in count())))
    return [*below, below[-1] + step]


def _short(share: float) -> str:
    return f"{100 * share:.3g} %"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _told(estimate: Estimate) -> str:
    value = _percent(estimate.value or 0)
    if estimate.low is None or estimate.high is None:
        return value
    return f"{value} ({100 * estimate.low:.1f} to {_percent(estimate.high)})"
