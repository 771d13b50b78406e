"""Training: from checked tables to a model, told only what was known by a moment.

Leads of the snapshots up to `until` teach two hazards, of leaving and of paying less; the newest snapshot says what is
typical, and what health 50 stands for where no earlier model has said so.
"""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import numpy as np
import polars as pl

from features.catalogue import digest
from features.periods import PERIOD, PERIODS_A_YEAR
from training import scorecard
from training.calibration import LEVEL_SD
from training.hazard import LATER_SHARE
from training.leads import MOST_ROWS
from training.leakage import refuse_looking_back
from training.material import Material
from training.model.card import Card, Mode
from training.model.feeds import Feeds, feeds
from training.model.hazard import Hazard
from training.model.health import POINTS_PER_LOG_ODD, HealthModel
from training.outcomes import Outcomes
from training.scorecard import Scorecard

LEARNED_FROM = 200
"""Churns from which on a model counts as learned; with fewer, it is blended with the scorecard."""
USUAL_DEPTH = 0.2
"""Share of ARR that a contraction takes, where none has been seen."""
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Recipe:
    """What a training run is told besides the data.

    `reference` is that of an earlier model (training.model.card), `chosen` replaces LightGBM's parameters.
    """

    grace_days: int = 30
    seed: int = 7
    reference: float | None = None
    scorecard: Scorecard = field(default_factory=scorecard.read)
    chosen: Mapping[str, Any] = field(default_factory=dict)
    most_rows: int = MOST_ROWS


def train(
    matrix: pl.DataFrame,
    outcomes: Outcomes,
    recipe: Recipe = Recipe(),
    progress: Callable[[str], None] = lambda _: None,
) -> HealthModel:
    """A model from a matrix of snapshots and the outcomes known at the time.

    With too few outcomes it is the scorecard's; the card's `mode` says so. Raises LookingBack where the rows of the
    matrix were chosen by their outcome.
    """
    refuse_looking_back(matrix, outcomes)
    material = Material.of(matrix, outcomes, recipe.scorecard)
    history, names = material.history, material.names
    hazards: list[Hazard] = []
    rows = events = 0
    for cause in ("contraction", "churn"):
        leads = material.leads(cause, recipe.most_rows, recipe.seed)
        rows, events = len(leads.y), int(leads.y.sum())
        progress(f"hazard of {cause}: {rows:,} rows, {events:,} with it")
        hazards.append(material.learn(cause, leads, recipe.seed, recipe.chosen))
    contraction, churn = hazards
    growth, growth_sd = _growth(history, outcomes)
    churned = history.filter(pl.col("churned_at").is_not_null()).unique(["account_id", "churned_at"])
    recent = _later_from(history, outcomes.observed_until)
    card = Card(
        signals=tuple(names),
        catalogue_digest=digest(material.signals),
        mode=_mode(churn, len(churned)),
        reference=0.0,
        weights={},
        evidence=0.0,
        seen=_seen(material.values, names),
        feeds=Feeds({}, []),
        contraction_depth=_depth(history),
        growth=growth,
        growth_sd=growth_sd,
        level_sd=float((LEVEL_SD**-2 + len(churned.filter(pl.col("churned_at") > recent))) ** -0.5),
        grace_days=recipe.grace_days,
        trained_on={
            "first_as_of": str(history["as_of"].min()),
            "last_as_of": str(history["as_of"].max()),
            "observed_until": str(outcomes.observed_until),
            "accounts": history["account_id"].n_unique(),
            "snapshots": history["as_of"].n_unique(),
            "churns": len(churned),
            "contractions": history.filter(pl.col("contracted_at").is_not_null())
            .select("account_id", "contracted_at")
            .n_unique(),
            "rows": rows,
            "trees": churn.booster.num_trees() if churn.booster else 0,
            "seed": recipe.seed,
            "python": platform.python_version(),
            "lightgbm": version("lightgbm"),
            "healthscore": version("healthscore"),
        },
    )
    newest = matrix.filter(pl.col("as_of") == matrix["as_of"].max())
    return _referred(HealthModel(churn, contraction, card), newest, recipe.reference)


