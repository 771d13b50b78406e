"""The forecast: expected ARR and its interval, against what can be computed by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from training.calibration import SHIFT_SD
from training.model import HealthModel, forecast


@pytest.fixture(scope="module")
def model(company) -> HealthModel:
    """A quarter is lost in a contraction, a tenth gained by the others, and the level is beyond doubt."""
    return settled(company.model, 0.0)


def settled(model: HealthModel, level_sd: float) -> HealthModel:
    card = replace(model.card, contraction_depth=0.25, growth=0.1, growth_sd=0.0, level_sd=level_sd)
    return replace(model, card=card)


def book(
    risk: list[float], arr: list[float] | None = None, shrinks: float = 0.0, **columns: list[object]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "arr_in_force": arr or [100.0] * len(risk),
            "risk_365d": risk,
            "contraction_risk_365d": [shrinks] * len(risk),
            "segment": ["small"] * len(risk),
            **columns,
        }
    )


def test_what_is_expected_is_each_accounts_arr_by_its_chances(model) -> None:
    """100 × (1 − 0.1 − 0.2 × 0.25) + 300 × (1 − 0.5 − 0.2 × 0.25); those that stay whole grow by a tenth."""
    (row,) = forecast(book([0.1, 0.5], [100.0, 300.0], shrinks=0.2), model).to_dicts()
    assert (row["group"], row["accounts"], row["arr"]) == ("all", 2, 400.0)
    assert row["expected_arr"] == pytest.approx(85.0 + 135.0)
    assert row["grr"] == pytest.approx(220.0 / 400.0)
    assert row["nrr"] == pytest.approx((220.0 + 7.0 + 9.0) / 400.0)


def test_it_is_the_sum_of_the_accounts_expected_arr(company) -> None:
    newest = company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())
    scored = newest.hstack(company.model.score(newest).drop("account_id", "as_of"))
    whole = forecast(scored, company.model)
    assert whole["expected_arr"].item() == pytest.approx(scored["expected_arr"].sum())
    by_segment = forecast(scored, company.model, "segment")
    for column in ("accounts", "arr", "expected_arr"):
        assert by_segment[column].sum() == pytest.approx(whole[column].item())
    assert by_segment["group"].to_list() == sorted(scored["segment"].unique())
    lows = by_segment["expected_arr_low"].sum(), whole["expected_arr_low"].item(), whole["expected_arr"].item()
    assert lows[0] < lows[1] < lows[2] < whole["expected_arr_high"].item()  # accounts make up for each other


@pytest.mark.parametrize("accounts, risk", [(1, 0.05), (1, 0.5), (5, 0.1), (400, 0.15)])
def test_without_doubt_of_the_level_its_ends_are_the_binomials(model, accounts: int, risk: float) -> None:
    (row,) = forecast(book([risk] * accounts), model).to_dicts()
    ends = binom.ppf([0.1, 0.9], accounts, 1 - risk) * 100.0
    tolerance = 100.0 * max(0.0, 0.1 * np.sqrt(accounts * risk * (1 - risk)) if accounts > 100 else 0.0)
    assert [row["expected_arr_low"], row["expected_arr_high"]] == pytest.approx(ends.tolist(), abs=tolerance + 1e-6)
    assert row["nrr_high"] == pytest.approx(row["grr_high"] * 1.1, abs=tolerance)


def test_doubt_of_the_level_does_not_average_out(model) -> None:
    """With 20,000 accounts only the level is in doubt: its odds are off by e^±(1.28 × 0.2)."""
    doubtful = settled(model, 0.2)
    (row,) = forecast(book([0.2] * 20_000), doubtful).to_dicts()
    odds = 0.25 * np.exp(np.array([1.2816, -1.2816]) * 0.2 - 0.02)
    assert [row["grr_low"], row["grr_high"]] == pytest.approx((1 / (1 + odds)).tolist(), abs=0.002)
    (sure,) = forecast(book([0.2] * 20_000), model).to_dicts()
    assert sure["grr_high"] - sure["grr_low"] < 0.2 * (row["grr_high"] - row["grr_low"])


def test_segments_are_in_doubt_against_each_other_and_the_book_is_not(model) -> None:
    """Two as large segments of which calibration knows nothing: each is off by the difference of two normals."""
    rows = book([0.2] * 40_000).with_columns(segment=pl.Series(["left"] * 20_000 + ["right"] * 20_000))
    odds = 0.25 * np.exp(np.array([1.2816, -1.2816]) * SHIFT_SD / np.sqrt(2) - SHIFT_SD**2 / 4)
    for row in forecast(rows, model, "segment").to_dicts():
        assert [row["grr_low"], row["grr_high"]] == pytest.approx((1 / (1 + odds)).tolist(), abs=0.005)
    (whole,) = forecast(rows, model).to_dicts()
    assert whole["grr_high"] - whole["grr_low"] < 0.015


def test_groups_without_a_name_or_arr_are_there(model) -> None:
    rows = book([0.1, 0.2, 0.3], [100.0, 0.0, 50.0], owner=["ann", "bob", None])
    found = forecast(rows, model, "owner")
    assert found["group"].to_list() == ["ann", "bob", "unknown"]
    assert found["grr"].is_null().to_list() == [False, True, False]
    assert found["nrr_low"].is_null().to_list() == [False, True, False]


def test_a_book_of_nobody_has_no_rows(model) -> None:
    assert forecast(book([]).cast(pl.Float64), model).height == 0


def test_it_is_the_same_again_and_hardly_another_with_another_seed(model) -> None:
    rows = book(np.random.default_rng(1).uniform(0.02, 0.4, 500).tolist(), shrinks=0.05)
    first, again, other = (forecast(rows, model, seed=seed).drop("group") for seed in (0, 0, 1))
    assert first.equals(again)
    width = first["grr_high"].item() - first["grr_low"].item()
    assert abs(first["grr_low"].item() - other["grr_low"].item()) < 0.1 * width


def test_the_interval_holds_eight_in_ten_books_of_its_own_kind(model) -> None:
    """Books drawn account by account, with contractions and a level of their own."""
    doubtful, random = settled(model, 0.25), np.random.default_rng(5)
    risk, arr = random.uniform(0.02, 0.5, 120), random.lognormal(9, 1, 120)
    (row,) = forecast(book(risk.tolist(), arr.tolist(), shrinks=0.1), doubtful).to_dicts()
    held = 0
    for _ in range(2000):
        odds = risk / (1 - risk) * np.exp(random.normal(-0.03125, 0.25))
        stays = random.random(120) > odds / (1 + odds)
        shrinks = random.random(120) < 0.1 / (1 - risk)
        left = (arr * stays * np.where(shrinks, 0.75, 1.0)).sum()
        held += row["expected_arr_low"] <= left <= row["expected_arr_high"]
    assert held / 2000 == pytest.approx(0.8, abs=0.04)
