"""`/model`: the receipt of the champion: what it was worth, against what, where it was wrong, and how it came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from features.catalogue import CATALOGUE
from features.errors import HealthscoreError
from serving.access.permission import may
from serving.errors import CannotAnswer, NoModel
from serving.loaded_models import LoadedModels
from serving.model_shown import ModelShown, model_shown
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.pages.proof_charts import Bar, Forest, Plot, bars, forest, lead_time, lift, reliability
from serving.reach import Reach
from serving.receipt_shown import MODEL, BandRate, Entry, GreenChurner, ReceiptShown, Tenth, sight
from serving.templating import day, number
from serving.versions_shown import VersionsShown, versions_shown
from training.model import HORIZONS

NAMED = 5
"""Missed accounts that are shown at once; the others are a click away."""
HEAVIEST = 10
FACTS = (
    ("accounts", "Accounts"),
    ("churns", "Churns among them"),
    ("contractions", "Contractions"),
    ("snapshots", "Moments looked at"),
    ("first_as_of", "From"),
    ("last_as_of", "To"),
    ("observed_until", "Outcomes certain until"),
)
"""What is told of what a model was trained on."""


class ModelQuery(BaseModel):
    """The horizon of the figures, days."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Literal["30", "90", "180", "365"] = "90"


@dataclass(frozen=True)
class BandRow:
    """A band with the share of its snapshots that left."""

    rate: BandRate
    bar: Bar


@dataclass(frozen=True)
class Proof:
    """A receipt at one horizon, as it is drawn. `of` is the version it is the receipt of."""

    of: str
    receipt: ReceiptShown
    entry: Entry | None
    in_accounts: Plot | None
    in_arr: Plot | None
    tenths: list[Tenth]
    lift: Plot | None
    lead_time: Plot | None
    bands: list[BandRow]
    forest: Forest
    segments: list[Entry]


@dataclass(frozen=True)
class ModelPage(Page):
    """The champion.

    `proof` is None where it is unproven, and `why` says why. `missed` are those who left while green and whom the
    reader may see, `own` says that this is only a part of them.
    """

    template: ClassVar[str] = "model.html"
    section: ClassVar[Section] = "model"

    model: ModelShown
    proof: Proof | None
    why: str
    missed: list[GreenChurner]
    own: bool
    days: int
    facts: list[tuple[str, str]]
    heaviest: list[tuple[str, float]]
    versions: VersionsShown
    mlflow_url: str | None
    horizons: Sequence[int] = HORIZONS
    named: int = NAMED


@dataclass(frozen=True)
class NoModelYet(Page):
    """There is no champion: what to do."""

    template: ClassVar[str] = "model_empty.html"
    section: ClassVar[Section] = "model"

    why: str


def router(desk: Desk) -> APIRouter:
    """The route of the model."""
    routes = page_routes()

    @routes.get("/model")
    def model(
        request: Request, query: Annotated[ModelQuery, Query()], reach: Annotated[Reach, may("model:read")]
    ) -> Response:
        try:
            return shown(request, _page(desk, int(query.days), reach))
        except NoModel as error:
            return shown(request, NoModelYet(str(error)))

    return routes


def _page(desk: Desk, days: int, reach: Reach) -> ModelPage:
    model, versions = model_shown(desk.models.champion()), versions_shown(desk.models)
    proof, why = None, model.unproven or "it was registered without a receipt"
    try:
        of = proven_version(desk.models, model, versions)
        proof = None if of is None else _proof(desk.models, of, days)
    except HealthscoreError as error:
        why = str(error)
    seen = sight(desk.store, reach)
    named = proof.receipt.missed.named if proof else ()
    return ModelPage(
        model=model,
        proof=proof,
        why=why,
        missed=[each for each in named if seen(each.account_id, each.owner)],
        own=reach.owner is not None,
        days=days,
        facts=learned_from(model.trained_on),
        heaviest=heaviest(model.weights),
        versions=versions,
        mlflow_url=desk.mlflow_url,
    )


def learned_from(trained_on: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a model was trained on, in words; what its card doesn't say is left out."""
    return [(label, _written(trained_on[name])) for name, label in FACTS if name in trained_on]


def heaviest(weights: Mapping[str, float], most: int = HEAVIEST) -> list[tuple[str, float]]:
    """The meaning of the signals that weigh most, and their weights."""
    ordered = sorted(weights.items(), key=lambda item: -item[1])[:most]
    return [(CATALOGUE[name].meaning if name in CATALOGUE else name, weight) for name, weight in ordered]


def _written(value: Any) -> str:
    if isinstance(value, int | float):
        return number(value)
    try:
        return day(datetime.fromisoformat(str(value)))
    except ValueError:
        return str(value)


def proven_version(models: LoadedModels, model: ModelShown, versions: VersionsShown) -> str | None:
    """The version whose receipt speaks for the champion: its own, or that of the version it was recalibrated from."""
    sources = {version.version: version.recalibrated_from for version in versions.versions}
    number, source = model.version, model.recalibrated_from
    seen: set[str] = set()
    while models.receipt(number) is None:
        seen.add(number)
        if source is None or source in seen:
            return None
        number, source = source, sources.get(source)
    return number


@lru_cache(maxsize=64)
def _proof(models: LoadedModels, number: str, days: int) -> Proof:
    """As it is drawn, kept: a version's receipt never changes."""
    receipt = _receipt(models, number)
    entries = [entry for entry in receipt.entries if entry.days == days]
    tenths = [tenth for tenth in receipt.calibration if tenth.days == days]
    rates = [rate for rate in receipt.bands if rate.rows]
    return Proof(
        of=number,
        receipt=receipt,
        entry=receipt.entry(days),
        in_accounts=reliability(tenths, arr=False),
        in_arr=reliability(tenths, arr=True),
        tenths=tenths,
        lift=lift([point for point in receipt.caught if point.days == days]),
        lead_time=lead_time(receipt.warned, receipt.green),
        bands=[BandRow(rate, bar) for rate, bar in zip(rates, bars([r.churn_rate for r in rates]), strict=True)],
        forest=forest(
            [entry for entry in entries if entry.segment is None], [c for c in receipt.comparisons if c.days == days]
        ),
        segments=[entry for entry in entries if entry.segment is not None and entry.predictor == MODEL],
    )


@lru_cache(maxsize=16)
def _receipt(models: LoadedModels, version: str) -> ReceiptShown:
    try:
        return ReceiptShown.model_validate(models.receipt(version))
    except ValidationError as error:
        raise CannotAnswer(
            f"the receipt of version {version} was written by a healthscore that this one can't read"
        ) from error
