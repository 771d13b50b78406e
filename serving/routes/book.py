"""`/v1/book` and what is under it: the company, or its parts, and what becomes of it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from features.book.groups import GROUPINGS
from serving.access.permission import may
from serving.engagement_health import EngagementHealth, engagement_health
from serving.erosion import Erosion, Uplifts
from serving.examples import example
from serving.headers import JSON, not_modified, validators
from serving.kept_book import Grouping, book_erosion, book_shown
from serving.parameters import no_parameters
from serving.problems import documented
from serving.read_models import BookShown
from serving.store import ScoreStore


class BookQuery(BaseModel):
    """Which parts are asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: Grouping | None = Field(
        None, description=f"Grouping: {', '.join(GROUPINGS)}; without it the whole company.", examples=["segment"]
    )


class ErosionQuery(BaseModel):
    """The renewal rate, and by how much it could be better."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    renewal_rate: float | None = Field(
        None, ge=0, le=1, description="Yearly renewal rate, a share; without it the book's own.", examples=[0.824]
    )
    uplift: Uplifts = Field(
        "5,10", description="Percentage points by which it could be better, up to ten of them.", examples=["5,10"]
    )


def router(store: ScoreStore) -> APIRouter:
    """The routes of the book."""
    routes = APIRouter(prefix="/v1", tags=["book"], dependencies=[may("book:read")])
    problems = documented(401, 403, 422, 429, 503)

    @routes.get(
        "/book",
        summary="Read the book",
        response_model=BookShown,
        responses={
            200: {"content": {JSON: {"example": example(BookShown)}}},
            304: {"description": "The client has this answer already."},
            **problems,
        },
    )
    def book(request: Request, query: Annotated[BookQuery, Query()]) -> Response:
        """Measures with targets, and what the scores say will leave, shrink and stay; whole, or by a grouping."""
        batch = store.current()
        headers = validators(request, JSON, batch)
        if known := not_modified(request, headers):
            return known
        shown = book_shown(store, batch, query.by)
        return Response(shown.model_dump_json(), headers=headers, media_type=JSON)

    @routes.get(
        "/book/erosion",
        summary="What the renewal rate does to the base",
        responses={200: {"content": {JSON: {"example": example(Erosion)}}}, **problems, **documented(409)},
    )
    def eroded(query: Annotated[ErosionQuery, Query()]) -> Erosion:
        """The share of today's accounts left in each of five years, and what a better rate would keep."""
        return book_erosion(store, store.current(), query.renewal_rate, query.uplift)

    @routes.get(
        "/book/engagement",
        summary="Engagement against health",
        response_model=EngagementHealth,
        dependencies=[Depends(no_parameters)],
        responses={
            200: {"content": {JSON: {"example": example(EngagementHealth)}}},
            304: {"description": "The client has this answer already."},
            **problems,
        },
    )
    def engagement(request: Request) -> Response:
        """How healthy the accounts are, by the days since their last touch."""
        batch = store.current()
        headers = validators(request, JSON, batch)
        if known := not_modified(request, headers):
            return known
        return Response(engagement_health(store, batch).model_dump_json(), headers=headers, media_type=JSON)

    return routes
