"""Freshness: when each table last brought something, for the company and for each account."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import narwhals as nw
import polars as pl

from features.engines import AnyTables, local, opened
from features.periods import Lazy, known_on
from features.tables import TABLES, Tables

Status = Literal["fresh", "stale", "missing"]

USUAL_SILENCE_DAYS = 28
"""Silence after which a table without its own limit is called stale; nothing but the word hangs on it."""

FEEDS = tuple(
    name for name, table in TABLES.items() if table.time is not None and name not in ("contracts", "usage_events")
)
_LATEST: dict[str, Any] = {"account_id": pl.String, "latest_at": pl.Datetime("us")}


@dataclass(frozen=True)
class Feed:
    """One table as known at a moment: its latest row for anyone, and for each account that has any."""

    table: str
    status: Status
    latest_at: datetime | None
    by_account: Mapping[str, datetime]


def feeds(tables: Tables, as_of: datetime) -> tuple[Feed, ...]:
    """Every canonical table with an event time, as known at `as_of`; a table the company lacks is missing."""
    found = []
    for name in FEEDS:
        rows = local(latest(tables, name, as_of)) if name in tables else pl.DataFrame(schema=_LATEST)
        newest = rows["latest_at"].max()
        assert newest is None or isinstance(newest, datetime)
        by_account = dict(zip(rows["account_id"], rows["latest_at"], strict=True))
        found.append(Feed(name, status(tables, name, newest, as_of), newest, by_account))
    return tuple(found)


def latest(tables: AnyTables, name: str, as_of: datetime) -> Lazy:
    """`account_id` and `latest_at` of each account that has a row in a feed, as known at `as_of`, on any engine."""
    table = TABLES[name]
    assert table.time is not None
    whole_day = table.column(table.time).type == "date"
    dated = opened(tables, name).with_columns(known_on=known_on(table.time, whole_day=whole_day))
    known = dated.filter((nw.col("known_on") < as_of.date()) & ~nw.col("account_id").is_null())
    return known.group_by("account_id").agg(nw.col(table.time).max().cast(nw.Datetime("us")).alias("latest_at"))


def status(tables: AnyTables, name: str, newest: datetime | None, as_of: datetime) -> Status:
    """Whether a feed whose newest row is of that moment is still being fed."""
    if name not in tables:
        return "missing"
    limit = TABLES[name].silent_after or USUAL_SILENCE_DAYS
    return "stale" if newest is None or (as_of - newest).days > limit else "fresh"
