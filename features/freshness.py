"""Freshness: when each table last brought something, for the company and for each account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import narwhals as nw
import polars as pl

from features.periods import known_on
from features.tables import TABLES, Tables

USUAL_SILENCE_DAYS = 28
"""Silence after which a table without its own limit is called stale; nothing but the word hangs on it."""


@dataclass(frozen=True)
class Feed:
    """One table as known at a moment: its latest row for anyone, and for each account that has any."""

    table: str
    status: Literal["fresh", "stale", "missing"]
    latest_at: datetime | None
    by_account: Mapping[str, datetime]


def feeds(tables: Tables, as_of: datetime) -> tuple[Feed, ...]:
    """Every canonical table with an event time, as known at `as_of`; a table the company lacks is missing."""
    found = []
    for name, table in TABLES.items():
        if table.time is None or name in ("contracts", "usage_events"):
            continue
        if name not in tables:
            found.append(Feed(name, "missing", None, {}))
            continue
        dated = nw.from_native(tables[name]).with_columns(
            known_on=known_on(table.time, whole_day=table.column(table.time).type == "date")
        )
        rows: pl.LazyFrame = (
            dated.filter((nw.col("known_on") < as_of.date()) & ~nw.col("account_id").is_null())
            .group_by("account_id")
            .agg(nw.col(table.time).max().cast(nw.Datetime("us")).alias("latest_at"))
            .to_native()
        )
        latest = rows.collect()
        newest = latest["latest_at"].max()
        assert newest is None or isinstance(newest, datetime)
        limit = table.silent_after or USUAL_SILENCE_DAYS
        silent = newest is None or (as_of - newest).days > limit
        by_account = dict(zip(latest["account_id"], latest["latest_at"], strict=True))
        found.append(Feed(name, "stale" if silent else "fresh", newest, by_account))
    return tuple(found)
