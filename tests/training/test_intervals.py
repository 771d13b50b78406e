"""Intervals on cases whose truth is known."""

import numpy as np
import pytest

from training.intervals import Resamples


def test_an_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    """Accounts with a chance of their own, ten snapshots each: the rows repeat each other."""
    random = np.random.default_rng(4)
    accounts, rows, runs = 60, 10, 150
    account = np.repeat(np.arange(accounts), rows)
    held = 0
    for run in range(runs):
        chance = random.beta(1, 3, accounts)
        happened = random.random(accounts * rows) < np.repeat(chance, rows)
        found = Resamples.of(accounts, seed=run).mean(happened, account)
        held += found.low <= 0.25 <= found.high
    assert 0.88 <= held / runs <= 0.99


def test_rows_that_repeat_each_other_make_an_interval_no_narrower() -> None:
    values = np.random.default_rng(5).random(50)
    once, tenfold = np.arange(50), np.repeat(np.arange(50), 10)
    draws = Resamples.of(50)
    assert draws.mean(np.repeat(values, 10), tenfold).low == pytest.approx(draws.mean(values, once).low)


def test_a_mean_and_a_ratio_are_those_of_the_rows() -> None:
    draws = Resamples.of(3)
    part, whole, account = np.array([1.0, 0.0, 3.0]), np.array([2.0, 2.0, 4.0]), np.arange(3)
    assert draws.mean(part, account).value == pytest.approx(4 / 3)
    assert draws.ratio(part, whole, account).value == pytest.approx(4 / 8)
    assert draws.ratio(part, whole, account).low >= 0
    assert draws.ratio(part, whole, account).high <= 3 / 4


def test_any_figure_has_an_interval_around_it_told_on_the_same_draws() -> None:
    values, account, draws = np.arange(40.0), np.arange(40), Resamples.of(40)
    (found,) = draws.around([values.mean()], lambda weight: [weight @ values / weight.sum()], account)
    assert found == draws.mean(values, account)


def test_what_cannot_be_told_is_nan() -> None:
    nothing = np.array([], dtype=np.int64)
    assert np.isnan([*vars(Resamples.of(0).mean(nothing, nothing)).values()]).all()
    assert np.isnan(Resamples.of(2).ratio(np.zeros(2), np.zeros(2), np.arange(2)).value)


def test_the_same_seed_draws_the_same_accounts() -> None:
    assert np.array_equal(Resamples.of(30, seed=1).drawn, Resamples.of(30, seed=1).drawn)
    assert not np.array_equal(Resamples.of(30, seed=1).drawn, Resamples.of(30, seed=2).drawn)
