"""Timelines on their way into the store: one row per account, which the next batch's row takes the place of.

Scores are history and only add up. A timeline isn't: it is the company's own records as the latest scoring read them,
and it is kept once. Every entry says when it became known, so an earlier moment is shown without what came after it.
A batch that doesn't become the current one leaves them alone. Who has left keeps the last one, until the batch that
wrote it is removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

import polars as pl
from sqlalchemy import Connection, delete, select

from features.timeline import FACTS
from serving.loading import write
from serving.schema import scores, timelines
from serving.scores import Batch

_CHUNK = 2_000  # rows sent at a time


@dataclass(frozen=True, slots=True)
class Timeline:
    """An account's entries as `features.timeline` makes them, without what is missing; `left_out`: by lane, how many
    older ones it doesn't hold."""

    account_id: str
    entries: Sequence[Mapping[str, Any]]
    left_out: Mapping[str, int]


def account_timelines(rows: pl.DataFrame) -> Iterator[Timeline]:
    """The timelines of `features.timeline.timelines`' rows."""
    names = ("lane", "kind", "at", "known_at", *FACTS)
    for account_id, of_account in groupby(rows.iter_rows(named=True), itemgetter("account_id")):
        held = list(of_account)
        left_out = {row["lane"]: row["left_out"] for row in held if row["left_out"]}
        yield Timeline(
            account_id, [{name: row[name] for name in names if row[name] is not None} for row in held], left_out
        )


def replace_timelines(connection: Connection, batch: Batch, made: Iterator[Timeline]) -> None:
    """Put the timelines of a batch in the place of those its accounts had."""
    scored = select(scores.c.account_id).where(scores.c.batch_id == batch.batch_id)
    connection.execute(delete(timelines).where(timelines.c.account_id.in_(scored)))
    while chunk := list(islice(made, _CHUNK)):
        rows = [(batch.batch_id, each.account_id, each.entries, each.left_out) for each in chunk]
        write(connection, timelines, ("batch_id", "account_id", "entries", "left_out"), rows)
