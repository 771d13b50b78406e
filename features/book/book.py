"""The book: every measure for the whole company, or for each of its parts, as known at a moment."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import polars as pl

from features.book.catalogue import FACTS, MEASURES
from features.book.groups import WHOLE, grouped, groups
from features.book.measure import TOLD, BookMeasure
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
    return books(tables, as_of, (by,), targets, grace_days)[by]


def books(
    tables: Tables,
    as_of: datetime,
    groupings: Sequence[str | None],
    targets: Targets = NO_TARGETS,
    grace_days: int = 30,
) -> dict[str | None, pl.DataFrame]:
    """The `book` of each grouping (None: the whole), with the tables read once."""
    view = View(tables, moment(as_of), grace_days)
    one_currency(view)
    now, before = _values(view, groupings), _values(View(tables, view.as_of - PERIOD, grace_days), groupings)
    return {by: _judged(now[by], before[by], targets) for by in groupings}


def _judged(now: pl.DataFrame, before: pl.DataFrame, targets: Targets) -> pl.DataFrame:
    """The values beside those of a period earlier and their targets."""
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


def _values(view: View, groupings: Sequence[str | None]) -> dict[str | None, pl.DataFrame]:
    """`group`, `measure`, `value`, `numerator`, `denominator` at one moment, by grouping."""
    fed = {table: view.fed(table) for table in dict.fromkeys(table for measure in MEASURES for table in measure.tables)}
    given = [facts.of(view) for facts in FACTS if all(fed[table] for table in facts.tables)]
    summed = [rows.group_by("account_id").agg(pl.all().cast(pl.Float64).sum()) for rows in given]
    of_accounts = pl.concat(pl.collect_all(summed), how="diagonal").group_by("account_id").agg(pl.all().sum())
    told = [measure for measure in MEASURES if all(fed[table] for table in measure.tables)]
    spread = {m.name: m.spread(view).collect() for m in told if m.spread is not None}
    return {by: _of_groups(by, groups(view, by), of_accounts, spread, told) for by in groupings}


def _of_groups(
    by: str | None,
    members: pl.DataFrame,
    of_accounts: pl.DataFrame,
    spread: Mapping[str, pl.DataFrame],
    told: Sequence[BookMeasure],
) -> pl.DataFrame:
    """The measures of each group, missing where they aren't among those `told`.

    `of_accounts` adds up to them, but for those whose rows are in `spread`.
    """
    added = grouped(of_accounts, members, by).group_by("group").agg(pl.all().sum())
    if by is None and added.is_empty():
        added = pl.DataFrame({"group": [WHOLE]}).join(added, on="group", how="left").with_columns(pl.all().fill_null(0))
    rows = added.select("group", *(measure.sums().alias(measure.name) for measure in told if measure.spread is None))
    for measure in told:
        if measure.spread is not None:
            over = grouped(spread[measure.name], members, by).group_by("group").agg(measure.over().alias(measure.name))
            rows = rows.join(over, on="group", how="left")
    missing = (pl.lit(None, TOLD).alias(measure.name) for measure in MEASURES if measure not in told)
    return rows.with_columns(missing).unpivot(index="group", variable_name="measure", value_name="told").unnest("told")
