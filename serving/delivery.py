"""Delivery: events are posted to whoever wants them, signed, at least once, again after a while where that fails.

Several processes may deliver at once: each claims a delivery by moving its due time, so that a process that dies in the
middle leaves it due again a minute later.
"""

import hmac
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
from sqlalchemy import Row, insert, select, update

from serving.errors import StoreUnavailable
from serving.events import Outbox
from serving.loading import as_json
from serving.schema import attempts, batches, deliveries, events, subscriptions
from serving.store import ScoreStore

TIMEOUT_S = 10
GIVE_UP_AFTER = 15
"""Attempts, over about a day and a half."""

_CLAIM = timedelta(minutes=1)
_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=6)
_AT_ONCE = 100


@dataclass(frozen=True)
class Delivered:
    """What a round of deliveries came to."""

    delivered: int
    failed: int


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of a body sent at a moment (seconds since 1970): HMAC-SHA256 over `<timestamp>.<body>`, in hex."""
    return f"v1={hmac.digest(secret.encode(), b'%d.%s' % (timestamp, body), 'sha256').hex()}"


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures: half a minute, doubling, at most six hours."""
    return min(_FIRST_WAIT * int(2 ** (failures - 1)), _LONGEST_WAIT)


def deliver(store: ScoreStore, client: httpx2.Client, clock: Callable[[], datetime]) -> Delivered:
    """Post everything that is due, once; what fails is due again later. Raises StoreUnavailable."""
    done = {True: 0, False: 0}
    while waiting := _due(store, clock()):
        for row in waiting:
            if _claim(store, row, clock()):
                done[_post(store, client, row, clock)] += 1
    return Delivered(done[True], done[False])


def tell_if_stale(store: ScoreStore, now: datetime, after: timedelta) -> None:
    """Write the event that the current scores are older than `after`, once for each batch."""
    with store.writing() as connection:
        latest = select(batches.c.batch_id, batches.c.as_of)
        row = connection.execute(
            latest.order_by(batches.c.as_of.desc(), batches.c.known_at.desc()).limit(1)
        ).one_or_none()
        if row is not None and now - row.as_of > after:
            about = {"batch_id": row.batch_id, "as_of": f"{row.as_of.isoformat()}Z", "days": (now - row.as_of).days}
            Outbox(connection).put("stale", now, about, once=f"stale {row.batch_id}")


class Courier:
    """A thread that delivers every few seconds while a server runs: `with Courier(…):`."""

    def __init__(
        self, store: ScoreStore, stale_after: timedelta, clock: Callable[[], datetime], every_s: float = 15.0
    ) -> None:
        self._store, self._stale_after, self._clock, self._every_s = store, stale_after, clock, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)

    def __enter__(self) -> "Courier":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx2.Client(timeout=TIMEOUT_S) as client:
            while not self._stop.wait(self._every_s):
                try:
                    tell_if_stale(self._store, self._clock(), self._stale_after)
                    deliver(self._store, client, self._clock)
                except StoreUnavailable as error:
                    logging.getLogger(__name__).warning("nothing delivered: %s", error)


def _due(store: ScoreStore, now: datetime) -> list[Row[Any]]:
    query = (
        select(deliveries, events.c.kind, events.c.happened_at, events.c.payload, subscriptions.c.url,
               subscriptions.c.secret)
        .join_from(deliveries, events, deliveries.c.event_id == events.c.event_id)
        .join(subscriptions, deliveries.c.subscription_id == subscriptions.c.subscription_id)
        .where(deliveries.c.due_at <= now)
        .order_by(deliveries.c.due_at, deliveries.c.delivery_id)
        .limit(_AT_ONCE)
    )  # fmt: skip
    with store.reading() as connection:
        return list(connection.execute(query).all())


def _claim(store: ScoreStore, row: Row[Any], now: datetime) -> bool:
    still = deliveries.c.delivery_id == row.delivery_id, deliveries.c.due_at == row.due_at
    with store.writing() as connection:
        claimed = connection.execute(update(deliveries).where(*still).values(due_at=now + _CLAIM))
        return bool(claimed.rowcount)


def _post(store: ScoreStore, client: httpx2.Client, row: Row[Any], clock: Callable[[], datetime]) -> bool:
    now = clock()
    event = {"event_id": row.event_id, "kind": row.kind, "happened_at": f"{row.happened_at.isoformat()}Z"}
    body = as_json(event | {"data": row.payload}).encode()
    timestamp = int(now.replace(tzinfo=UTC).timestamp())
    headers = {
        "Content-Type": "application/json",
        "Healthscore-Delivery": str(row.delivery_id),
        "Healthscore-Timestamp": str(timestamp),
        "Healthscore-Signature": sign(row.secret, timestamp, body),
    }
    status, error = None, None
    try:
        status = client.post(row.url, content=body, headers=headers).status_code
        if not 200 <= status < 300:
            error = f"answered {status}"
    except httpx2.HTTPError as failure:
        error = f"{type(failure).__name__}: {failure}"[:500]
    failures = row.attempts + (error is not None)
    due_at = None if error is None or failures >= GIVE_UP_AFTER else now + wait_after(failures)
    with store.writing() as connection:
        connection.execute(
            insert(attempts), {"delivery_id": row.delivery_id, "tried_at": now, "status": status, "error": error}
        )
        changed = {"due_at": due_at, "attempts": row.attempts + 1, "delivered_at": None if error else now}
        connection.execute(update(deliveries).where(deliveries.c.delivery_id == row.delivery_id).values(changed))
    return error is None
