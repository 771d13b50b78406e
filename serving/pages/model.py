"""`/model`: the receipt of the champion: what it was worth, against what, where it was wrong, and how it came to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from features.catalogue import CATALOGUE
from features.errors import HealthscoreError
from serving.access.permission import may
from serving.errors import CannotAnswer, NoModel
from serving.model_shown import ModelShown, model_shown
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.pages.proof import Proof, proof_of, proven_version
from serving.reach import Reach
from serving.receipt_shown import GreenChurner, sight
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
        proof = None if of is None else proof_of(desk.models, of, days)
    except CannotAnswer as error:
        why = str(error)
    except HealthscoreError:  # which names the registry's address
        why = "the registry doesn't give its receipt now; the log of the server says why"
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
