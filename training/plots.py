"""The receipt's plots, as SVG that stands in a page by itself.

Drawn for light paper, in colours that the colour-blind tell apart (Okabe & Ito, Color Universal Design, 2008); nothing
is told by colour alone.
"""

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from training.intervals import Estimate
from training.receipt import Receipt
from training.verdict import TOLD_AT

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#5B6470"
_BAND_COLOURS = {"healthy": "#009E73", "at_risk": "#E69F00", "critical": "#D55E00"}
FINE = 0.06
"""An axis that ends below this is marked in tenths of a percent."""
_STYLE: Any = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": "#E3E6EA",
    "legend.frameon": False,
}


def drawn(receipt: Receipt) -> dict[str, str]:
    """Every plot of a receipt by its name."""
    return {
        "calibration": calibration(receipt, TOLD_AT),
        "caught": caught(receipt, TOLD_AT),
        "warning": warning(receipt),
        "bands": bands(receipt),
        "against_anchors": against_anchors(receipt),
    }


def calibration(receipt: Receipt, days: int) -> str:
    """Expected against actual, tenth by tenth, in accounts and in ARR."""
    tenths = [tenth for tenth in receipt.calibration if tenth.days == days]

    def draw(figure: Figure) -> None:
        panels = figure.subplots(1, 2)
        accounts = [(tenth.expected, tenth.actual) for tenth in tenths]
        arr = [(tenth.expected_arr, tenth.actual_arr) for tenth in tenths]
        parts = (("In accounts", "left", accounts, BLUE), ("In ARR", "lost", arr, ORANGE))
        for axes, (title, what, points, colour) in zip(panels, parts, strict=True):
            expected = np.array([point[0] for point in points])
            actual = [point[1] for point in points]
            top = 1.08 * max([*expected, *(estimate.high for estimate in actual), 0.01])
            axes.plot([0, top], [0, top], color=GREY, linewidth=1, linestyle=(0, (4, 3)))
            axes.errorbar(expected, _values(actual), yerr=_whiskers(actual), color=colour, **_DOTS)
            axes.set(title=title, xlim=(0, top), ylim=(0, top), xlabel="expected", ylabel=f"{what} within {days} days")
            _percent(axes, "xy")

    return _svg(draw, (9.0, 3.9), f"Expected against actual within {days} days, by tenths of risk")


def caught(receipt: Receipt, days: int) -> str:
    """Of those who left, and of the ARR lost, how much is among the accounts with the highest risks."""
    points = [point for point in receipt.caught if point.days == days]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        share = [point.share for point in points]
        axes.plot(share, share, color=GREY, linewidth=1, linestyle=(0, (4, 3)), label="by chance")
        axes.plot(share, [point.churned for point in points], color=BLUE, linewidth=2.2, label="accounts that left")
        axes.plot(
            share, [point.arr for point in points], color=ORANGE, linewidth=2.2, linestyle=(0, (6, 2)), label="ARR lost"
        )
        axes.axvline(0.1, color=GREY, linewidth=0.8)
        axes.annotate("the top tenth", (0.1, 0.02), xytext=(4, 0), textcoords="offset points", color=GREY, fontsize=10)
        axes.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="share of the book, highest risks first", ylabel="share caught")
        axes.legend(loc="lower right")
        _percent(axes, "xy")

    return _svg(draw, (4.6, 3.9), f"Share of those who left within {days} days caught, by share of the book")


