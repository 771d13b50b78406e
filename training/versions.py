"""Making a model version: train, prove by walking forward, register.

The version that is registered is trained on everything known; the proof is of models trained the same way at moments
of the past (`training.backtest`).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import polars as pl

from features.fingerprint import fingerprint
from features.matrix import build
from features.periods import snapshots
from features.spine import spine
from features.tables import Tables
from training.backtest import Backtest
from training.errors import NotEnoughTime
from training.floors import Floor, floors, to_json
from training.leakage import Finding, examine, examine_model
from training.level import level_floor, level_foretold
from training.model import HealthModel
from training.model.card import UNPROVEN_SPREAD
from training.monitoring.baseline import baseline
from training.outcomes import Outcomes, outcomes
from training.promotion import Verdict, floors_of, settle
from training.proof import prove
from training.recalibration import recalibrated
from training.receipt import Receipt
from training.record import metrics, texts
from training.search import Trial, search
from training.tracking import BASELINE, CHAMPION, Registry, Version
from training.train import Recipe, history_starts, train

LEAST_SPREAD = 2.0
"""Points: no two trainings agree better than this on what an account's odds are."""


Promotion = Literal["never", "first", "by floors", "anyway"]
"""When a new version becomes champion: never, by its floors where there is no champion yet, by its floors, in any case.
"""


@dataclass(frozen=True)
class Made:
    """A registered version, its model, its receipt (missing where `unproven` says why), and what alarms there are.

    `verdict` says whether it was promoted, and why; None where nothing was decided.
    """

    version: Version
    model: HealthModel
    receipt: Receipt | None
    unproven: str | None
    alarms: tuple[Finding, ...]
    floors: tuple[Floor, ...]
    verdict: Verdict | None


def make_version(
    tables: Tables,
    registry: Registry,
    *,
    until: datetime,
    recipe: Recipe,
    trials: int = 0,
    promote: Promotion = "first",
    by: str = "healthscore train",
    progress: Callable[[str], None] = lambda _: None,
) -> Made:
    """Train on what was known at `until`, prove it, and register it.

    The champion, where there is one, is proven beside it and hands on what health 50 stands for. With `trials`,
    LightGBM's parameters are searched first. It is registered as challenger with its floors, then `promote` decides; a
    process that dies in between leaves a challenger nobody has decided on. Raises RegistryUnavailable where the
    registry doesn't answer, HistoryError where there is nothing to learn from.
    """
    known, matrix = history(tables, until, recipe.grace_days, progress)
    champion = registry.load(CHAMPION)[0] if registry.has(CHAMPION) else None
    if champion is not None and recipe.reference is None:
        recipe = replace(recipe, reference=champion.card.reference)
    tried: list[Trial] = []
    if trials:
        progress(f"search among {trials} sets of parameters")
        recipe = replace(recipe, chosen=search(matrix, known, recipe, trials, tried.append))
    model = train(matrix, known, recipe, progress)
    alarms = examine(matrix, known)
    receipt, unproven = None, None
    try:
        receipt, backtest = prove(
            matrix, tables, known, until=until, recipe=recipe, champion=champion, progress=progress
        )
    except NotEnoughTime as error:
        unproven = str(error)
    else:
        model = replace(model, card=replace(model.card, spread=_spread(model, matrix, backtest)))
        said = matrix.join(backtest.rows.select("account_id", "as_of", "risk_90d"), on=["account_id", "as_of"])
        alarms += examine_model(said["risk_90d"].to_numpy(), said, known)
    progress("registered in MLflow")
    newest = matrix.filter(pl.col("as_of") == matrix["as_of"].max())
    found = floors(receipt, alarms)
    version = registry.register(
        model,
        parameters={"until": until, "grace_days": recipe.grace_days, **model.card.trained_on},
        metrics=metrics(model, receipt),
        texts=texts(model, receipt, registry.name) | {BASELINE: baseline(tables, matrix, model).to_json()},
        tags={
            "data_digest": fingerprint(tables),
            "until": until.isoformat(),
            "made_by": by,
            "floors": to_json(found),
        }
        | ({"unproven": unproven} if unproven else {})
        | ({"alarms": "\n".join(map(str, alarms))} if alarms else {}),
        trials=[(trial.chosen, {"log_loss": trial.log_loss, "pruned": float(trial.pruned)}) for trial in tried],
        newest=newest,
        promote=False,
    )
    version, verdict = _settled(registry, version, promote, by)
    return Made(version, model, receipt, unproven, tuple(alarms), found, verdict)


