"""The search for parameters: seeded, forward in time, and told trial by trial."""

from dataclasses import replace
from datetime import datetime, timedelta

import optuna
import polars as pl
import pytest

from features.periods import PERIOD
from training.errors import NotEnoughTime
from training.search import Trial, search
from training.train import Recipe

END = datetime(2026, 1, 1)
RECIPE = Recipe(chosen={"learning_rate": 0.3})
TRIALS = 6


@pytest.fixture(scope="module")
def rows(company) -> pl.DataFrame:
    """Every fourth snapshot, so that a trial is quick."""
    return company.matrix.filter(pl.col("as_of").is_in([END - PERIOD * 4 * back for back in range(9)]))


@pytest.fixture(scope="module")
def told(company, rows) -> tuple[dict[str, float], list[Trial]]:
    trials: list[Trial] = []
    return dict(search(rows, company.outcomes, RECIPE, TRIALS, trials.append)), trials


def test_the_chosen_have_the_least_loss(told) -> None:
    chosen, trials = told
    best = min((trial for trial in trials if not trial.pruned), key=lambda trial: trial.log_loss)
    assert chosen == ({} if best.number == 0 else {"learning_rate": 0.3, **best.chosen})


def test_the_usual_parameters_are_tried_first(told) -> None:
    first = told[1][0].chosen
    assert (first["num_leaves"], first["lambda_l2"], first["feature_fraction"]) == (15, 10.0, 0.5)
    assert [trial.number for trial in told[1]] == list(range(TRIALS))


def test_the_same_seed_chooses_the_same(company, rows, told) -> None:
    trials: list[Trial] = []
    assert dict(search(rows, company.outcomes, RECIPE, TRIALS, trials.append)) == told[0]
    assert trials == told[1]


def test_a_quieter_end_of_the_history_is_judged_on(company, rows, told) -> None:
    cut = company.outcomes.observed_until - timedelta(days=200)
    lives = company.outcomes.lives.with_columns(
        ended_at=pl.when(pl.col("ended_at") <= cut).then("ended_at"),
        completed=pl.col("completed") & (pl.col("ended_at") <= cut),
    )
    trials: list[Trial] = []
    search(rows, replace(company.outcomes, lives=lives), RECIPE, 1, trials.append)
    assert trials[0].log_loss < told[1][0].log_loss


def test_optuna_is_quiet_and_left_as_it_was(company, rows, capfd) -> None:
    before = optuna.logging.get_verbosity()
    search(rows, company.outcomes, RECIPE, 1)
    assert capfd.readouterr().err == ""
    assert optuna.logging.get_verbosity() == before


def test_a_short_history_is_refused(company) -> None:
    newest = company.matrix.filter(pl.col("as_of") > END - PERIOD * 3)
    with pytest.raises(NotEnoughTime, match="train without a search"):
        search(newest, company.outcomes, RECIPE, 1)
