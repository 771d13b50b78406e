"""When a champion is trained again: the rule as a table, and what it is told on a simulated company."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from training.errors import NotEnoughOutcomes
from training.intervals import Estimate
from training.level import level_foretold
from training.model import HealthModel
from training.outcomes import outcomes
from training.recalibration import recalibrated
from training.retraining import Action, Attempt, Standing, stability, standing, wanted
from training.train import train

END = datetime(2026, 1, 1)
TRAINED = END - timedelta(days=28 * 9)
UNTOLD = Estimate(float("nan"))
WELL = Standing(
    as_of=END,
    trained_until=TRAINED,
    levelled_until=TRAINED,
    learned_from=200,
    churned=[END] * 30,
    expected_to_actual={None: Estimate(1.1, 0.8, 1.4), "small": Estimate(0.7, 0.5, 0.9)},
    auc=Estimate(0.7, 0.6, 0.8),
    proven_auc=Estimate(0.75, 0.7, 0.8),
    drift=0.1,
)
TOO_FEW = {None: Estimate(0.8, 0.6, 1.0), "small": Estimate(0.6, 0.5, 0.8)}


@pytest.mark.parametrize(
    "changes, action, says",
    [
        ({}, "none", "nothing has moved"),
        ({"auc": Estimate(0.6, 0.5, 0.69)}, "train", "less well than was proven: AUC 0.60 lately"),
        ({"auc": UNTOLD}, "none", "nothing has moved"),
        ({"proven_auc": UNTOLD, "auc": Estimate(0.3, 0.2, 0.4)}, "none", "nothing has moved"),
        ({"expected_to_actual": TOO_FEW}, "recalibrate", "out of bounds in segment small: it expected 0.60"),
        ({"expected_to_actual": {None: Estimate(1.5, 1.2, 1.9)}}, "recalibrate", "out of bounds: it expected 1.50"),
        ({"expected_to_actual": {None: Estimate(0.76, 0.64, 0.91)}}, "recalibrate", "it expected 0.76 (0.64 to 0.91)"),
        ({"expected_to_actual": {None: Estimate(0.87, 0.80, 0.94)}}, "none", "nothing has moved"),
        ({"expected_to_actual": {None: Estimate(0.78, 0.62, 1.02)}}, "none", "nothing has moved"),
        ({"expected_to_actual": {None: UNTOLD}}, "none", "nothing has moved"),
        ({"expected_to_actual": TOO_FEW, "drift": 0.3}, "train", "calibration is out of bounds in segment small"),
        ({"drift": 0.3}, "train", "stability index of health 0.30"),
        ({"churned": [END] * 100}, "train", "100 churns have matured since it was trained on 200"),
        ({"churned": [END] * 40, "learned_from": 10}, "none", "nothing has moved"),
        ({"trained_until": END - timedelta(days=364)}, "train", "it is 364 days old, and 30 churns"),
        ({"trained_until": END - timedelta(days=364), "churned": []}, "none", "nothing has moved"),
        ({"trained_until": END + timedelta(days=1), "drift": 0.3}, "none", "knows later outcomes"),
    ],
)
def test_the_rule(changes: dict[str, object], action: str, says: str) -> None:
    found = wanted(replace(WELL, **changes))  # type: ignore[arg-type]
    assert found.action == action
    assert found.level_off is any("calibration is out of bounds" in reason for reason in found.reasons)
    assert says in found.reasons[0]


@pytest.mark.parametrize("days, action", [(0, "none"), (27, "none"), (28, "train"), (-28, "train")])
@pytest.mark.parametrize("tried", ["train", "recalibrate"])
def test_what_was_tried_is_tried_again_a_period_later(tried: Action, days: int, action: str) -> None:
    before = [Attempt("train", TRAINED, False), Attempt(tried, END - timedelta(days=days), False)]
    found = wanted(replace(WELL, drift=0.3), before)
    assert found.action == action
    assert "stability index" in found.reasons[0]
    assert action == "train" or f"was tried for {END - timedelta(days=days):%Y-%m-%d}" in found.reasons[1]


@pytest.mark.parametrize(
    "days, since, action",
    [(28, 0, "none"), (83, 49, "none"), (84, 0, "train"), (28, 50, "train"), (27, 50, "none"), (-28, 0, "train")],
)
def test_what_failed_its_floors_is_trained_again_when_there_is_more_to_learn_from(
    days: int, since: int, action: str
) -> None:
    failed_at = END - timedelta(days=days)
    stands = replace(WELL, drift=0.3, churned=[failed_at] * 60 + [failed_at + timedelta(days=1)] * since)
    assert wanted(stands, [Attempt("train", failed_at, True)]).action == action
    off = replace(stands, expected_to_actual={None: Estimate(1.5, 1.2, 1.9)})
    found = wanted(off, [Attempt("train", failed_at, True)])
    assert found.action == ("recalibrate" if action == "none" and days >= 28 else action)
    assert found.level_off == (found.action != "none")
    if found.action == "recalibrate":
        assert found.reasons[-1] == f"but to train was tried for {failed_at:%Y-%m-%d}: again from " + (
            f"{failed_at + timedelta(days=84):%Y-%m-%d} on"
        )


def test_a_recalibration_that_failed_its_floors_is_tried_again_a_period_later() -> None:
    off = replace(WELL, expected_to_actual={None: Estimate(1.5, 1.2, 1.9)})
    assert wanted(off, [Attempt("recalibrate", END - timedelta(days=28), True)]).action == "recalibrate"


def test_without_a_champion_one_is_trained() -> None:
    assert wanted(None).action == "train"


@pytest.mark.parametrize(
    "now, low, high",
    [(np.arange(200.0), 0.0, 1e-9), (np.arange(200.0) + 3, 0.0, 0.02), (np.arange(200.0) + 60, 0.25, 5.0)],
)
def test_stability_of_a_book_that_stays_or_moves(now: np.ndarray, low: float, high: float) -> None:
    assert low <= stability(np.arange(200.0), now) <= high


@pytest.fixture(scope="module")
def early(company) -> HealthModel:
    """A model of nine periods ago."""
    matrix = company.matrix.filter(pl.col("as_of") <= TRAINED)
    return train(matrix, outcomes(company.tables, until=TRAINED), company.recipe)


def off_by(model: HealthModel, log_odds: float) -> HealthModel:
    calibration = replace(model.churn.calibration, intercept=model.churn.calibration.intercept + log_odds)
    return replace(model, churn=replace(model.churn, calibration=calibration))


def test_a_champion_of_the_day_has_nothing_to_be_told(company) -> None:
    stands = standing(company.model, company.tables, END)
    assert (stands.churned, stands.drift) == ([], 0.0)
    assert wanted(stands).action == "none"


def test_a_level_that_is_off_is_noticed_and_set_right(company, early: HealthModel) -> None:
    for log_odds, ratio in ((-1.5, (0.0, 0.5)), (1.5, (1.5, 9.0))):
        wrong = off_by(early, log_odds)
        stands = standing(wrong, company.tables, END)
        assert ratio[0] < stands.expected_to_actual[None].value < ratio[1]
        assert stands.trained_until == TRAINED
        found = wanted(replace(stands, churned=[], drift=0.0))
        assert found.action == "recalibrate"
    right = recalibrated(wrong, company.matrix, company.outcomes)
    assert not any("calibration" in why for why in wanted(standing(right, company.tables, END)).reasons)
    foretold = level_foretold(wrong, company.matrix, company.tables, company.outcomes)
    assert foretold.churns > 0
    assert foretold.ratio.value < stands.expected_to_actual[None].value
    assert foretold.source is not None
    assert foretold.ratio.value < foretold.source.value


def test_a_level_nobody_left_to_prove_cant_be_told(company, early: HealthModel) -> None:
    few = company.matrix["account_id"].unique().sort().head(20)
    matrix = company.matrix.filter(pl.col("account_id").is_in(few.implode()))
    with pytest.raises(NotEnoughOutcomes):
        recalibrated(early, matrix, company.outcomes)
    assert np.isnan(level_foretold(early, matrix, company.tables, company.outcomes).ratio.value)
