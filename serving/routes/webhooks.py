"""`/v1/webhooks`: who is told of changes."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from serving.access.permission import may
from serving.examples import example
from serving.headers import JSON
from serving.parameters import no_parameters
from serving.problems import documented
from serving.store import ScoreStore
from serving.webhooks import (
    DeliveryLog,
    SubscriptionAsked,
    SubscriptionMade,
    Subscriptions,
    delivery_log,
    subscribe,
    subscribed,
    unsubscribe,
)

SubscriptionId = Annotated[
    str,
    Path(
        description="Identifies the subscription.",
        pattern="^[0-9a-f]{32}$",
        examples=["8c1e6a3f5b7d4c0e9f2a1b3c5d7e9f01"],
    ),
]


class LogQuery(BaseModel):
    """How much of the log is asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: int = Field(100, ge=1, le=1000, description="Deliveries at most, 1 to 1000.", examples=[100])


def router(store: ScoreStore, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of webhooks."""
    routes = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], dependencies=[may("webhooks:write")])
    alone = [Depends(no_parameters)]

    @routes.post(
        "",
        status_code=201,
        summary="Subscribe to events",
        dependencies=alone,
        responses={
            201: {
                "description": "The subscription, with the secret that is shown this once.",
                "content": {JSON: {"example": example(SubscriptionMade)}},
            },
            **documented(401, 403, 422, 429, 503),
        },
    )
    def make(request: Request, asked: SubscriptionAsked) -> SubscriptionMade:
        """Events are posted as JSON, at least once, signed with HMAC-SHA256 over `<Healthscore-Timestamp>.<body>`."""
        return subscribe(store, asked, author=request.state.caller.who, now=clock())

    @routes.get(
        "",
        summary="List subscriptions",
        dependencies=alone,
        responses={
            200: {"content": {JSON: {"example": example(Subscriptions)}}},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def made() -> Subscriptions:
        """Those that haven't ended; their secrets aren't shown again."""
        return subscribed(store)

    @routes.delete(
        "/{subscription_id}",
        status_code=204,
        summary="End a subscription",
        dependencies=alone,
        responses={204: {"description": "It has ended."}, **documented(401, 403, 404, 422, 429, 503)},
    )
    def end(subscription_id: SubscriptionId) -> Response:
        """Nothing more is sent, not even what is waiting."""
        unsubscribe(store, subscription_id, now=clock())
        return Response(status_code=204)

    @routes.get(
        "/{subscription_id}/deliveries",
        summary="Read the delivery log",
        responses={
            200: {"content": {JSON: {"example": example(DeliveryLog)}}},
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def log(subscription_id: SubscriptionId, query: Annotated[LogQuery, Query()]) -> DeliveryLog:
        """What was sent, what was answered, and when it is tried next; the latest first."""
        return delivery_log(store, subscription_id, query.limit)

    return routes
