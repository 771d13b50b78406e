"""The line: what a straight line learns, what it refuses to learn, and what it says of a value it hasn't got."""

from dataclasses import replace

import numpy as np
import pytest

from features.catalogue import CATALOGUE
from training.leads import CLOCK, LeadRows
from training.line import fit
from training.model.line import FARTHEST, Line

SIGNALS = [CATALOGUE[name] for name in ("active_days_28d", "open_tickets", "tenure_days", "nps_364d")]
DIRECTIONS = {"active_days_28d": 1, "open_tickets": -1, "tenure_days": None, "nps_364d": 1}


def rows(effects: dict[str, float], count: int = 20_000, missing: str | None = None) -> LeadRows:
    """Leads whose log-odds of leaving are −2 and `effects` for each standard deviation of a signal."""
    random = np.random.default_rng(0)
    x = random.standard_normal((count, len(SIGNALS) + len(CLOCK))).astype(np.float32)
    weights = np.array([effects.get(signal.name, 0.0) for signal in SIGNALS])
    log_odds = -2.0 + x[:, : len(SIGNALS)] @ weights
    y = (random.random(count) < 1 / (1 + np.exp(-log_odds))).astype(np.float32)
    names = [signal.name for signal in SIGNALS]
    if missing:
        x[:, names.index(missing)] = np.nan
    begins = np.arange(count)
    return LeadRows(x, y, begins, begins, begins + 28, np.zeros(count))


def fitted(leads: LeadRows) -> tuple[dict[str, float], float]:
    early = np.arange(len(leads.y)) < len(leads.y) * 3 // 4
    _, served = fit(leads, SIGNALS, early, ~early, np.full(len(leads.y), -2.0), 1.0)
    return dict(zip([signal.name for signal in SIGNALS], served.line.weights, strict=True)), served.level


def test_the_signals_point_where_these_tests_take_them_to() -> None:
    assert {signal.name: signal.direction for signal in SIGNALS} == DIRECTIONS


@pytest.mark.parametrize(
    "effects, found",
    [
        ({"active_days_28d": -0.5}, {"active_days_28d": -0.5}),
        ({"open_tickets": 0.4, "tenure_days": -0.3}, {"open_tickets": 0.4, "tenure_days": -0.3}),
        ({"active_days_28d": 0.5}, {}),  # more use can't be bad, whatever a history says
        ({"open_tickets": -0.4, "tenure_days": 0.3}, {"tenure_days": 0.3}),
        ({}, {}),
    ],
)
def test_it_finds_what_is_there_and_keeps_to_the_directions(effects: dict, found: dict) -> None:
    weights, level = fitted(rows(effects))
    assert weights == pytest.approx({name: found.get(name, 0.0) for name in DIRECTIONS}, abs=0.08)
    assert all((way or 0) * weights[name] <= 0 for name, way in DIRECTIONS.items())
    assert level == pytest.approx(0.0, abs=0.15)


def test_a_signal_nobody_has_weighs_nothing() -> None:
    weights, _ = fitted(rows({"active_days_28d": -0.5}, missing="nps_364d"))
    assert weights["nps_364d"] == 0.0
    assert np.isfinite(list(weights.values())).all()


def test_a_few_outcomes_move_it_less_than_many() -> None:
    few, many = (fitted(rows({"tenure_days": 0.5}, count))[0]["tenure_days"] for count in (400, 20_000))
    assert 0 <= few < many


def test_missing_adds_nothing_and_far_out_no_more_than_three_scales() -> None:
    line = Line(np.array([10.0, 0.0]), np.array([2.0, 1.0]), np.array([0.5, -1.0]))
    values = np.array([[12.0, 0.0], [np.nan, 1.0], [1000.0, np.nan], [-1000.0, -1000.0]], dtype=np.float32)
    expected = [[0.5, 0.0], [0.0, -1.0], [0.5 * FARTHEST, 0.0], [-0.5 * FARTHEST, FARTHEST]]
    assert line.terms(values) == pytest.approx(np.array(expected))
    assert line.total(values) == pytest.approx(line.terms(values).sum(axis=1))


def test_it_is_read_back_as_it_was_written() -> None:
    line = Line(np.array([10.0]), np.array([2.0]), np.array([0.5]))
    again = Line.from_json(line.to_json())
    assert again.to_json() == line.to_json()
    assert replace(again, weights=np.zeros(1)).to_json() == Line.flat(1).to_json() | {"middle": [10.0], "scale": [2.0]}
