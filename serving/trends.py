"""Trends: the health of many accounts over the latest batches, for a glance in a list."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from serving.schema import batches, scores
from serving.scores import Batch
from serving.store import ScoreStore

MOMENTS = 12
"""How many moments a trend has at most."""


def trends(store: ScoreStore, batch: Batch, account_ids: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Days before the batch's `as_of` and health then, the earliest first, by account; of the latest `MOMENTS`.

    Of several batches of one moment the last that was known counts, as everywhere.
    """
    earlier = (
        select(batches.c.batch_id, batches.c.as_of)
        .where(batches.c.as_of <= batch.as_of)
        .order_by(batches.c.as_of.desc(), batches.c.known_at.desc())
        .limit(4 * MOMENTS)
    )
    with store.reading() as connection:
        last_of: dict[datetime, str] = {}
        for batch_id, as_of in connection.execute(earlier):
            last_of.setdefault(as_of, batch_id)
        moments = {batch_id: as_of for as_of, batch_id in list(last_of.items())[:MOMENTS]}
        rows = connection.execute(
            select(scores.c.account_id, scores.c.batch_id, scores.c.health).where(
                scores.c.batch_id.in_(moments), scores.c.account_id.in_(account_ids)
            )
        ).all()
    found: dict[str, list[tuple[float, float]]] = {}
    for account_id, batch_id, health in rows:
        days = (moments[batch_id] - batch.as_of).total_seconds() / 86_400
        found.setdefault(account_id, []).append((days, health))
    return {account_id: sorted(points) for account_id, points in found.items()}
