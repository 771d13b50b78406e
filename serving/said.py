"""What was said in the past, as frames: published scores and people's opinions, to be held against outcomes."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from sqlalchemy import select

from serving.schema import batches, opinions, scores
from serving.store import ScoreStore

_BACK = timedelta(days=3 * 364)
"""Scores older than this have nothing more to say: their longest horizon ended long before the newest half year."""
_SCORES: dict[str, Any] = {
    "account_id": pl.String,
    "as_of": pl.Datetime("us"),
    "known_at": pl.Datetime("us"),
    "model_version": pl.String,
    "segment": pl.String,
    "arr": pl.Float64,
    "health": pl.Float64,
    "band": pl.String,
    "settled_band": pl.String,
    "risk_30d": pl.Float64,
    "risk_90d": pl.Float64,
    "risk_180d": pl.Float64,
    "risk_365d": pl.Float64,
}
_OPINIONS: dict[str, Any] = {
    "account_id": pl.String,
    "author": pl.String,
    "stated_at": pl.Datetime("us"),
    "rating": pl.String,
    "band": pl.String,
}


def published(store: ScoreStore, as_of: datetime) -> pl.DataFrame:
    """One row per account and batch of the moments up to `as_of`, three years back."""
    columns = [scores.c[name] if name in scores.c else batches.c[name] for name in _SCORES]
    query = select(*columns).join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    with store.reading() as connection:
        rows = connection.execute(query.where(batches.c.as_of.between(as_of - _BACK, as_of))).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=_SCORES, orient="row")


def opinions_given(store: ScoreStore) -> pl.DataFrame:
    """One row per opinion, with the band the score had beside it."""
    with store.reading() as connection:
        rows = connection.execute(select(*(opinions.c[name] for name in _OPINIONS))).all()
    return pl.DataFrame([tuple(row) for row in rows], schema=_OPINIONS, orient="row")
