"""Figures against their definitions, on cases small enough to check by eye."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score

from training.evaluation import Ranked, churned_within, figures, losses, with_intervals
from training.intervals import Resamples
from training.outcomes import outcomes


def test_figures_of_four_accounts() -> None:
    found = figures(np.array([0.8, 0.4, 0.2, 0.1]), np.array([True, False, True, False]), np.array([10.0, 20, 30, 40]))
    assert (found.accounts, found.churned) == (4, 2)
    assert found.auc == pytest.approx(3 / 4)
    assert found.brier == pytest.approx((0.04 + 0.16 + 0.64 + 0.01) / 4)
    assert found.base_brier == pytest.approx(0.25)
    assert found.expected_to_actual == pytest.approx(1.5 / 2)
    assert found.expected_to_actual_arr == pytest.approx((8 + 8 + 6 + 4) / 40)


TEN = np.array([True, False, True, *[False] * 7])
"""Ten accounts, highest risk first, of which the first and the third left."""


@pytest.mark.parametrize(
    "said, risk, expected",
    [
        ("zero for everyone", np.zeros(10), {"auc": 0.5, "brier": 0.2, "expected_to_actual": 0, "lift": 1}),
        ("the average", np.full(10, 0.2), {"auc": 0.5, "brier": 0.16, "expected_to_actual": 1, "lift": 1}),
        ("the truth", TEN.astype(float), {"auc": 1, "pr_auc": 1, "brier": 0, "expected_to_actual": 1, "lift": 5}),
        ("the opposite", 1.0 - TEN, {"auc": 0, "brier": 1, "expected_to_actual": 4, "lift": 0}),
        (
            "one first",
            np.linspace(1, 0.1, 10),
            {"auc": 15 / 16, "pr_auc": (1 + 2 / 3) / 2, "lift": 5, "arr_caught": 0.25},
        ),
        ("two as one", np.array([0.9, 0.9, *[0.1] * 8]), {"lift": 2.5, "arr_caught": 0.125}),  # half of the two fits
    ],
)
def test_figures_of_ten_accounts(said: str, risk: np.ndarray, expected: dict[str, float]) -> None:
    arr = np.array([10.0, 20, 30, *[5] * 7])
    found = figures(risk, TEN, arr)
    assert {name: getattr(found, name) for name in expected} == pytest.approx(expected), said


def test_saying_zero_for_everyone_costs_more_than_saying_the_average() -> None:
    zero, average = (figures(np.full(10, risk), TEN, np.ones(10)) for risk in (0.0, 0.2))
    assert average.log_loss == pytest.approx(average.base_log_loss)
    assert average.brier == pytest.approx(average.base_brier)
    assert zero.log_loss > 10 * zero.base_log_loss
    assert np.isfinite(zero.log_loss)


@pytest.mark.parametrize("seed", range(5))
def test_weighted_figures_are_scikit_learns(seed: int) -> None:
    random = np.random.default_rng(seed)
    risk = np.round(random.random(300), 1 + seed % 3)  # with ties
    churned, weight = random.random(300) < risk, random.integers(0, 4, 300).astype(float)
    found = figures(risk, churned, np.ones(300), weight)
    assert found.auc == pytest.approx(roc_auc_score(churned, risk, sample_weight=weight))
    assert found.pr_auc == pytest.approx(average_precision_score(churned, risk, sample_weight=weight))
    assert found.brier == pytest.approx(brier_score_loss(churned, risk, sample_weight=weight))
    assert found.log_loss == pytest.approx(log_loss(churned, risk, sample_weight=weight))
    assert losses(risk, churned).mean() == pytest.approx(log_loss(churned, risk))
    repeated = np.repeat(np.arange(300), weight.astype(int))
    again = figures(risk[repeated], churned[repeated], np.ones(len(repeated)))
    assert (found.lift, found.arr_caught) == pytest.approx((again.lift, again.arr_caught))


def test_the_curve_of_what_is_caught() -> None:
    ranked = Ranked.of(np.linspace(1, 0.1, 10), TEN, np.array([10.0, 20, 30, *[5] * 7]))
    churned, arr = ranked.caught(np.array([0.0, 0.1, 0.2, 0.3, 1.0]))
    assert churned.tolist() == pytest.approx([0, 0.5, 0.5, 1, 1])
    assert arr.tolist() == pytest.approx([0, 0.25, 0.25, 1, 1])


def test_every_figure_lies_in_its_interval() -> None:
    random = np.random.default_rng(1)
    risk, account = random.random(400) / 2, random.integers(0, 100, 400)
    found = with_intervals(risk, random.random(400) < risk, random.random(400), account, Resamples.of(100))
    for name, estimate in found.items():
        assert estimate.low <= estimate.value <= estimate.high, name
        assert estimate.low < estimate.high, name


def test_what_cannot_be_told_is_nan() -> None:
    nobody = figures(np.array([0.1, 0.2]), np.array([False, False]), np.array([1.0, 1.0]))
    assert np.isnan([nobody.auc, nobody.pr_auc, nobody.expected_to_actual, nobody.expected_to_actual_arr]).all()
    empty = figures(np.array([]), np.array([], dtype=bool), np.array([]))
    assert empty.accounts == 0


def test_only_whole_horizons_are_compared(contracts) -> None:
    d = datetime
    tables = contracts(
        ("left", "1", d(2024, 1, 1), d(2024, 8, 1), None),
        ("stays", "2", d(2024, 1, 1), None, None),
    )
    at = [d(2024, 7, 1), d(2024, 9, 3), d(2024, 9, 4)]  # observed until 2024-12-02: 90 days end that day, or after
    spine = pl.DataFrame({"account_id": ["left", "stays", "stays"], "as_of": at})
    assert churned_within(spine, outcomes(tables), 90).select("account_id", "as_of", "churned").rows() == [
        ("left", at[0], True),
        ("stays", at[1], False),
    ]
