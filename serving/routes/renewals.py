"""`/v1/renewals` and `/v1/effects`: whom to call first, and what working on them achieves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serving.access.permission import may
from serving.effects import Effects, latest_effects
from serving.examples import example
from serving.headers import JSON, not_modified, validators
from serving.listing import Days
from serving.parameters import no_parameters
from serving.plays import Plays
from serving.problems import documented
from serving.reach import Reach
from serving.renewals import Worklist, worklist
from serving.store import ScoreStore


class RenewalsQuery(BaseModel):
    """What the worklist is asked with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    within: Days = Field("90d", description="Renewals at most so many days after as_of.", examples=["90d"])
    capacity: int = Field(
        25, ge=1, le=500, description="Accounts that can be worked on in a week: how long the list is.", examples=[25]
    )


def router(store: ScoreStore, plays: Plays) -> APIRouter:
    """The routes of the worklist and of effects."""
    routes = APIRouter(prefix="/v1", tags=["renewals"])

    @routes.get(
        "/renewals",
        summary="List the renewals to work on",
        response_model=Worklist,
        responses={
            200: {"content": {JSON: {"example": example(Worklist)}}},
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def renewals(
        request: Request, query: Annotated[RenewalsQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        """The largest expected loss of ARR first, with reasons and a play, and what share of all of it that covers."""
        batch = store.current()
        within = int(query.within.removesuffix("d"))
        listed = worklist(store, batch, within_days=within, capacity=query.capacity, reach=reach, plays=plays)
        content = listed.model_dump_json()
        headers = validators(request, JSON, batch, also=content)  # which changes with what is drawn and measured
        return not_modified(request, headers) or Response(content, headers=headers, media_type=JSON)

    @routes.get(
        "/effects",
        summary="Read what plays achieve",
        dependencies=[Depends(no_parameters), may("book:read")],
        responses={
            200: {"content": {JSON: {"example": example(Effects)}}},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def effects() -> Effects:
        """As measured last (`healthscore effects`), from accounts held out by chance; unknown until they can tell."""
        return latest_effects(store)

    return routes
