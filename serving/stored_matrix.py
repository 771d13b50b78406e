"""The matrix a batch was scored from, out of the store: for scoring it again, by the same version or another."""

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
from sqlalchemy import select

from serving.loading import signals_of
from serving.schema import score_details, scores
from serving.scores import Batch
from serving.store import ScoreStore


def stored_accounts(store: ScoreStore, batch: Batch) -> Iterator[dict[str, Any]]:
    """Every stored score of a batch with its details, by account_id; `signals`: name to (value, points)."""
    both = (scores.c.batch_id == score_details.c.batch_id) & (scores.c.account_id == score_details.c.account_id)
    query = select(scores, score_details).join_from(scores, score_details, both)
    with store.reading() as connection:
        rows = connection.execute(query.where(scores.c.batch_id == batch.batch_id).order_by(scores.c.account_id))
        for row in rows:
            yield {**row._mapping, "signals": signals_of(row._mapping["signals"])}


def stored_matrix(stored: Sequence[dict[str, Any]], batch: Batch, signals: Sequence[str]) -> pl.DataFrame:
    """The matrix the batch was scored from, as `features.matrix.build` made it."""
    texts = {name: [row[name] for row in stored] for name in ("account_id", "name", "segment", "region", "owner")}
    numbers = {"term_days": [row["term_days"] for row in stored], "arr_in_force": [row["arr"] for row in stored]}
    for name in signals:
        numbers[name] = [row["signals"].get(name, (None, 0.0))[0] for row in stored]
    moment = pl.Datetime("us")
    return pl.DataFrame(
        [
            *(pl.Series(name, column, dtype=pl.String) for name, column in texts.items()),
            pl.Series("as_of", [batch.as_of] * len(stored), dtype=moment),
            pl.Series("renewal_at", [row["renewal_at"] for row in stored], dtype=moment),
            *(pl.Series(name, column, dtype=pl.Float64) for name, column in numbers.items()),
        ]
    )
