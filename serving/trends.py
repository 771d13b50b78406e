"""Trends: health of many accounts, and signals of one, over the latest batches, for a glance."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from serving.loading import signals_of
from serving.schema import batches, score_details, scores
from serving.scores import Batch
from serving.store import ScoreStore

MOMENTS = 12
"""How many moments a trend has at most."""


def trends(store: ScoreStore, batch: Batch, account_ids: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Days before the batch's `as_of` and health then, the earliest first, by account; of the latest `MOMENTS`."""
    with store.reading() as connection:
        moments = _moments(connection, batch)
        rows = connection.execute(
            select(scores.c.account_id, scores.c.batch_id, scores.c.health).where(
                scores.c.batch_id.in_(moments), scores.c.account_id.in_(account_ids)
            )
        ).all()
    found: dict[str, list[tuple[float, float]]] = {}
    for account_id, batch_id, health in rows:
        found.setdefault(account_id, []).append((moments[batch_id], health))
    return {account_id: sorted(points) for account_id, points in found.items()}


def signal_trends(store: ScoreStore, batch: Batch, account_id: str) -> dict[str, list[tuple[float, float]]]:
    """The same of an account's signals, by signal; moments at which one was missing aren't there."""
    with store.reading() as connection:
        moments = _moments(connection, batch)
        rows = connection.execute(
            select(score_details.c.batch_id, score_details.c.signals).where(
                score_details.c.batch_id.in_(moments), score_details.c.account_id == account_id
            )
        ).all()
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for days, signals in sorted((moments[batch_id], signals) for batch_id, signals in rows):
        for name, (value, _) in signals_of(signals).items():
            if value is not None and not isinstance(value, str):
                found[name].append((days, value))
    return dict(found)


def _moments(connection: Connection, batch: Batch) -> dict[str, float]:
    """The latest `MOMENTS` up to a batch, by the id of their batch, as days before its `as_of`.

    Of several batches of one moment the last that was known counts, as everywhere.
    """
    earlier = (
        select(batches.c.batch_id, batches.c.as_of)
        .where(batches.c.as_of <= batch.as_of)
        .order_by(batches.c.as_of.desc(), batches.c.known_at.desc())
        .limit(4 * MOMENTS)
    )
    last_of: dict[datetime, str] = {}
    for batch_id, as_of in connection.execute(earlier):
        last_of.setdefault(as_of, batch_id)
    return {
        batch_id: (as_of - batch.as_of).total_seconds() / 86_400 for as_of, batch_id in list(last_of.items())[:MOMENTS]
    }
