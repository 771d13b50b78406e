"""Feeds of a batch: which tables were being fed when it was scored."""

from sqlalchemy import select

from serving.schema import score_details
from serving.scores import Batch, Status
from serving.store import ScoreStore


def feed_statuses(store: ScoreStore, batch: Batch) -> dict[str, Status]:
    """The status of each table, which is that of its feed and so the same in every account."""
    query = select(score_details.c.freshness).where(score_details.c.batch_id == batch.batch_id).limit(1)
    with store.reading() as connection:
        freshness = connection.scalar(query) or {}
    return {table: seen["status"] for table, seen in freshness.items()}
