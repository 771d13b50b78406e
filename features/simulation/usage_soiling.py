"""Planting dirt in daily usage, whose file is typed."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from features.simulation.dirt import DIRT, amount
from features.simulation.population import Population


def soil_usage(
    rng: np.random.Generator, people: Population, chunk: pl.DataFrame, first: datetime, end: datetime
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Extra rows for `usage_daily`, which is typed: copies of rows of a chunk, broken."""
    order = iter(rng.permutation(chunk.height).tolist())
    extras = [chunk.clear()]
    planted: dict[str, int] = {}
    late = pl.DataFrame({"account_id": people.ids, "start": people.starts})
    newcomers = late.filter(pl.col("start") > first.date() + timedelta(days=60))
    for plant in DIRT["usage_daily"]:
        count = amount(plant, chunk.height, "usage_daily")
        rows = chunk[[next(order) for _ in range(count)]]
        if plant.rule == "duplicate_key":
            rows = rows.with_columns(pl.col("events") + 1000)
        elif plant.rule == "unknown_account":
            rows = rows.with_columns(account_id=pl.lit("A-unknown-") + pl.int_range(pl.len()).cast(pl.String))
        elif plant.rule == "missing_value":
            rows = rows.with_columns(account_id=pl.lit(None, dtype=pl.String))
        elif plant.rule == "out_of_range":
            rows = rows.with_columns(pl.lit(-3, dtype=pl.Int32).alias("active_users"), product=pl.lit("atlas-lite"))
        elif plant.rule == "after_extract":
            ahead = pl.lit(end.date()).dt.offset_by("40d")
            rows = rows.with_columns(
                ahead.alias("date"), product=pl.lit("atlas") + pl.int_range(pl.len()).cast(pl.String)
            )
        elif plant.rule == "outside_contract":
            some = newcomers[: rows.height]
            rows = rows[: some.height].with_columns(
                account_id=some["account_id"], date=some["start"].dt.offset_by("-45d")
            )
        extras.append(rows.select(chunk.columns))
        planted[plant.rule] = rows.height
    return pl.concat(extras), planted
