"""Training on a simulated company and on histories that are too small."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from features.matrix import build
from features.spine import spine
from training import scorecard
from training.outcomes import outcomes
from training.train import Recipe, train


def test_the_same_seed_gives_the_same_model_to_the_bit(company) -> None:
    again = train(company.matrix, company.outcomes, company.recipe)
    for made, before in ((again.churn, company.model.churn), (again.contraction, company.model.contraction)):
        assert made.booster.model_to_string() == before.booster.model_to_string()
        assert made.to_json() == before.to_json()
    assert again.card == company.model.card


def test_the_order_of_rows_is_irrelevant_to_what_is_learned(company) -> None:
    mine = company.matrix["account_id"].unique().sort().gather_every(3)
    matrix = company.matrix.filter(pl.col("account_id").is_in(mine.implode()))
    newest = matrix.filter(pl.col("as_of") == matrix["as_of"].max())
    ordered, shuffled = (
        train(rows, company.outcomes).score(newest)["health"]
        for rows in (matrix, matrix.sample(fraction=1.0, shuffle=True, seed=5))
    )
    difference = shuffled - ordered
    assert difference.abs().max() < 1e-6


def test_a_reference_is_carried_on(company) -> None:
    newest = company.matrix.filter(pl.col("as_of") > company.matrix["as_of"].max() - timedelta(days=200))
    assert train(newest, company.outcomes, Recipe(reference=1.25)).card.reference == 1.25


def test_knowing_later_outcomes_is_asked_for_not_assumed(company) -> None:
    until = datetime(2025, 6, 1)
    early = train(
        company.matrix.filter(pl.col("as_of") <= until), outcomes(company.tables, until=until), company.recipe
    )
    assert early.card.trained_on["observed_until"] < "2025-06-01"
    assert early.card.trained_on["churns"] < company.model.card.trained_on["churns"]


def test_a_simulated_company_is_learned_from(company) -> None:
    card = company.model.card
    assert card.mode in ("blended", "learned")
    assert 0 < card.evidence < 1
    assert sum(card.weights.values()) == pytest.approx(1.0)
    assert 0 < card.contraction_depth < 1
    assert card.growth > 0


def test_with_one_snapshot_and_no_churn_the_scorecard_scores(company) -> None:
    """Day one: 50 accounts, nothing observed yet."""
    moment = datetime(2025, 12, 31)
    fifty = company.matrix["account_id"].unique().sort().head(50)
    matrix = build(company.tables, spine(company.tables, [moment])).filter(pl.col("account_id").is_in(fifty.implode()))
    model = train(matrix, company.outcomes)
    scored = model.score(matrix)
    assert (model.card.mode, model.card.evidence, model.card.trained_on["churns"]) == ("prior only", 0.0, 0)
    assert scored["health"].mean() == pytest.approx(50, abs=1)
    assert scored["health"].std() > 3
    yearly = scored.filter(matrix["term_days"].is_between(364, 367))
    assert yearly["renewal_risk"].mean() == pytest.approx(1 - 0.824, abs=0.04)  # the scorecard's renewal rate


def test_few_outcomes_move_the_level_and_leave_the_rest_to_the_scorecard(company) -> None:
    few = company.matrix["account_id"].unique().sort().head(40)
    model = train(company.matrix.filter(pl.col("account_id").is_in(few.implode())), company.outcomes)
    assert model.card.mode == "prior only"
    assert model.churn.booster is None
    assert model.churn.calibration.intercept != 0.0
    assert 0.5 < model.churn.standing_weight < 1.5


def test_a_scorecard_that_outcomes_contradict_loses_its_weight(company) -> None:
    """Good and poor exchanged: evidence takes the weight away and never turns it round."""
    card = scorecard.read()
    turned = {name: replace(t, poor=t.good, good=t.poor, alarm=0.0) for name, t in card.signals.items()}
    model = train(company.matrix, company.outcomes, replace(company.recipe, scorecard=replace(card, signals=turned)))
    assert company.model.churn.standing_weight > 0.5
    assert model.churn.standing_weight < 0.2


def test_sampling_rows_without_churn_keeps_the_level(company) -> None:
    all_rows = train(company.matrix, company.outcomes, Recipe())
    assert company.model.card.trained_on["rows"] < 51_000 < all_rows.card.trained_on["rows"]
    newest = company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())
    risk, whole = (model.score(newest)["risk_365d"].mean() for model in (company.model, all_rows))
    assert risk == pytest.approx(whole, rel=0.05)
