"""Making a model version: train, prove out of time, register.

The proof walks forward: a model is trained on what was known at an earlier moment, scores the book as of that moment,
and is compared with what then happened. The version that is registered is trained the same way on everything known.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import pandas as pd
import polars as pl

from features.matrix import build
from features.periods import PERIOD, PERIOD_DAYS, snapshots
from features.spine import spine
from features.tables import Tables
from training.errors import NotEnoughOutcomes, NotEnoughTime
from training.evaluation import Figures, churned_within, figures
from training.leads import renewal_clock
from training.model import HealthModel
from training.outcomes import outcomes
from training.tracking import CHAMPION, Registry, Version
from training.train import Recipe, history_starts, train

PROOF_DAYS = (30, 90)
"""Horizons at which a version is proven out of time."""


@dataclass(frozen=True)
class Proof:
    """Figures per horizon of a model that was trained at `as_of` on what was known then."""

    as_of: datetime
    figures: Mapping[int, Figures]


@dataclass(frozen=True)
class Made:
    """A registered version, its model, and its proof (missing where `unproven` says why)."""

    version: Version
    model: HealthModel
    proof: Proof | None
    unproven: str | None


def make_version(
    tables: Tables,
    registry: Registry,
    *,
    until: datetime,
    grace_days: int,
    seed: int,
    promote: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Made:
    """Train on what was known at `until`, prove it, and register it.

    Raises NotEnoughTime, NotEnoughOutcomes or RegistryUnavailable.
    """
    known = outcomes(tables, grace_days, until)
    as_ofs = snapshots(history_starts(known, until), until)
    matrix = build(tables, spine(tables, as_ofs), progress=progress)
    reference = registry.load(CHAMPION)[0].card.reference if registry.has(CHAMPION) else None
    recipe = Recipe(grace_days, seed, reference)
    model = train(matrix, known, recipe, progress)
    try:
        proof, unproven = prove(tables, matrix, until=until, recipe=recipe, progress=progress), None
    except (NotEnoughTime, NotEnoughOutcomes) as error:
        proof, unproven = None, str(error)
    progress("registered in MLflow")
    version = registry.register(
        model,
        parameters={"until": until, "grace_days": grace_days, **model.card.trained_on},
        metrics=_metrics(proof),
        tags={"mode": model.card.mode, "catalogue_digest": model.card.catalogue_digest}
        | ({"unproven": unproven} if unproven else {"proven_as_of": str(proof.as_of if proof else "")}),
        example=example(matrix, model),
        promote=promote,
    )
    return Made(version, model, proof, unproven)


def prove(
    tables: Tables,
    matrix: pl.DataFrame,
    *,
    until: datetime,
    recipe: Recipe,
    progress: Callable[[str], None] = lambda _: None,
) -> Proof:
    """Train as of the latest snapshot whose longest proof horizon has been observed by `until`, and compare.

    Signals are blind to the future, so the rows of `matrix` up to that snapshot are what was known then.
    """
    wait = timedelta(days=max(PROOF_DAYS) + recipe.grace_days)
    moment = until - PERIOD * -(-wait.days // PERIOD_DAYS)
    progress(f"proof: what a model of {moment:%Y-%m-%d} said against what happened")
    model = train(matrix.filter(pl.col("as_of") <= moment), outcomes(tables, recipe.grace_days, moment), recipe)
    now = matrix.filter(pl.col("as_of") == moment)
    return Proof(moment, compare(now, model, tables, until=until, grace_days=recipe.grace_days))


def compare(
    matrix: pl.DataFrame,
    model: HealthModel,
    tables: Tables,
    *,
    until: datetime,
    grace_days: int,
    horizons: tuple[int, ...] = PROOF_DAYS,
) -> dict[int, Figures]:
    """Figures per horizon of the model's risks for the rows of `matrix` whose outcome is known by `until`."""
    truth = outcomes(tables, grace_days, until)
    scores = model.score(matrix).select("account_id", "as_of", *(f"risk_{days}d" for days in horizons))
    result = {}
    for days in horizons:
        both = churned_within(matrix, truth, days).join(scores, on=["account_id", "as_of"])
        risk, churned, arr = (both[column].to_numpy() for column in (f"risk_{days}d", "churned", "arr_in_force"))
        result[days] = figures(risk, churned, arr)
    return result


def example(matrix: pl.DataFrame, model: HealthModel, rows: int = 5) -> pd.DataFrame:
    """Rows as the MLflow model takes them: signals, days_to_renewal, term_days; NaN where missing."""
    newest = matrix.filter(pl.col("as_of") == matrix["as_of"].max()).head(rows)
    renewal, term = renewal_clock(newest)
    frame = newest.select(model.card.signals).to_pandas().astype("float64")
    return frame.assign(days_to_renewal=renewal, term_days=term, segment=newest["segment"].to_list())


def _metrics(proof: Proof | None) -> dict[str, float]:
    if proof is None:
        return {}
    return {
        f"{name}_{days}d": float(value)
        for days, found in proof.figures.items()
        for name, value in asdict(found).items()
    }
