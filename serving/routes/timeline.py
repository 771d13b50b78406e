"""`/v1/accounts/{account_id}/timeline`: what happened to an account, and what lies ahead."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serving.access.permission import may
from serving.account_timeline import AccountTimeline, account_timeline
from serving.examples import example
from serving.headers import JSON, not_modified, validators
from serving.parameters import Day
from serving.problems import documented
from serving.reach import Reach
from serving.routes.history import AccountId
from serving.store import ScoreStore


class TimelineQuery(BaseModel):
    """What a timeline is asked with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: Day | None = Field(
        None,
        description="As it was known when the scores of this day were made: nothing that became known later.",
        examples=["2026-11-02"],
    )


def router(store: ScoreStore) -> APIRouter:
    """The route of timelines."""
    routes = APIRouter(prefix="/v1", tags=["accounts"])

    @routes.get(
        "/accounts/{account_id:path}/timeline",
        summary="Read an account's timeline",
        response_model=AccountTimeline,
        responses={
            200: {"content": {JSON: {"example": example(AccountTimeline)}}},
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def timeline(
        request: Request,
        account_id: AccountId,
        query: Annotated[TimelineQuery, Query()],
        reach: Annotated[Reach, may("accounts:read")],
    ) -> Response:
        """Touches, tickets, plan, incidents, surveys and contract of the past year, and the dates known to lie ahead.

        Of people it holds their role only.
        """
        content = account_timeline(store, account_id, reach=reach, as_of=query.as_of).model_dump_json()
        headers = validators(request, JSON, also=content)
        return not_modified(request, headers) or Response(content, headers=headers, media_type=JSON)

    return routes