def recalibrate_version(
    tables: Tables,
    registry: Registry,
    wanted: str = CHAMPION,
    *,
    until: datetime,
    since: datetime | None = None,
    promote: Promotion = "never",
    by: str = "healthscore recalibrate",
    progress: Callable[[str], None] = lambda _: None,
) -> Made:
    """Register a version that is `wanted` at the level of its newest outcomes known at `until`, boosters untouched.

    What was proven of its order of accounts holds on; its level is proven anew (`training.level`). Raises
    NotEnoughOutcomes where too few have matured since `since`, half a year ago or when the level changed by default.
    """
    model, source = registry.load(wanted)
    known, matrix = history(tables, until, model.card.grace_days, progress)
    level = level_floor(level_foretold(model, matrix, tables, known))
    proof = floors_of(registry.find(source.number)) or _floors_before_there_were_any(registry, source.number)
    found = tuple(level if floor.name == level.name else floor for floor in proof)
    model = recalibrated(model, matrix, known, since)
    version = registry.register(
        model,
        parameters={"until": until, **model.card.trained_on},
        metrics=metrics(model, None),
        texts=texts(model, None, registry.name) | {BASELINE: baseline(tables, matrix, model).to_json()},
        tags={
            "data_digest": fingerprint(tables),
            "until": until.isoformat(),
            "made_by": by,
            "recalibrated_from": source.number,
            "floors": to_json(found),
        },
        newest=matrix.filter(pl.col("as_of") == matrix["as_of"].max()),
        promote=False,
    )
    version, verdict = _settled(registry, version, promote, by)
    return Made(version, model, None, None, (), found, verdict)


def _floors_before_there_were_any(registry: Registry, number: str) -> tuple[Floor, ...]:
    found = registry.receipt(number)
    return floors(None if found is None else Receipt.from_json(found))


def _settled(registry: Registry, version: Version, promote: Promotion, by: str) -> tuple[Version, Verdict | None]:
    """The version with the alias it has once `promote` has decided."""
    if promote == "never" or (promote == "first" and registry.has(CHAMPION)):
        return version, None
    wanted = Verdict(True, "in any case, as it was asked for") if promote == "anyway" else None
    verdict = settle(registry, version.number, at=registry.find(version.number).registered_at, by=by, verdict=wanted)
    return replace(version, alias=CHAMPION if verdict.promote else version.alias), verdict


def history(
    tables: Tables, until: datetime, grace_days: int, progress: Callable[[str], None] = lambda _: None
) -> tuple[Outcomes, pl.DataFrame]:
    """Outcomes and the matrix of all snapshots, as known at `until`."""
    known = outcomes(tables, grace_days, until)
    as_ofs = snapshots(history_starts(known, until), until)
    return known, build(tables, spine(tables, as_ofs), progress=progress)


def _spread(model: HealthModel, matrix: pl.DataFrame, backtest: Backtest) -> float:
    """How far, in points, the proof's latest model puts accounts from where this one does; one standard deviation.

    Of a model that is the scorecard's alone, agreeing with itself proves nothing.
    """
    if model.churn.booster is None:
        return UNPROVEN_SPREAD
    both = model.score(matrix.filter(pl.col("as_of") == matrix["as_of"].max())).join(
        backtest.rows.select("account_id", "as_of", before="health"), on=["account_id", "as_of"]
    )
    differ = (both["health"] - both["before"]).std()
    return max(LEAST_SPREAD, float(differ)) if isinstance(differ, float) else UNPROVEN_SPREAD
