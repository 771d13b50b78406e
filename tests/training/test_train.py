"""Training on a simulated company and on histories that are too small."""

from datetime import datetime

import polars as pl
import pytest

from features.matrix import build
from features.spine import spine
from training.errors import NotEnoughOutcomes, NotEnoughTime
from training.outcomes import outcomes
from training.train import Recipe, train


def test_the_same_seed_gives_the_same_model_to_the_bit(company) -> None:
    again = train(company.matrix, company.outcomes, Recipe())
    assert again.booster.model_to_string() == company.model.booster.model_to_string()
    assert again.card == company.model.card


def test_the_order_of_rows_is_irrelevant_to_what_is_learned(company) -> None:
    shuffled = train(company.matrix.sample(fraction=1.0, shuffle=True, seed=5), company.outcomes, Recipe())
    newest = company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())
    difference = shuffled.score(newest)["health"] - company.model.score(newest)["health"]
    assert difference.abs().max() < 1e-6


def test_a_reference_is_carried_on(company) -> None:
    assert train(company.matrix, company.outcomes, Recipe(reference=1.25)).card.reference == 1.25


def test_knowing_later_outcomes_is_asked_for_not_assumed(company) -> None:
    until = datetime(2025, 6, 1)
    early = train(company.matrix.filter(pl.col("as_of") <= until), outcomes(company.tables, until=until))
    assert early.card.trained_on["observed_until"] < "2025-06-01"
    assert early.card.trained_on["churns"] < company.model.card.trained_on["churns"]


def test_too_short_a_history_is_refused(company) -> None:
    moment = datetime(2025, 11, 1)
    matrix = build(company.tables, spine(company.tables, [moment]))
    with pytest.raises(NotEnoughTime, match="three periods"):
        train(matrix, company.outcomes)


def test_too_few_leavers_are_refused_with_their_number(company) -> None:
    few = company.matrix["account_id"].unique().sort().head(40)
    with pytest.raises(NotEnoughOutcomes, match=r"\d+ accounts left: learning needs at least 20"):
        train(company.matrix.filter(pl.col("account_id").is_in(few.implode())), company.outcomes)
