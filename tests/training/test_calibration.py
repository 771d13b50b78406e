"""Calibration on log-odds whose truth is known."""

import numpy as np
import pytest
from scipy.special import expit

from training.calibration import Calibration, shrunken, slope

RNG = np.random.default_rng(1)
ROWS = 40_000
LOG_ODDS = RNG.normal(-2.0, 1.5, ROWS)
NOTHING = np.zeros(ROWS)


def happened(log_odds: np.ndarray) -> np.ndarray:
    return (RNG.random(len(log_odds)) < expit(log_odds)).astype(np.float32)


def test_a_booster_that_overstates_is_flattened() -> None:
    assert slope(NOTHING, 2.0 * LOG_ODDS, happened(LOG_ODDS)) == pytest.approx(0.5, abs=0.03)


def test_the_order_of_accounts_never_turns_round() -> None:
    assert slope(NOTHING, LOG_ODDS, happened(-LOG_ODDS - 4)) == 0.0


@pytest.mark.parametrize("events, believed", [(0, 0.0), (50, 0.5), (450, 0.9)])
def test_the_fewer_the_events_the_less_a_booster_is_believed(events: int, believed: float) -> None:
    """A booster that says the same of everyone teaches nothing: its slope is what is believed beforehand."""
    y = np.zeros(1000, dtype=np.float32)
    y[:events] = 1
    assert slope(NOTHING[:1000], NOTHING[:1000], y) == pytest.approx(believed)


def test_the_level_makes_expected_the_observed() -> None:
    y = happened(LOG_ODDS + 0.7)
    fitted = Calibration().levelled(LOG_ODDS, y, [None] * ROWS)
    expected = expit(fitted.apply(LOG_ODDS, NOTHING, NOTHING)).sum()
    assert expected == pytest.approx(float(y.sum()), rel=1e-3)


def test_levelling_moves_the_level_there_was() -> None:
    fitted = Calibration(intercept=5.0).levelled(LOG_ODDS, happened(LOG_ODDS + 0.7), [None] * ROWS)
    assert fitted.intercept == pytest.approx(5.7, abs=0.05)


def test_a_segment_with_outcomes_has_a_level_of_its_own_and_one_without_has_not() -> None:
    segments = np.array([None, "large", "small", "tiny"], dtype=object)[RNG.permutation(ROWS) % 4]
    segments[segments == "tiny"] = [*["tiny"] * 100, *["small"] * (int((segments == "tiny").sum()) - 100)]
    truth = np.where(segments == "large", 0.5, 0.0)
    fitted = Calibration().levelled(LOG_ODDS, happened(LOG_ODDS + truth), segments)
    assert set(fitted.segments) == {"large", "small"}
    assert fitted.segments["large"] - fitted.segments["small"] == pytest.approx(0.5, abs=0.12)
    assert fitted.shifts(["large", "tiny", None]).tolist() == [fitted.segments["large"], 0.0, 0.0]


def test_without_events_what_was_believed_moves_little() -> None:
    fitted = Calibration().levelled(LOG_ODDS[:30] - 3, np.zeros(30, dtype=np.float32), [None] * 30)
    assert -0.6 < fitted.intercept < 0


def test_shrunken_is_the_maximum_of_the_penalised_likelihood() -> None:
    """Its gradient is zero, also from a start far off and with columns that nearly repeat each other."""
    first = RNG.normal(size=2000)
    design = np.column_stack([np.ones(2000), first, first + 0.01 * RNG.normal(size=2000)])
    y = happened(-4 + 2 * first)
    mean, sd = np.array([0.0, 1.0, 1.0]), np.array([1.0, 0.5, 0.5])
    found = shrunken(design, y, NOTHING[:2000] + 8, mean, sd)
    gradient = design.T @ (expit(8 + design @ found) - y) + (found - mean) / sd**2
    assert np.abs(gradient).max() < 1e-3
