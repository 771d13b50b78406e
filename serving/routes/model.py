"""`/v1/model`, its receipt and its versions: which model answers, the proof it comes with, and those before it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic_core import to_json

from serving.access.permission import may
from serving.errors import Unproven
from serving.examples import example
from serving.headers import JSON, SECURITY, preferred
from serving.loaded_models import Loaded, LoadedModels
from serving.model_shown import ModelShown, model_shown
from serving.parameters import no_parameters
from serving.problems import documented
from serving.reach import EVERYTHING, Reach
from serving.receipt_shown import within_reach
from serving.store import ScoreStore
from serving.versions_shown import VersionsShown, versions_shown

HTML = "text/html"
_STYLED = SECURITY["Content-Security-Policy"].replace("style-src 'self'", "style-src 'unsafe-inline'")


def router(store: ScoreStore, models: LoadedModels) -> APIRouter:
    """The routes of the model."""
    routes = APIRouter(prefix="/v1", tags=["model"], dependencies=[may("model:read"), Depends(no_parameters)])

    @routes.get(
        "/model",
        summary="Read the model",
        responses={200: {"content": {JSON: {"example": example(ModelShown)}}}, **documented(401, 403, 422, 429, 503)},
    )
    async def model() -> ModelShown:
        """The champion: what it rests on, what it was trained on, and how sure it is."""
        return model_shown(models.champion())

    @routes.get(
        "/model/versions",
        summary="List the model's versions",
        responses={
            200: {"content": {JSON: {"example": example(VersionsShown)}}},
            **documented(401, 403, 422, 429, 503),
        },
    )
    async def versions() -> VersionsShown:
        """Those registered last, the newest first: what each was trained on, its aliases, and who decided what."""
        return versions_shown(models)

    @routes.get(
        "/model/receipt",
        summary="Read the model's receipt",
        response_model=dict[str, Any],
        responses={
            200: {
                "description": "Figures of models trained the same way at moments of the past, against what happened; "
                "as a page with `Accept: text/html`, but for a csm: the page names accounts of every owner, JSON only "
                "the csm's own.",
                "content": {
                    JSON: {"example": {"until": "2026-10-01T00:00:00", "verdict": ["It tells churners apart."]}},
                    HTML: {"schema": {"type": "string"}, "example": "<!doctype html>…"},
                },
            },
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def receipt(request: Request, reach: Annotated[Reach, may("model:read")]) -> Response:
        """The champion's; 404 where it is unproven."""
        loaded = models.champion()
        wanted = preferred(request, (JSON, HTML)) if reach == EVERYTHING else JSON
        if wanted == HTML and (page := models.page()) is not None:
            return Response(page, media_type=HTML, headers={"Content-Security-Policy": _STYLED, "Vary": "Accept"})
        if (found := models.receipt()) is None:
            raise Unproven(f"{loaded.name} has no receipt: {_why(loaded)}")
        return Response(to_json(within_reach(found, store, reach)), media_type=JSON, headers={"Vary": "Accept"})

    return routes


def _why(loaded: Loaded) -> str:
    tags = loaded.facts.tags
    if source := tags.get("recalibrated_from"):
        return f"it is version {source} at the level of newer outcomes, see that one's"
    return tags.get("unproven", "it was registered without one")
