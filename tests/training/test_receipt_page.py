"""The page: complete by itself, harmless, and the same for the same receipt."""

import re
from datetime import datetime
from html.parser import HTMLParser

import pytest

from training import plots
from training.backtest import MODEL, Fold
from training.evaluation import FIGURES
from training.intervals import Estimate
from training.receipt import (
    BandRate,
    Caught,
    Comparison,
    Driver,
    Entry,
    GreenChurner,
    Missed,
    Receipt,
    Tenth,
    Warned,
)
from training.receipt_page import page

DAY, NEXT = datetime(2025, 1, 1), datetime(2025, 4, 1)
EVIL = "<script>alert('x')</script> & \"Söhne\""
SOME, NOTHING = Estimate(0.4, 0.3, 0.5), Estimate(float("nan"))


def receipt(estimate: Estimate = SOME, folds: int = 2) -> Receipt:
    def entry(predictor: str, days: int, segment: str | None = None) -> Entry:
        return Entry(predictor, days, segment, 1000, 300, 40, dict.fromkeys(FIGURES, estimate))

    return Receipt(
        until=NEXT,
        observed_until=NEXT,
        resamples=200,
        folds=tuple(Fold(DAY, NEXT, "blended", 60) for _ in range(folds)),
        verdict=("At 90 days logistic regression beats the model.", f"Said of {EVIL}"),
        entries=tuple(
            entry(predictor, days, segment)
            for days in (30, 90)
            for predictor in (MODEL, EVIL)
            for segment in (None, EVIL, "small")
        ),
        comparisons=tuple(Comparison(EVIL, days, 900, 0.2, 0.3, estimate) for days in (30, 90)),
        base_rate=estimate,
        bands=(BandRate("healthy", 800, estimate), BandRate("critical", 200, estimate)),
        green=estimate,
        flips=estimate,
        settled_flips=estimate,
        warned=(Warned(60, 90, 80, estimate), Warned(150, 180, 50, estimate)),
        calibration=tuple(Tenth(90, n, 100, n / 100, estimate, n / 90, estimate) for n in range(1, 11)),
        caught=(Caught(90, 0.0, 0.0, 0.0), Caught(90, 1.0, 1.0, 1.0)),
        missed=Missed(
            churns=9,
            arr=900.0,
            green=2,
            green_arr=300.0,
            named=(
                GreenChurner(
                    EVIL,
                    EVIL,
                    EVIL,
                    12345.0,
                    DAY,
                    NEXT,
                    61.0,
                    0.031,
                    (Driver("nps_364d", "relationship", EVIL, "0 to 10", float("nan"), -2.5),),
                ),
            ),
        ),
    )


class Seen(HTMLParser):
    """Tags in order, attributes, and whether every tag that opens is closed."""

    VOID = frozenset({"meta", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html() -> str:
    return page(receipt(), plots.drawn(receipt()), EVIL)


def test_nothing_comes_from_elsewhere_and_nothing_runs(html: str) -> None:
    seen = Seen(html)
    assert not {"script", "link", "img", "iframe", "object", "embed", "form", "base"} & set(seen.tags)
    for name, value in seen.attributes:
        assert not name.startswith("on")
        if name in ("href", "xlink:href", "src"):
            assert value.startswith("#")
        if not name.startswith("xmlns"):
            assert "//" not in value
    assert "@import" not in html
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)", html))
    assert "default-src 'none'" in html


def test_names_are_escaped_wherever_they_stand(html: str) -> None:
    assert "<script" not in html
    # title and heading, verdict, anchors' names in tables and plot, segment, the churner's name, id, segment and driver
    assert html.count("&lt;script&gt;") >= 10


def test_it_is_well_formed(html: str) -> None:
    assert Seen(html).open == []


def test_the_verdict_comes_first_and_every_part_is_there(html: str) -> None:
    parts = [
        "At 90 days logistic regression beats the model.",
        "How well it foretold who would leave",
        "How early it warned",
        "Against simpler ways to tell",
        "By segment",
        "Who left while green",
        "How this was made",
    ]
    places = [html.index(part) for part in parts]
    assert places == sorted(places)
    assert html.count("<svg") == 5
    assert "2 of 9 accounts" in html
    assert "12,345" in html
    assert "not known" in html


def test_the_same_receipt_gives_the_same_page(html: str) -> None:
    assert page(receipt(), plots.drawn(receipt()), EVIL) == html


def test_what_cannot_be_told_is_a_dash_and_never_nan() -> None:
    text = page(receipt(NOTHING, folds=1), plots.drawn(receipt(NOTHING, folds=1)))
    assert not re.search(r"\bnan\b", text, re.IGNORECASE)
    assert "–" in text
    assert "At one past moment" in text


@pytest.mark.parametrize("days", [30, 90])
def test_each_plot_is_one_svg_with_words_for_those_who_cannot_see_it(days: int) -> None:
    given = receipt()
    for svg in (
        plots.calibration(given, days),
        plots.caught(given, days),
        plots.warning(given),
        plots.bands(given),
        plots.against_anchors(given),
    ):
        assert svg.startswith('<svg role="img" aria-label="')
        assert svg.rstrip().endswith("</svg>")
        assert "viewBox" in svg
