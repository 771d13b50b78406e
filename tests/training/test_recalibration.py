"""Recalibration: the level follows what happened lately, the order of accounts doesn't."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from training.errors import NotEnoughOutcomes
from training.model import HealthModel
from training.recalibration import NEAR, changed, recalibrated

END = datetime(2026, 1, 1)
SINCE = END - timedelta(days=30 + 182)


def off_by(model: HealthModel, log_odds: float, **segments: float) -> HealthModel:
    """The model as if its level, and its segments', had been set wrongly."""
    calibration = model.churn.calibration
    wrong = replace(calibration, intercept=calibration.intercept + log_odds, segments=calibration.segments | segments)
    return replace(model, churn=replace(model.churn, calibration=wrong))


def expected_to_actual(model: HealthModel, company) -> float:
    """Of leaving within a period, over the snapshots whose next period lies in the newest half year."""
    told = company.outcomes.of(company.matrix).filter(
        (pl.col("as_of") >= SINCE) & (pl.col("as_of") + timedelta(days=30) <= company.outcomes.observed_until)
    )
    left = (told["churned_at"] <= told["as_of"] + timedelta(days=30)).fill_null(value=False)
    return float(model.score(told.select(company.matrix.columns))["risk_30d"].sum()) / int(left.sum())


@pytest.mark.parametrize(
    "log_odds, segments", [(0.0, {}), (0.8, {}), (-0.8, {}), (0.0, {"small": 1.0, "enterprise": -1.0})]
)
def test_expected_comes_back_to_actual(company, log_odds: float, segments: dict[str, float]) -> None:
    wrong = off_by(company.model, log_odds, **segments)
    right = recalibrated(wrong, company.matrix, company.outcomes)
    assert 0.75 < expected_to_actual(right, company) < 1.33
    if log_odds:
        assert not 0.75 < expected_to_actual(wrong, company) < 1.33


def test_where_it_came_from_makes_little_difference(company) -> None:
    """The level is believed to lie near the model's, which half a year of outcomes outweighs."""
    low, high = (
        recalibrated(off_by(company.model, by), company.matrix, company.outcomes).churn.calibration
        for by in (-0.8, 0.8)
    )
    assert low.intercept == pytest.approx(high.intercept, abs=0.1)


def test_boosters_slopes_and_the_order_within_a_segment_stay(company) -> None:
    now = company.matrix.filter(pl.col("as_of") == END)
    again = recalibrated(off_by(company.model, 0.8), company.matrix, company.outcomes)
    for before, after in ((company.model.churn, again.churn), (company.model.contraction, again.contraction)):
        assert after.booster is before.booster
        assert after.calibration.slope == before.calibration.slope
    for _, rows in now.group_by("segment"):
        health = [model.health(model.accounts(rows)) for model in (company.model, again)]
        assert np.ptp(health[1] - health[0]) < 1e-9


def test_the_card_tells_of_it(company) -> None:
    card = recalibrated(company.model, company.matrix, company.outcomes).card
    told = card.trained_on["recalibrated"]
    assert told["since"] == str(company.outcomes.observed_until - timedelta(days=182))
    assert told["until"] == str(company.outcomes.observed_until)
    assert told["churns"] >= 20
    assert card.reference == company.model.card.reference


def test_too_few_outcomes_are_refused_with_their_number(company) -> None:
    with pytest.raises(NotEnoughOutcomes, match=r"\d accounts are known to have left between 2025-11-\d\d"):
        recalibrated(company.model, company.matrix, company.outcomes, since=datetime(2025, 11, 20))


@pytest.mark.parametrize(
    "churns, change",
    [
        ([10, 10, 10, 10, 10, 10], None),
        ([10, 13, 8, 12, 9, 11], None),
        ([10, 10, 10, 10, 30, 30], 4),
        ([10, 10, 30, 30, 30, 30], 2),
        ([40, 40, 40, 40, 10, 10], 4),
        ([1, 1, 1, 1, 4, 4], None),
        ([10, 10, 10, 10, 10, 60], 4),
        ([0, 0, 0, 0, 30, 30], 4),
        ([30, 30, 30, 0, 0, 0], 2),
        ([10, 60], None),
        ([], None),
    ],
    ids=["as expected", "by chance", "rose", "rose before", "fell", "too few", "one period", "from none", "to none",
         "two periods", "none"],
)  # fmt: skip
def test_a_level_that_changed_within_the_stretch_is_told_from_chance(churns: list[int], change: int | None) -> None:
    rows = 200 * NEAR
    begins = np.repeat(28 * np.arange(len(churns), dtype=np.int64), rows)
    y = np.concatenate([np.zeros(0), *(np.arange(rows) < NEAR * churn for churn in churns)]).astype(np.float32)
    assert changed(begins, y, np.full(len(y), 0.05)) == (None if change is None else 28 * change)


def test_only_what_came_after_a_change_speaks_unless_it_is_said_from_when(company, monkeypatch) -> None:
    day = (company.outcomes.observed_until - timedelta(days=80)).date()
    monkeypatch.setattr("training.recalibration.changed", lambda *_: day.toordinal())
    told = recalibrated(company.model, company.matrix, company.outcomes).card.trained_on["recalibrated"]
    assert told["since"] == f"{day} 00:00:00"
    whole = recalibrated(company.model, company.matrix, company.outcomes, since=SINCE).card.trained_on["recalibrated"]
    assert whole["since"] == str(SINCE)
    assert 0 < told["churns"] < whole["churns"]
