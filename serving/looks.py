"""Looks at the model in use, kept in the store: the API's metrics and the next look read the last one."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import insert, select

from serving.schema import looks
from serving.store import ScoreStore

Look = Mapping[str, Any]
"""A `training.monitoring.result.Monitoring` as plain JSON values."""


def keep_look(store: ScoreStore, look: Look, *, as_of: datetime, made_at: datetime) -> None:
    """Add a look. Raises StoreUnavailable."""
    row = {
        "look_id": uuid4().hex,
        "as_of": as_of,
        "made_at": made_at,
        "model_name": look["model"],
        "model_version": look["version"],
        "result": dict(look),
    }
    with store.writing() as connection:
        connection.execute(insert(looks), row)


def last_look(store: ScoreStore, before: datetime | None = None) -> Look | None:
    """The look at the latest moment, the one made last; with `before`, at an earlier moment than that."""
    query = select(looks.c.result).order_by(looks.c.as_of.desc(), looks.c.made_at.desc()).limit(1)
    if before is not None:
        query = query.where(looks.c.as_of < before)
    with store.reading() as connection:
        found: Look | None = connection.scalar(query)
    return found
