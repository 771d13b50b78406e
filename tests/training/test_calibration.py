"""Calibration on log-odds whose truth is known."""

import numpy as np
import pytest
from scipy.special import expit

from training.calibration import Calibration, level, slope

RNG = np.random.default_rng(1)
LOG_ODDS = RNG.normal(-2.0, 1.5, 40_000)


def test_a_model_that_overstates_is_flattened() -> None:
    y = (RNG.random(len(LOG_ODDS)) < expit(LOG_ODDS)).astype(np.float32)
    assert slope(2.0 * LOG_ODDS, y) == pytest.approx(0.5, abs=0.03)


def test_the_level_makes_expected_the_observed() -> None:
    y = (RNG.random(len(LOG_ODDS)) < expit(LOG_ODDS + 0.7)).astype(np.float32)
    calibrated = Calibration(level(LOG_ODDS, y), 1.0).apply(LOG_ODDS)
    assert expit(calibrated).sum() == pytest.approx(float(y.sum()), rel=1e-6)


def test_the_order_of_accounts_never_turns_round() -> None:
    y = (RNG.random(len(LOG_ODDS)) < expit(-LOG_ODDS - 4)).astype(np.float32)
    assert slope(LOG_ODDS, y) > 0


@pytest.mark.parametrize("events", [0, 10])
def test_few_events_move_no_slope(events: int) -> None:
    y = np.zeros(1000, dtype=np.float32)
    y[:events] = 1
    assert slope(LOG_ODDS[:1000], y) == 1.0


def test_nothing_happened_moves_no_level() -> None:
    assert level(LOG_ODDS[:100], np.zeros(100, dtype=np.float32)) == 0.0
