"""The charts of the renewals: what is up in each week or month, and what share of the loss a list covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, log10

from serving.pages.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Axis, Chart, Dot, Tick
from serving.renewal_calendar import Span
from serving.renewals import Coverage
from serving.templating import compact

LABELS = 6
"""Labels along the calendar, at most."""


@dataclass(frozen=True)
class Bar:
    """A week or month: the ARR that is up, and narrower in front of it what is expected to be lost; from `y` down."""

    x: float
    width: float
    y: float
    height: float
    loss_x: float
    loss_width: float
    loss_y: float
    loss_height: float
    label: str


@dataclass(frozen=True)
class Bars:
    """The bars, between `across` (money) and `along` (time)."""

    bars: list[Bar]
    across: list[Tick]
    along: list[Tick]


def calendar_chart(calendar: Sequence[Span]) -> Bars:
    """The spans side by side, on a scale that ends at a round sum."""
    top = round_up(max(span.arr for span in calendar))
    y = Axis(0, top, HEIGHT - BOTTOM, TOP)
    step = (WIDTH - LEFT - RIGHT) / len(calendar)
    every = ceil(len(calendar) / LABELS)
    bars, along = [], []
    for place, span in enumerate(calendar):
        left = LEFT + place * step
        bars.append(
            Bar(
                *(round(left + 0.12 * step, 1), round(0.76 * step, 1), y.at(span.arr), _down(y, span.arr)),
                *(round(left + 0.3 * step, 1), round(0.4 * step, 1)),
                *(y.at(span.expected_loss), _down(y, span.expected_loss)),
                label=f"{span_label(span)}: {compact(span.arr)} up for renewal, {compact(span.expected_loss)} of it "
                "expected to be lost",
            )
        )
        if place % every == 0:
            begins = f"{span.begins.day} {span.begins:%b}" if _week(span) else f"{span.begins:%b %y}"
            along.append(Tick(round(left + step / 2, 1), begins))
    return Bars(bars, [Tick(y.at(share * top), compact(share * top)) for share in (0, 0.5, 1)], along)


def coverage_chart(curve: Sequence[Coverage], capacity: int) -> Chart:
    """The share of the expected loss by the number of accounts worked on, and where the capacity lies."""
    most = curve[-1].accounts
    x, y = Axis(0, most, LEFT, WIDTH - RIGHT), Axis(0, 1, HEIGHT - BOTTOM, TOP)
    places = [(x.at(0), y.at(0)), *((x.at(point.accounts), y.at(point.share)) for point in curve)]
    line = " ".join(f"{at:g},{height:g}" for at, height in places)
    shown = [Tick(x.at(capacity), f"{capacity:,} account{'' if capacity == 1 else 's'}")] if capacity < most else []
    return Chart(
        line=line,
        area=f"{line} {x.at(most):g},{y.at(0):g}",
        dots=[
            Dot(x.at(point.accounts), y.at(point.share), f"{point.accounts:,}: {100 * point.share:.1f} %")
            for point in curve
        ],
        across=[Tick(y.at(share), f"{100 * share:g} %") for share in (0, 0.5, 1)],
        along=[Tick(x.at(count), f"{count:,}") for count in (0, most)],
        marks=shown,
    )


def span_label(span: Span) -> str:
    """`4 – 10 May 2026`, or `May 2026` for a month."""
    if not _week(span):
        return f"{span.begins:%B %Y}"
    last = span.ends - timedelta(days=1)
    begins = f"{span.begins.day}" if span.begins.month == last.month else f"{span.begins.day} {span.begins:%b}"
    return f"{begins} – {last.day} {last:%b %Y}"


def round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 and 10 times a power of ten; 1 where there is nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** int(ceil(log10(value)) - 1)
    return next(nice * power for nice in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10) if nice * power >= value * (1 - 1e-9))


def _week(span: Span) -> bool:
    return span.ends - span.begins == timedelta(days=7)


def _down(axis: Axis, value: float) -> float:
    return round(axis.at(0) - axis.at(value), 1)
