"""Figures against their definitions, on cases small enough to check by eye."""

from datetime import datetime

import numpy as np
import polars as pl
import pytest

from training.evaluation import churned_within, figures
from training.outcomes import outcomes


def test_figures_of_four_accounts() -> None:
    found = figures(np.array([0.8, 0.4, 0.2, 0.1]), np.array([True, False, True, False]), np.array([10.0, 20, 30, 40]))
    assert (found.accounts, found.churned) == (4, 2)
    assert found.auc == pytest.approx(3 / 4)
    assert found.brier == pytest.approx((0.04 + 0.16 + 0.64 + 0.01) / 4)
    assert found.base_brier == pytest.approx(0.25)
    assert found.expected_to_actual == pytest.approx(1.5 / 2)
    assert found.expected_to_actual_arr == pytest.approx((8 + 8 + 6 + 4) / 40)


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
