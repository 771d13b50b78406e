"""The charts of an account's page and of the list: where lines, bars and marks lie."""

from datetime import datetime, timedelta

import pytest

from serving.history import HistoryPoint
from serving.pages.charts import health_chart, risk_chart, sparkline, waterfall


def test_a_waterfall_falls_from_bar_to_bar() -> None:
    worst, middle, best = waterfall(50.0, {"adoption": -10.0, "support": 5.0, "success": -5.0})
    # From 35 to 50, on a scale from 32.5 to 52.5, which is as narrow as it gets.
    assert (worst.label, worst.before, worst.start, worst.length) == ("adoption", 87.5, 37.5, 50.0)
    assert (middle.label, middle.before, middle.start, middle.length) == ("success", 37.5, 12.5, 25.0)
    assert (best.label, best.before, best.start, best.length) == ("support", 12.5, 12.5, 25.0)


def _point(
    day: int, health: float, version: str = "1", known: int = 4, configuration: str | None = None
) -> HistoryPoint:
    as_of = datetime(2026, 1, 1) + timedelta(days=day)
    return HistoryPoint(
        as_of=as_of, known_at=as_of + timedelta(hours=known), batch_id="b", model_name="churn", model_version=version,
        mode="learned", configuration=configuration, health=health, health_low=health - 5, health_high=health + 5,
        band="at_risk", risk_90d=0.1, risk_365d=0.3, renewal_risk=None, arr=1.0, arr_at_risk=0.3, coverage=1.0,
    )  # fmt: skip


def test_health_over_time_shows_the_last_known_of_each_moment_and_new_versions() -> None:
    chart = health_chart([_point(0, 40), _point(0, 45, known=9), _point(10, 45), _point(20, 65, "2")])
    assert chart is not None
    assert chart.line == "56,147 342,147 628,39"  # the bottom, 174, is health 40; the top, 12, is 70
    assert [dot.label for dot in chart.dots] == ["1 Jan 2026: 45", "11 Jan 2026: 45", "21 Jan 2026: 65"]
    assert [(mark.at, mark.label) for mark in chart.marks] == [(628, "version 2")]
    assert health_chart([_point(0, 40)]) is None


@pytest.mark.parametrize(
    "version, configuration, said",
    [
        ("1", "a", []),
        ("1", None, []),  # not kept then
        ("2", "a", ["version 2"]),
        ("2", "b", ["version 2, other configuration"]),
        ("1", "b", ["other configuration"]),
    ],
)
def test_health_over_time_marks_another_configuration(version: str, configuration: str | None, said: list[str]) -> None:
    chart = health_chart([_point(0, 40, "1", configuration="a"), _point(28, 45, version, configuration=configuration)])
    assert [mark.label for mark in chart.marks] == said  # type: ignore[union-attr]


@pytest.mark.parametrize("days, marks", [(73, [(170.4, "renewal 15 Mar 2026")]), (-1, []), (366, []), (None, [])])
def test_the_risk_curve_marks_a_renewal_within_the_year(days: int | None, marks: list[tuple[float, str]]) -> None:
    as_of = datetime(2026, 1, 1)
    renewal_at = None if days is None else as_of + timedelta(days=days)
    chart = risk_chart([(0, 0.0), (365, 0.4)], as_of, renewal_at)
    assert chart.line == "56,174 628,12"
    assert [(mark.at, mark.label) for mark in chart.marks] == marks


def test_a_sparkline_needs_two_moments() -> None:
    assert sparkline([(0.0, 50.0)]) is None
    assert sparkline([(-10.0, 40.0), (-5.0, 50.0), (0.0, 60.0)]) == "2,20 42,11 82,2"
