"""Searching LightGBM's parameters: a few seeded trials, judged on periods later than those they learned from.

Off by default. A trial learns as `training.train` does, from the leads known at a moment, and is judged by the log-loss
of the leads between that moment and the next; then again with the next moment as its present. One that lags behind the
median of those before it isn't tried again. The first trial is the parameters used otherwise, so what is chosen has
beaten them; with a seed, it is always the same.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
import polars as pl

from features.periods import PERIOD_DAYS
from training.errors import NotEnoughTime
from training.hazard import parameters
from training.leads import LeadRows
from training.material import Material
from training.outcomes import Outcomes
from training.train import Recipe

FOLDS = 2
JUDGED_SHARE = 0.2
"""Share of the observed time that each fold is judged on."""
WARM_UP = 4
"""Trials before the first may be pruned."""


@dataclass(frozen=True)
class Trial:
    """One trial: the parameters tried and the mean log-loss of the periods it was judged on.

    `pruned` where it lagged after the first of them, which alone is its loss then.
    """

    number: int
    chosen: Mapping[str, Any]
    log_loss: float
    pruned: bool


def search(
    matrix: pl.DataFrame,
    outcomes: Outcomes,
    recipe: Recipe,
    trials: int,
    tell: Callable[[Trial], None] = lambda _: None,
) -> Mapping[str, Any]:
    """The parameters for `Recipe.chosen` with the least log-loss of `trials`; none where the usual ones are best.

    `tell` is called after each trial. Raises NotEnoughTime where the observed time can't be told apart into folds.
    """
    material = Material.of(matrix, outcomes, recipe.scorecard)
    leads = material.leads("churn", recipe.most_rows, recipe.seed)
    folds = list(_folds(leads))
    segments = material.history["segment"].to_numpy()
    usual = _usual(dict(parameters(material.signals, len(leads.y), recipe.seed)) | dict(recipe.chosen))

    def loss(trial: optuna.Trial) -> float:
        chosen = {**recipe.chosen, **_suggested(trial)}
        losses: list[float] = []
        for earlier, later in folds:
            hazard = material.learn("churn", earlier, recipe.seed, chosen)
            shifts = hazard.calibration.shifts(segments[later.row])
            standing = hazard.standing(material.values, material.names)[later.row]
            log_odds = hazard.log_odds(later.x, standing, shifts) + later.offset
            losses.append(float((np.logaddexp(0.0, log_odds) - later.y * log_odds).mean()))
            trial.report(float(np.mean(losses)), len(losses))
            if len(losses) < len(folds) and trial.should_prune():
                raise optuna.TrialPruned
        return float(np.mean(losses))

    def told(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        last = trial.intermediate_values[max(trial.intermediate_values)]
        tell(Trial(trial.number, trial.params, last, trial.state is optuna.trial.TrialState.PRUNED))

    with _quiet():
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=recipe.seed),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=WARM_UP),
        )
        study.enqueue_trial(usual)
        study.optimize(loss, n_trials=trials, callbacks=[told])
    return {} if study.best_trial.number == 0 else {**recipe.chosen, **study.best_params}


def _suggested(trial: optuna.Trial) -> dict[str, Any]:
    return {
        "num_leaves": trial.suggest_int("num_leaves", 3, 63, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 20, 5000, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 0.1, 100.0, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.2, 1.0),
    }


def _usual(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of LightGBM's settings, those that are searched."""
    return {
        "num_leaves": settings["num_leaves"],
        "min_data_in_leaf": settings["min_data_in_leaf"],
        "lambda_l2": settings["lambda_l2"],
        "feature_fraction": settings.get("feature_fraction", 1.0),
    }


def _folds(leads: LeadRows) -> Iterator[tuple[LeadRows, LeadRows]]:
    """Leads whose period had ended by a moment, and those whose period began in the stretch after it, oldest first."""
    first, last = (int(leads.begins.min()), int(leads.ends.max())) if len(leads.y) else (0, 0)
    stretch = round((last - first) * JUDGED_SHARE / PERIOD_DAYS) * PERIOD_DAYS
    if stretch < PERIOD_DAYS:
        raise NotEnoughTime(
            f"outcomes are known for {last - first} days after the first snapshot, too few to judge parameters on "
            "later periods: train without a search, or bring more of the contracts' history"
        )
    for fold in range(FOLDS, 0, -1):
        cut = last - stretch * fold
        yield leads.some(leads.ends <= cut), leads.some((leads.begins >= cut) & (leads.ends <= cut + stretch))


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna speaks up only when something is wrong."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