def warning(receipt: Receipt) -> str:
    """Share of churners no longer green, by how long before they left."""
    told = [warned for warned in receipt.warned if warned.churns]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        middle = [(warned.from_days + warned.to_days) / 2 for warned in told]
        estimates = [warned.not_green for warned in told]
        axes.errorbar(middle, _values(estimates), yerr=_whiskers(estimates), color=BLUE, **(_DOTS | {"linestyle": "-"}))
        whole = 1 - receipt.green.value
        if whole == whole:
            axes.axhline(whole, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate(
                "the whole book",
                (0, whole),
                xytext=(0, -4),
                textcoords="offset points",
                horizontalalignment="right",
                verticalalignment="top",
                color=GREY,
                fontsize=10,
            )
        axes.set(xlim=(370, -5), ylim=(0, 1.02), xlabel="days before leaving", ylabel="no longer green")
        axes.set_xticks(range(0, 361, 60))
        _percent(axes, "y")

    return _svg(draw, (4.6, 3.9), "Share of churners no longer green, by days before leaving")


def bands(receipt: Receipt) -> str:
    """Churn rate per band against the whole book's."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        told = [band for band in receipt.bands if band.rows]
        rates = [band.churn_rate for band in told]
        colours = [_BAND_COLOURS.get(band.band, GREY) for band in told]
        axes.bar(range(len(told)), _values(rates), color=colours, width=0.62)
        axes.errorbar(range(len(told)), _values(rates), yerr=_whiskers(rates), fmt="none", ecolor="#22272E", capsize=4)
        axes.axhline(receipt.base_rate.value, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"whole book {receipt.base_rate.value:.1%}",
            (-0.45, receipt.base_rate.value),
            xytext=(0, 4),
            textcoords="offset points",
            color=GREY,
            fontsize=10,
        )
        axes.set_xticks(range(len(told)), [band.band.replace("_", " ") for band in told])
        axes.set(xlim=(-0.5, max(len(told), 1) - 0.5), ylabel="left within 90 days")
        axes.set_ylim(bottom=0)
        _percent(axes, "y")

    return _svg(draw, (4.6, 3.4), "Churn rate within 90 days, by band")


def against_anchors(receipt: Receipt) -> str:
    """How much worse each anchor's log-loss is than the model's, per horizon."""
    names = list(dict.fromkeys(comparison.anchor for comparison in receipt.comparisons))
    horizons = [days for days in receipt.horizons if any(c.days == days for c in receipt.comparisons)]

    def draw(figure: Figure) -> None:
        panels = np.atleast_1d(np.asarray(figure.subplots(1, max(len(horizons), 1), sharey=True)))
        for axes, days in zip(panels, horizons, strict=False):
            for comparison in (c for c in receipt.comparisons if c.days == days):
                place = len(names) - 1 - names.index(comparison.anchor)
                estimate = comparison.difference
                colour = {"model": BLUE, "anchor": ORANGE, "neither": GREY}[comparison.better]
                marker = {"model": "o", "anchor": "X", "neither": "D"}[comparison.better]
                style = _DOTS | {"fmt": marker}
                axes.errorbar([estimate.value], [place], xerr=_whiskers([estimate]), color=colour, **style)
            axes.axvline(0, color="#22272E", linewidth=1)
            axes.set_title(f"{days} days")
            axes.set_yticks(range(len(names)), names[::-1])
            axes.set_ylim(-0.6, len(names) - 0.4)
            axes.locator_params(axis="x", nbins=4)
            axes.grid(axis="x")
            axes.tick_params(axis="y", length=0)
        figure.supxlabel("log-loss above the model's: right of 0 the model is better", color=GREY, fontsize=11)

    return _svg(draw, (9.0, 1.5 + 0.32 * max(len(names), 1)), "Log-loss of each anchor above the model's, per horizon")


_DOTS: dict[str, Any] = {"fmt": "o", "linestyle": "none", "markersize": 5, "capsize": 2.5, "linewidth": 1.4}


def _values(estimates: Sequence[Estimate]) -> list[float]:
    return [estimate.value for estimate in estimates]


def _whiskers(estimates: Sequence[Estimate]) -> Any:
    """Lengths of the whiskers below and above, as matplotlib takes them; none where there is no interval."""
    ends = np.array([(e.value - e.low, e.high - e.value) for e in estimates], dtype=np.float64).reshape(-1, 2)
    return np.nan_to_num(np.maximum(ends, 0.0)).T


def _percent(axes: Axes, which: str) -> None:
    for name in which:
        axis = axes.xaxis if name == "x" else axes.yaxis
        _, top = axis.get_view_interval()
        axis.set_major_formatter(PercentFormatter(1.0, decimals=0 if top > FINE else 1))
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _svg(draw: Callable[[Figure], None], inches: tuple[float, float], label: str) -> str:
    """An `<svg>` element, the same for the same receipt; `label` is what is read out instead of the picture."""
    with mpl.rc_context(_STYLE | {"svg.hashsalt": label}):
        figure = Figure(figsize=inches, layout="constrained")
        draw(figure)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = text.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    svg = re.sub(r'^<svg([^>]*?) width="[^"]*"', r"<svg\1", re.sub(r'height="[^"]*pt"', "", svg, count=1), count=1)
    return svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1)