def history_starts(outcomes: Outcomes, until: datetime, longest: timedelta = PERIOD * 39) -> datetime:
    """When the snapshots to train on begin: with the first life, at most three years back."""
    first = outcomes.lives["started_at"].min()
    assert isinstance(first, datetime)
    return max(datetime(first.year, first.month, first.day), until - longest)


def _referred(model: HealthModel, newest: pl.DataFrame, reference: float | None) -> HealthModel:
    """The model with what the newest snapshot says: weights, evidence, what is typical, what health 50 stands for."""
    names, churn = list(model.card.signals), model.churn
    accounts = model.accounts(newest)
    points = model.points(accounts)[2]
    prior = POINTS_PER_LOG_ODD * churn.standing_weight * churn.scorecard.terms(accounts.values, names)
    of_points, of_prior, of_learned = (part.std(axis=0) for part in (points, prior, points - prior))
    total = of_points.sum()
    share = of_points / total if total > 0 else np.full(len(names), 1.0 / max(len(names), 1))
    both = of_prior.sum() + of_learned.sum()
    card = replace(
        model.card,
        weights={name: float(weight) for name, weight in zip(names, share, strict=True)},
        evidence=float(of_learned.sum() / both) if both > 0 else 0.0,
        feeds=feeds(accounts.values, points, names),
    )
    known = replace(model, card=card).known(accounts)
    typical = np.median(model.points(known)[2], axis=0) if len(known) else np.zeros(len(names))
    card = replace(card, typical_points={name: float(at) for name, at in zip(names, typical, strict=True)})
    if reference is None:
        reference = float((model.health(known).mean() - 50.0) / POINTS_PER_LOG_ODD)
    return replace(model, card=replace(card, reference=reference))


def _mode(churn: Hazard, churns: int) -> Mode:
    if churn.booster is None:
        return "prior only"
    return "learned" if churns >= LEARNED_FROM else "blended"


def _seen(values: np.ndarray, names: list[str]) -> dict[str, tuple[float, float]]:
    """The lowest and highest value of each signal."""
    there = {name: values[~np.isnan(values[:, i]), i] for i, name in enumerate(names)}
    return {name: (float(column.min()), float(column.max())) for name, column in there.items() if len(column)}


def _depth(history: pl.DataFrame) -> float:
    """Share of ARR that contractions took, weighted by ARR."""
    contracted = history.filter(pl.col("contracted_at").is_not_null())
    arr = contracted["arr_in_force"]
    lost = (1 - contracted["contracted_to"]) * arr
    return float(lost.sum()) / float(arr.sum()) if len(contracted) else USUAL_DEPTH


def _growth(history: pl.DataFrame, outcomes: Outcomes) -> tuple[float, float]:
    """What accounts that stayed a year and didn't contract added to their ARR in it, as a share of it.

    On average over the snapshots, and its standard deviation from one to another; as large as the average where too
    few were seen to tell.
    """
    later = pl.col("as_of") + YEAR
    stayed = history.filter(
        (later <= outcomes.observed_until)
        & (pl.col("churned_at").is_null() | (pl.col("churned_at") > later))
        & (pl.col("contracted_at").is_null() | (pl.col("contracted_at") > later))
    )
    grown = pl.when(pl.col("expanded_at") <= later).then(pl.col("expanded_to") - 1).fill_null(0.0)
    arr = pl.col("arr_in_force")
    years = stayed.group_by("as_of").agg(arr=arr.sum(), added=(grown * arr).sum()).filter(pl.col("arr") > 0)
    years = years.sort("as_of")
    if years.is_empty():
        return 0.0, 0.0
    growth = float(years["added"].sum()) / float(years["arr"].sum())
    differ = (years["added"] / years["arr"]).std() if len(years) > PERIODS_A_YEAR // 2 else None
    return growth, float(differ) if isinstance(differ, float) else abs(growth)


def _later_from(history: pl.DataFrame, observed_until: datetime) -> datetime:
    """Where the later part of the observed time begins: churns since then say how sure today's level is."""
    first = history["as_of"].min()
    return observed_until - (observed_until - first) * LATER_SHARE if isinstance(first, datetime) else observed_until
