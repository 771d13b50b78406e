"""`/v1/accounts/{account_id}/opinions`, `/actions` and `/v1/disagreements`: what people say and do."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from serving.access.permission import may
from serving.actions import ActionGiven, Actions, ActionShown, actions_of, take_action
from serving.examples import example
from serving.headers import JSON
from serving.opinions import (
    Disagreements,
    OpinionGiven,
    Opinions,
    disagreements,
    give_opinion,
    opinions_of,
)
from serving.parameters import no_parameters
from serving.problems import documented
from serving.reach import Reach
from serving.read_models import OpinionShown
from serving.routes.history import AccountId
from serving.store import ScoreStore

_PROBLEMS = documented(401, 403, 404, 422, 429, 503)


class QueueQuery(BaseModel):
    """How much of the queue is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(100, ge=1, le=1000, description="Accounts at most, 1 to 1000.", examples=[100])


def router(store: ScoreStore, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of opinions and actions."""
    routes = APIRouter(prefix="/v1", tags=["opinions and actions"])
    alone = [Depends(no_parameters)]

    @routes.post(
        "/accounts/{account_id:path}/opinions",
        status_code=201,
        summary="Give an opinion",
        dependencies=alone,
        responses={
            201: {"description": "The opinion as it is kept.", "content": {JSON: {"example": example(OpinionShown)}}},
            **_PROBLEMS,
            **documented(409),
        },
    )
    def give(
        request: Request, account_id: AccountId, opinion: OpinionGiven, reach: Annotated[Reach, may("accounts:write")]
    ) -> OpinionShown:
        """Disagree, or agree, with the score. It is shown beside the score and never mixed into it."""
        return give_opinion(store, account_id, opinion, author=request.state.caller.who, now=clock(), reach=reach)

    @routes.get(
        "/accounts/{account_id:path}/opinions",
        summary="Read the opinions of an account",
        dependencies=alone,
        responses={200: {"content": {JSON: {"example": example(Opinions)}}}, **_PROBLEMS},
    )
    def given(account_id: AccountId, reach: Annotated[Reach, may("accounts:read")]) -> Opinions:
        """All that were ever given, also those that have ended, the latest first."""
        return opinions_of(store, account_id, reach=reach)

    @routes.get(
        "/disagreements",
        summary="List disagreements",
        responses={
            200: {"content": {JSON: {"example": example(Disagreements)}}},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def queue(query: Annotated[QueueQuery, Query()], reach: Annotated[Reach, may("accounts:read")]) -> Disagreements:
        """Accounts whose latest standing opinion names another band than their score, the most ARR first."""
        return disagreements(store, store.current(), now=clock(), reach=reach, limit=query.limit)

    @routes.post(
        "/accounts/{account_id:path}/actions",
        status_code=201,
        summary="Record an action",
        dependencies=alone,
        responses={
            201: {"description": "The action as it is kept.", "content": {JSON: {"example": example(ActionShown)}}},
            **_PROBLEMS,
        },
    )
    def take(
        request: Request, account_id: AccountId, action: ActionGiven, reach: Annotated[Reach, may("accounts:write")]
    ) -> ActionShown:
        """A play was started, is done, or has an outcome. Effects can be measured once there are outcomes."""
        return take_action(store, account_id, action, author=request.state.caller.who, now=clock(), reach=reach)

    @routes.get(
        "/accounts/{account_id:path}/actions",
        summary="Read the actions with an account",
        dependencies=alone,
        responses={200: {"content": {JSON: {"example": example(Actions)}}}, **_PROBLEMS},
    )
    def taken(account_id: AccountId, reach: Annotated[Reach, may("accounts:read")]) -> Actions:
        """All that were ever recorded, the latest first."""
        return actions_of(store, account_id, reach=reach)

    return routes
