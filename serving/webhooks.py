"""Webhooks: who is told of which events, and what became of telling them."""

import secrets
from datetime import datetime
from uuid import uuid4

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field
from sqlalchemy import insert, select, update

from serving.errors import UnknownSubscription
from serving.events import Kind
from serving.read_models import Shown, Utc
from serving.schema import attempts, deliveries, events, subscriptions
from serving.store import ScoreStore


class SubscriptionAsked(BaseModel):
    """Where to tell of what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: AnyHttpUrl = Field(
        description="Where events are posted to.", examples=["https://crm.example.com/hooks/healthscore"]
    )
    kinds: list[Kind] = Field(
        min_length=1, max_length=10, description="Which events.", examples=[["band_change", "notice"]]
    )


class SubscriptionShown(Shown):
    """Where is told of what."""

    subscription_id: str = Field(description="Identifies it.", examples=["8c1e6a3f5b7d4c0e9f2a1b3c5d7e9f01"])
    url: str = Field(description="Where events are posted to.", examples=["https://crm.example.com/hooks/healthscore"])
    kinds: list[Kind] = Field(description="Which events.", examples=[["band_change", "notice"]])
    author: str = Field(description="Who asked for it.", examples=["key:k7f3"])
    created_at: Utc = Field(description="Since when, UTC.", examples=["2026-11-03T09:30:00Z"])


class SubscriptionMade(SubscriptionShown):
    """A new subscription, with the secret that signs what is sent; it is shown this once."""

    secret: str = Field(description="Key of the HMAC; keep it.", examples=["hsw_6b1f…"])


class Subscriptions(Shown):
    """Everyone who is told of something."""

    subscriptions: list[SubscriptionShown]


class Attempt(Shown):
    """One attempt to deliver."""

    tried_at: Utc = Field(description="When, UTC.", examples=["2026-11-03T09:30:05Z"])
    status: int | None = Field(description="HTTP status of the answer; null where none came.", examples=[503])
    error: str | None = Field(description="What went wrong.", examples=["answered 503"])


class DeliveryShown(Shown):
    """An event on its way."""

    delivery_id: int = Field(description="Identifies the delivery.", examples=[17])
    kind: Kind = Field(description="Kind of the event.", examples=["band_change"])
    account_id: str | None = Field(description="The account, where it is about one.", examples=["A-1042"])
    happened_at: Utc = Field(description="When it happened, UTC.", examples=["2026-11-03T04:12:09Z"])
    due_at: Utc | None = Field(
        description="When it is tried next, UTC; null: delivered or given up.", examples=["2026-11-03T09:31:05Z"]
    )
    delivered_at: Utc | None = Field(description="When it was taken, UTC; null: not yet.", examples=[None])
    attempts: list[Attempt] = Field(
        description="What was tried.",
        examples=[[{"tried_at": "2026-11-03T09:30:05Z", "status": 503, "error": "answered 503"}]],
    )


class DeliveryLog(Shown):
    """The latest deliveries of a subscription, the latest first."""

    deliveries: list[DeliveryShown]


def subscribe(store: ScoreStore, asked: SubscriptionAsked, *, author: str, now: datetime) -> SubscriptionMade:
    """Tell somebody of events from now on."""
    row = {
        "subscription_id": uuid4().hex,
        "url": str(asked.url),
        "kinds": sorted(set(asked.kinds)),
        "secret": f"hsw_{secrets.token_urlsafe(32)}",
        "author": author,
        "created_at": now,
    }
    with store.writing() as connection:
        connection.execute(insert(subscriptions), row)
    return SubscriptionMade.model_validate(row)


def subscribed(store: ScoreStore) -> Subscriptions:
    """The subscriptions that haven't ended, the first first."""
    live = select(subscriptions).where(subscriptions.c.ended_at.is_(None))
    with store.reading() as connection:
        rows = connection.execute(live.order_by(subscriptions.c.created_at, subscriptions.c.subscription_id)).all()
    return Subscriptions(subscriptions=[SubscriptionShown.model_validate(row) for row in rows])


def unsubscribe(store: ScoreStore, subscription_id: str, *, now: datetime) -> None:
    """Tell them of nothing more, not even of what is waiting. Raises UnknownSubscription."""
    with store.writing() as connection:
        live = subscriptions.c.subscription_id == subscription_id, subscriptions.c.ended_at.is_(None)
        ended = connection.execute(update(subscriptions).where(*live).values(ended_at=now, secret=""))
        if not ended.rowcount:
            raise _unknown(subscription_id)
        waiting = deliveries.c.subscription_id == subscription_id
        connection.execute(update(deliveries).where(waiting).values(due_at=None))


def delivery_log(store: ScoreStore, subscription_id: str, limit: int) -> DeliveryLog:
    """What was sent to a subscription and what became of it. Raises UnknownSubscription."""
    with store.reading() as connection:
        exists = select(subscriptions.c.subscription_id).where(subscriptions.c.subscription_id == subscription_id)
        if connection.scalar(exists) is None:
            raise _unknown(subscription_id)
        sent = connection.execute(
            select(deliveries.c.delivery_id, deliveries.c.due_at, deliveries.c.delivered_at, events.c.kind,
                   events.c.account_id, events.c.happened_at)
            .join_from(deliveries, events, deliveries.c.event_id == events.c.event_id)
            .where(deliveries.c.subscription_id == subscription_id)
            .order_by(deliveries.c.delivery_id.desc())
            .limit(limit)
        ).all()  # fmt: skip
        ids = [row.delivery_id for row in sent]
        tried = connection.execute(
            select(attempts).where(attempts.c.delivery_id.in_(ids)).order_by(attempts.c.attempt_id)
        ).all()
    return DeliveryLog(
        deliveries=[
            DeliveryShown.model_validate(
                {**row._mapping, "attempts": [each for each in tried if each.delivery_id == row.delivery_id]}
            )
            for row in sent
        ]
    )


def _unknown(subscription_id: str) -> UnknownSubscription:
    return UnknownSubscription(f"there is no subscription {subscription_id!r}")
