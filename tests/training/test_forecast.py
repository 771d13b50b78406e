"""The forecast: expected ARR and its interval, against what can be computed by hand."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from training.model import Card, forecast


@pytest.fixture(scope="module")
def card(company) -> Card:
    return replace(company.model.card, contraction_depth=0.25, growth=0.1, level_sd=0.0)


def book(
    risk: list[float], arr: list[float] | None = None, shrinks: float = 0.0, **columns: list[object]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "arr_in_force": arr or [100.0] * len(risk),
            "risk_365d": risk,
            "contraction_risk_365d": [shrinks] * len(risk),
            **columns,
        }
    )


def test_what_is_expected_is_each_accounts_arr_by_its_chances(card) -> None:
    """100 × (1 − 0.1 − 0.2 × 0.25) + 300 × (1 − 0.5 − 0.2 × 0.25); those that stay whole grow by a tenth."""
    (row,) = forecast(book([0.1, 0.5], [100.0, 300.0], shrinks=0.2), card).to_dicts()
    assert (row["group"], row["accounts"], row["arr"]) == ("all", 2, 400.0)
    assert row["expected_arr"] == pytest.approx(85.0 + 135.0)
    assert row["grr"] == pytest.approx(220.0 / 400.0)
    assert row["nrr"] == pytest.approx((220.0 + 7.0 + 9.0) / 400.0)


def test_it_is_the_sum_of_the_accounts_expected_arr(company, card) -> None:
    newest = company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())
    scored = newest.hstack(company.model.score(newest).drop("account_id", "as_of"))
    whole = forecast(scored, company.model.card)
    assert whole["expected_arr"].item() == pytest.approx(scored["expected_arr"].sum())
    by_segment = forecast(scored, company.model.card, "segment")
    for column in ("accounts", "arr", "expected_arr"):
        assert by_segment[column].sum() == pytest.approx(whole[column].item())
    assert by_segment["group"].to_list() == sorted(scored["segment"].unique())
    lows = by_segment["expected_arr_low"].sum(), whole["expected_arr_low"].item(), whole["expected_arr"].item()
    assert lows[0] < lows[1] < lows[2] < whole["expected_arr_high"].item()  # accounts make up for each other


@pytest.mark.parametrize("accounts, risk", [(1, 0.05), (1, 0.5), (5, 0.1), (400, 0.15)])
def test_without_doubt_of_the_level_its_ends_are_the_binomials(card, accounts: int, risk: float) -> None:
    (row,) = forecast(book([risk] * accounts), card).to_dicts()
    ends = binom.ppf([0.1, 0.9], accounts, 1 - risk) * 100.0
    tolerance = 100.0 * max(0.0, 0.1 * np.sqrt(accounts * risk * (1 - risk)) if accounts > 100 else 0.0)
    assert [row["expected_arr_low"], row["expected_arr_high"]] == pytest.approx(ends.tolist(), abs=tolerance + 1e-6)
    assert row["nrr_high"] == pytest.approx(row["grr_high"] * 1.1, abs=tolerance)


def test_doubt_of_the_level_does_not_average_out(card) -> None:
    """With 20,000 accounts only the level is in doubt: its odds are off by e^±(1.28 × 0.2)."""
    doubtful = replace(card, level_sd=0.2)
    (row,) = forecast(book([0.2] * 20_000), doubtful).to_dicts()
    odds = 0.25 * np.exp(np.array([1.2816, -1.2816]) * 0.2 - 0.02)
    assert [row["grr_low"], row["grr_high"]] == pytest.approx((1 / (1 + odds)).tolist(), abs=0.002)
    (sure,) = forecast(book([0.2] * 20_000), card).to_dicts()
    assert sure["grr_high"] - sure["grr_low"] < 0.2 * (row["grr_high"] - row["grr_low"])


def test_groups_without_a_name_or_arr_are_there(card) -> None:
    rows = book([0.1, 0.2, 0.3], [100.0, 0.0, 50.0], owner=["ann", "bob", None])
    found = forecast(rows, card, "owner")
    assert found["group"].to_list() == ["ann", "bob", "unknown"]
    assert found["grr"].is_null().to_list() == [False, True, False]
    assert found["nrr_low"].is_null().to_list() == [False, True, False]


def test_a_book_of_nobody_has_no_rows(card) -> None:
    assert forecast(book([]).cast(pl.Float64), card).height == 0


def test_it_is_the_same_again_and_hardly_another_with_another_seed(card) -> None:
    rows = book(np.random.default_rng(1).uniform(0.02, 0.4, 500).tolist(), shrinks=0.05)
    first, again, other = (forecast(rows, card, seed=seed).drop("group") for seed in (0, 0, 1))
    assert first.equals(again)
    width = first["grr_high"].item() - first["grr_low"].item()
    assert abs(first["grr_low"].item() - other["grr_low"].item()) < 0.1 * width


def test_the_interval_holds_eight_in_ten_books_of_its_own_kind(card) -> None:
    """Books drawn account by account, with contractions and a level of their own."""
    doubtful, random = replace(card, level_sd=0.25), np.random.default_rng(5)
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
