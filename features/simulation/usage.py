"""Daily product usage, written in chunks of accounts so that memory stays bounded."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from features.periods import PERIOD_DAYS
from features.simulation.book import Book
from features.simulation.clock import Array, Clock, seconds
from features.simulation.hazard import expit
from features.simulation.health import Health
from features.simulation.population import Population

CHUNK = 500
WEEK = np.array([1.0, 1.05, 1.05, 1.0, 0.85, 0.14, 0.09])  # Monday first
PRODUCTS = (("atlas", 1.0, 0.0), ("beacon", 0.4, -0.5))  # name, share of the seats, log-odds of use


def frames(
    rng: np.random.Generator, clock: Clock, people: Population, state: Health, book: Book
) -> Iterator[pl.DataFrame]:
    """`usage_daily`, one frame per chunk of instrumented accounts; days without use have no row.

    Log-odds that a seat is used on a weekday: −0.3 + 0.9 x + the account's habit, ramping up over the first 60 days.
    """
    days = clock.bounds[0] + np.arange(clock.periods * PERIOD_DAYS).astype("timedelta64[D]")
    period = np.repeat(np.arange(1, clock.periods + 1), PERIOD_DAYS)
    within = np.tile(np.arange(1, PERIOD_DAYS + 1) / PERIOD_DAYS, clock.periods)
    weekday = WEEK[(days.astype(int) + 3) % 7]
    sends = np.flatnonzero(people.instrumented)
    for begin in range(0, len(sends), CHUNK):
        some = sends[begin : begin + CHUNK]
        lives = (days >= book.lives_from[np.ix_(some, period)]) & (days < book.lives_to[np.ix_(some, period)])
        row, day = np.nonzero(lives)
        account, p = some[row], period[day]
        x = state.x[account, p - 1] + within[day] * (state.x[account, p] - state.x[account, p - 1])
        ramp = np.clip((days[day] - people.starts[account]).astype(int) / 60, 0.15, 1)
        tardy = rng.random((len(some), clock.periods + 1)) < 0.03
        pieces = []
        for product, share, shift in PRODUCTS:
            use = np.ones(len(account), dtype=bool) if share == 1.0 else people.addon[account]
            seats = np.maximum(1, np.round(book.seats[account, p] * share)).astype(int)
            rate = expit(-0.3 + shift + 0.9 * x + people.habit[account]) * weekday[day] * ramp
            users = np.zeros(len(account), dtype=int)
            users[use] = rng.binomial(seats[use], np.minimum(rate[use], 0.98))
            keep = users > 0
            pieces.append(
                _rows(rng, people, product, account[keep], days[day][keep], users[keep], x[keep], tardy[row, p][keep])
            )
        frame = pl.concat(pieces).sort("account_id", "date", "product")
        yield frame.filter(pl.col("available_at").is_null() | (pl.col("available_at") < clock.end))


def _rows(
    rng: np.random.Generator,
    people: Population,
    product: str,
    account: Array,
    day: Array,
    users: Array,
    x: Array,
    tardy: Array,
) -> pl.DataFrame:
    events = users + rng.poisson(users * np.exp(1.9 + 0.25 * x))
    advanced = rng.binomial(users, expit(-1.5 + 0.5 * x))
    uploaded = day.astype("datetime64[ms]") + seconds(1 + rng.integers(1, 15, len(day)))
    ids = pl.Series("account_id", people.ids, dtype=pl.Enum(people.ids.tolist()))
    return pl.DataFrame(
        {
            "account_id": ids.gather(account),
            "date": day,
            "product": pl.repeat(product, len(day), eager=True, dtype=pl.Enum([name for name, _, _ in PRODUCTS])),
            "active_users": users.astype(np.int32),
            "events": events.astype(np.int32),
            "features_used": (1 + rng.binomial(23, expit(-2.2 + 0.4 * x + 0.4 * np.log(users)))).astype(np.int32),
            "advanced_users": advanced.astype(np.int32),
            "advanced_events": np.minimum(events, rng.poisson(advanced * 3.0)).astype(np.int32),
            "available_at": np.where(tardy, uploaded, np.datetime64("NaT", "ms")).astype("datetime64[us]"),
        }
    )


SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("date", pa.date32()),
        ("product", pa.string()),
        *((name, pa.int32()) for name in ("active_users", "events", "features_used", "advanced_users")),
        ("advanced_events", pa.int32()),
        ("available_at", pa.timestamp("us")),
    ]
)


def write(path: Path, chunks: Iterator[pl.DataFrame], spoil: Callable[[pl.DataFrame], pl.DataFrame]) -> int:
    """Write the chunks as Parquet row groups, then what `spoil` makes of the first; returns the number of rows."""
    rows, extra = 0, None
    with pq.ParquetWriter(path, SCHEMA, store_schema=False) as writer:
        for chunk in chunks:
            text = chunk.with_columns(pl.col("account_id", "product").cast(pl.String))
            extra = spoil(text) if extra is None else extra
            writer.write_table(text.to_arrow().cast(SCHEMA))
            rows += len(text)
        if extra is not None and len(extra):
            writer.write_table(extra.to_arrow().cast(SCHEMA))
    return rows
