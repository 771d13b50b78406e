"""Events that somebody subscribed to, written in the transaction of what they tell of (an outbox).

An event that nobody wants isn't written. `serving.delivery` brings those that are to whoever wants them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, insert, select

from serving.schema import deliveries, events, subscriptions

Kind = Literal["band_change", "notice", "stale", "disagreement"]


class Outbox:
    """Where events of one transaction go."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        live = select(subscriptions.c.subscription_id, subscriptions.c.kinds).where(subscriptions.c.ended_at.is_(None))
        self._wanted: dict[str, list[str]] = {}
        for subscription_id, kinds in connection.execute(live):
            for kind in kinds:
                self._wanted.setdefault(kind, []).append(subscription_id)

    def put(
        self,
        kind: Kind,
        at: datetime,
        payload: Mapping[str, Any],
        account_id: str | None = None,
        once: str | None = None,
    ) -> None:
        """Write an event for everyone who wants its kind; with `once`, at most one event of that value."""
        if not (wanted_by := self._wanted.get(kind)):
            return
        if once is not None and self._connection.scalar(select(events.c.event_id).where(events.c.once == once)):
            return
        row = {"kind": kind, "account_id": account_id, "happened_at": at, "payload": dict(payload), "once": once}
        event_id = self._connection.scalar(insert(events).values(row).returning(events.c.event_id))
        self._connection.execute(
            insert(deliveries),
            [{"event_id": event_id, "subscription_id": wanted, "due_at": at, "attempts": 0} for wanted in wanted_by],
        )
