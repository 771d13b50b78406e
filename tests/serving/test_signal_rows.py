"""Signals on an account's page: which way each went, whether that is better, and how fresh what it is made of is."""

from collections.abc import Callable
from datetime import datetime

import pytest
from fastapi.testclient import TestClient

from features.catalogue import CATALOGUE
from serving.api import create_app
from serving.pages.account import MOST_SIGNALS
from serving.pages.signals import signal_rows
from serving.read_models import FreshnessShown, SignalShown
from serving.scores import AccountScore, Batch, Signal, Status
from serving.store import ScoreStore
from serving.trends import MOMENTS, signal_trends

LATEST = datetime(2026, 10, 30)


def shown(name: str, value: float | None = 1.0) -> SignalShown:
    """A signal of the catalogue."""
    known = CATALOGUE[name]
    return SignalShown(
        name=name, meaning=known.meaning, dimension=known.dimension, unit=known.unit, value=value, points=-1.0
    )


@pytest.mark.parametrize(
    "name, points, trend, tone",
    [
        ("open_tickets", [(-28.0, 2.0), (0.0, 5.0)], "rising: 2 28 days ago, 5 now", "worse"),
        ("open_tickets", [(-56.0, 9.0), (-28.0, 2.0), (0.0, 5.0)], "falling: 9 56 days ago, 5 now", "better"),
        ("plan_realization", [(-28.0, 0.5), (0.0, 0.75)], "rising: 50.0 % 28 days ago, 75.0 % now", "better"),
        ("plan_realization", [(-28.0, 0.5), (0.0, 0.505)], "steady: 50.0 % 28 days ago, 50.5 % now", ""),
        ("tickets_84d", [(-28.0, 2.0), (0.0, 5.0)], "rising: 2 28 days ago, 5 now", ""),  # neither is better
        ("open_tickets", [(0.0, 5.0)], "", ""),
        ("open_tickets", [], "", ""),
    ],
)
def test_a_trend_in_words(name: str, points: list[tuple[float, float]], trend: str, tone: str) -> None:
    (row,) = signal_rows([shown(name)], {name: points}, {})
    assert (row.trend, row.tone) == (trend, tone)
    assert (row.line is None) == (len(points) < 2)


@pytest.mark.parametrize(
    "name, fresh, status",
    [
        ("open_tickets", {"tickets": "fresh"}, "fresh"),
        ("open_tickets", {"tickets": "stale", "surveys": "missing"}, "stale"),  # surveys have no part in it
        ("days_to_first_value", {"usage_daily": "fresh", "objectives": "missing"}, "missing"),
        ("auto_renew", {"tickets": "stale"}, None),  # contracts aren't fed
    ],
)
def test_a_signal_is_as_fresh_as_its_worst_source(name: str, fresh: dict[str, Status], status: Status | None) -> None:
    freshness = {table: FreshnessShown(latest_at=LATEST, status=of_table) for table, of_table in fresh.items()}
    (row,) = signal_rows([shown(name)], {}, freshness)
    assert row.status == status
    assert row.latest_at == (LATEST if status else None)


def test_trends_are_of_the_latest_moments_as_last_known(
    sqlite: ScoreStore, make_batch: Callable[..., Batch], make_score: Callable[..., AccountScore]
) -> None:
    def told(day: int, value: float | None, hours: int = 4) -> None:
        batch = make_batch(2, day=day)
        batch = make_batch(2, day=day, known_at=batch.as_of.replace(hour=hours))
        signals = [Signal("open_tickets", value, -1.0)]
        sqlite.publish(batch, [make_score("a", signals=signals), make_score("b", signals=[])])

    for day in range(-MOMENTS - 2, 0):
        told(day, float(-day))
    told(-1, 7.0, hours=9)
    told(0, None)
    trend = signal_trends(sqlite, sqlite.current(), "a")["open_tickets"]
    assert trend[0] == (1.0 - MOMENTS, MOMENTS - 1.0)
    assert trend[-1] == (-1.0, 7.0)
    assert len(trend) == MOMENTS - 1
    assert signal_trends(sqlite, sqlite.current(), "b") == {}


def test_the_signals_with_the_largest_effect_are_shown_and_all_when_asked_for(
    sqlite: ScoreStore, make_batch: Callable[..., Batch], make_score: Callable[..., AccountScore]
) -> None:
    signals = [Signal(name, 1.0, -float(place)) for place, name in enumerate(list(CATALOGUE)[: MOST_SIGNALS + 3])]
    sqlite.publish(make_batch(2), [make_score("a", signals=signals), make_score("b", signals=signals[:MOST_SIGNALS])])
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        shown = {path: client.get(f"/accounts/{path}").text for path in ("a", "a?whole=1", "b")}
    told = {
        path: [signal.name for signal in signals if f'title="{signal.name}"' in text] for path, text in shown.items()
    }
    everything = [signal.name for signal in signals]
    assert told == {"a": everything[3:], "a?whole=1": everything, "b": everything[:MOST_SIGNALS]}
    link = f'<a href="/accounts/a?since=28&amp;whole=1#signals">All {MOST_SIGNALS + 3} signals</a>'
    assert [link in text for text in shown.values()] == [True, False, False]
