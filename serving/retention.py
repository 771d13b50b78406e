"""Retention: history older than it may be kept."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from serving.schema import attempts, batches, books, deliveries, events, score_details, scores, shadow_scores
from serving.store import ScoreStore


@dataclass(frozen=True)
class Pruned:
    """What was removed."""

    batches: int
    scores: int
    events: int


def prune(store: ScoreStore, before: datetime) -> Pruned:
    """Remove batches made before a moment, but never the current one, and events told before it.

    Opinions and actions stay: they are what people said, with the score they said it beside.
    """
    with store.writing(exclusively=True) as connection:
        latest = select(batches.c.batch_id).order_by(batches.c.as_of.desc(), batches.c.known_at.desc()).limit(1)
        current = connection.scalar(latest)
        old = select(batches.c.batch_id).where(batches.c.known_at < before, batches.c.batch_id != current)
        ids = list(connection.scalars(old))
        removed = 0
        for batch_id in ids:
            connection.execute(delete(shadow_scores).where(shadow_scores.c.batch_id == batch_id))
            connection.execute(delete(score_details).where(score_details.c.batch_id == batch_id))
            removed += connection.execute(delete(scores).where(scores.c.batch_id == batch_id)).rowcount
            connection.execute(delete(books).where(books.c.batch_id == batch_id))
            connection.execute(delete(batches).where(batches.c.batch_id == batch_id))
        waiting = select(deliveries.c.event_id).where(deliveries.c.due_at.is_not(None))
        told = select(events.c.event_id).where(events.c.happened_at < before, events.c.event_id.not_in(waiting))
        sent = select(deliveries.c.delivery_id).where(deliveries.c.event_id.in_(told))
        connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(sent)))
        connection.execute(delete(deliveries).where(deliveries.c.event_id.in_(told)))
        gone = connection.execute(
            delete(events).where(events.c.happened_at < before, events.c.event_id.not_in(waiting))
        ).rowcount
    store.compact()
    return Pruned(len(ids), removed, gone)
