"""The book: every measure for the whole company, or for each of its parts, as known at a moment."""

from datetime import datetime

import polars as pl

from features.book.catalogue import FACTS, MEASURES
from features.book.groups import WHOLE, grouped, groups
from features.book.retention import one_currency
from features.book.targets import NO_TARGETS, Targets, status, trend
from features.book.view import View
from features.periods import PERIOD, moment
from features.tables import Tables


def book(
    tables: Tables,
    as_of: datetime,
    by: str | None = None,
    targets: Targets = NO_TARGETS,
    grace_days: int = 30,
) -> pl.DataFrame:
    """One row per group and measure, groups in order, measures in the catalogue's.

    Columns: `group` (`all` without `by`), `measure`, `value`, `numerator`, `denominator`, `previous` (the value 28 days
    earlier, told from what was known then), `target`, `status` (met, missed, no target), `trend` (better, worse, same).
    Undefined is missing, never zero; so is a measure of a table that is absent or has stopped being fed. Numerators and
    denominators of groups add up to the whole book's, but for medians and counts of different things.

    `by` is one of `groups.GROUPINGS`. SettingsError for another, or an `as_of` that is no midnight; UnusableData for
    several currencies.
    """
    view = View(tables, moment(as_of), grace_days)
    one_currency(view)
    now = _values(view, by)
    before = _values(View(tables, view.as_of - PERIOD, grace_days), by)
    declared = pl.DataFrame(
        {
            "measure": [measure.name for measure in MEASURES],
            "direction": pl.Series([measure.direction for measure in MEASURES], dtype=pl.Float64),
            "target": pl.Series([targets.values.get(measure.name) for measure in MEASURES], dtype=pl.Float64),
            "place": range(len(MEASURES)),
        }
    )
    value, previous, direction = pl.col("value"), pl.col("previous"), pl.col("direction")
    return (
        now.join(before.select("group", "measure", previous="value"), on=["group", "measure"], how="left")
        .join(declared, on="measure")
        .sort("group", "place")
        .select(
            *("group", "measure", "value", "numerator", "denominator", "previous", "target"),
            status=status(value, pl.col("target"), direction),
            trend=trend(value, previous, direction),
        )
    )


def _values(view: View, by: str | None) -> pl.DataFrame:
    """`group`, `measure`, `value`, `numerator`, `denominator` at one moment."""
    members = groups(view, by)
    fed = {table: view.fed(table) for table in dict.fromkeys(table for measure in MEASURES for table in measure.tables)}
    given = [facts.of(view) for facts in FACTS if all(fed[table] for table in facts.tables)]
    summed = [grouped(rows, members, by).group_by("group").agg(pl.all().cast(pl.Float64).sum()) for rows in given]
    added = pl.concat(pl.collect_all(summed), how="diagonal").group_by("group").agg(pl.all().sum())
    if by is None and added.is_empty():
        added = pl.DataFrame({"group": [WHOLE]}).join(added, on="group", how="left").with_columns(pl.all().fill_null(0))
    everywhere = added.select("group")
    parts = []
    for measure in MEASURES:
        if not all(fed[table] for table in measure.tables):
            told = everywhere.with_columns(
                pl.lit(None, pl.Float64).alias(column) for column in ("numerator", "denominator", "value")
            )
        elif measure.spread is None:
            told = measure.sums(added)
        else:
            told = measure.over(grouped(measure.spread(view), members, by).collect())
            told = everywhere.join(told, on="group", how="left")
        parts.append(told.select("group", pl.lit(measure.name).alias("measure"), "value", "numerator", "denominator"))
    return pl.concat(parts)
