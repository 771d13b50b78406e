"""Planting dirt in the text tables."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from features.simulation.dirt import DIRT, IN_PLACE, PERCENT_CHANNEL, Plant, amount
from features.tables import TABLES


def text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every column as it is written: ISO times without a zone, true and false, numbers with a point."""
    times = pl.selectors.datetime().dt.strftime("%Y-%m-%dT%H:%M:%S")
    return frame.with_columns(times, pl.selectors.date().dt.strftime("%Y-%m-%d")).cast(pl.String)


def soil(
    rng: np.random.Generator, name: str, frame: pl.DataFrame, end: datetime
) -> tuple[pl.DataFrame, dict[str, int]]:
    """The table as text with its dirt but malformed lines, and how much of each rule was planted."""
    planted: dict[str, int] = {}
    fit = frame
    if name == "tickets":
        percent = (pl.col("channel") == PERCENT_CHANNEL) & pl.col("csat").is_not_null()
        planted["mixed_scale"] = frame.filter(percent).height
        frame = frame.with_columns(csat=pl.when(percent).then(pl.col("csat") * 20).otherwise("csat"))
        fit = frame.filter(pl.col("channel") != PERCENT_CHANNEL)
    order = iter(rng.permutation(fit.height).tolist())
    written, extras = text(frame.with_row_index("row")), []
    plants = [plant for plant in DIRT.get(name, ()) if plant.rule != "malformed_line"]
    for plant in sorted(plants, key=lambda plant: plant.rule in IN_PLACE):
        count = amount(plant, frame.height, name)
        rows = fit.with_row_index("pick")[[next(order) for _ in range(count)]].drop("pick")
        if plant.rule in IN_PLACE:
            continue
        extras.append(_broken(name, plant, rows, end))
        planted[plant.rule] = planted.get(plant.rule, 0) + count
    for plant in plants:
        if plant.rule in IN_PLACE:
            chosen = rng.permutation(written.filter(pl.col(plant.column).is_not_null())["row"].to_numpy())
            some = chosen[: amount(plant, frame.height, name)].tolist()
            value = _zoned(plant.column) if plant.rule == "time_zone" else _misspelt(plant.column)
            written = written.with_columns(
                pl.when(pl.col("row").is_in(some)).then(value).otherwise(plant.column).alias(plant.column)
            )
            planted[plant.rule] = planted.get(plant.rule, 0) + len(some)
    return pl.concat([written.drop("row"), *extras]), planted


def _broken(name: str, plant: Plant, rows: pl.DataFrame, end: datetime) -> pl.DataFrame:
    """Copies of the rows, with keys of their own unless the rule is about duplicates, broken by the rule."""
    table = TABLES[name]
    times = [column for column, kind in rows.schema.items() if isinstance(kind, pl.Datetime)]
    if plant.rule == "duplicate_row":
        return text(rows)
    if plant.rule != "duplicate_key":
        own = [column for column in table.key if column.endswith("_id") and column != "account_id"]
        tail = f"-{plant.rule}"
        if own:
            rows = rows.with_columns(pl.col(own[0]) + tail)
        elif table.key == ("account_id",):
            rows = rows.with_columns(pl.col("account_id") + tail)
        elif "name" in table.key:
            rows = rows.with_columns(pl.col("name") + tail)
        else:
            rows = rows.with_columns(pl.col(times) + timedelta(seconds=61))
    if plant.rule == "end_before_start":
        start = next(interval.start for interval in table.intervals if interval.end == plant.column)
        rows = rows.with_columns(pl.col(start).dt.offset_by("-10d").alias(plant.column))
        others = [time for time in times if time not in (start, plant.column)]
        return text(rows.with_columns(pl.lit(None).cast(rows.schema[time]).alias(time) for time in others))
    if plant.rule == "after_extract":
        assert table.time is not None
        gone = [pl.lit(None).cast(rows.schema[time]).alias(time) for time in times if time != "due_at"]
        rows = rows.with_columns(gone).with_columns(pl.lit(end + timedelta(days=40)).alias(plant.column))
        if "due_at" in rows.columns:
            rows = rows.with_columns(due_at=pl.lit(end + timedelta(days=70)))
        return text(rows)
    if plant.rule == "unknown_account":
        number = pl.int_range(pl.len()).cast(pl.String)
        return text(rows).with_columns(account_id=pl.lit("A-unknown-") + number)
    value = pl.lit(plant.value or None, dtype=pl.String)
    return text(rows).with_columns(value.alias(plant.column))


def _zoned(column: str) -> pl.Expr:
    """The same instant written with an offset of two hours."""
    moment = pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False) + timedelta(hours=2)
    return moment.dt.strftime("%Y-%m-%dT%H:%M:%S+02:00")


def _misspelt(column: str) -> pl.Expr:
    """`how_to` as "How-To", `defect` as "DEFECT " (with a blank)."""
    word = pl.col(column)
    return (
        pl.when(word.str.contains("_"))
        .then(word.str.replace_all("_", "-").str.to_titlecase())
        .otherwise(word.str.to_uppercase() + " ")
    )
