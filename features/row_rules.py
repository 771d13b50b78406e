"""Rules about a row's own columns together, and about rows of the same table: order of times, extract, duplicates."""

from datetime import date, datetime, time, timedelta

import polars as pl

from features.ledger import Ledger
from features.repeats import has_repeats
from features.tables import Table

PLANNED = frozenset({"term_start", "term_end", "due_at", "planned_at"})
"""Times that may lie ahead of the extract: they were agreed, not observed."""

_DAY = timedelta(days=1)


def check_intervals(ledger: Ledger) -> None:
    """Ends that lie before their starts."""
    for interval in ledger.table.intervals:
        wrong = (ledger.frame[interval.end] < ledger.frame[interval.start]).fill_null(False)
        if interval.then == "missing":
            ledger.blank("end_before_start", interval.end, wrong, f": before {interval.start}")
        else:
            reason = f"{interval.end} lies before {interval.start}"
            ledger.quarantine("end_before_start", (interval.start, interval.end), wrong, reason)


def check_extract(ledger: Ledger, extracted_at: datetime) -> None:
    """Rows that happened or became known after the extract; later facts of earlier rows go missing."""
    for column in fact_columns(ledger.table):
        values = ledger.frame[column]
        latest = values.max()
        if latest is None:
            continue
        limit = extracted_at.date() if values.dtype == pl.Date else extracted_at
        after = (values > limit).fill_null(False)
        if column == "available_at" or ledger.table.column(column).required:
            reason = f"{column} lies after the extract of {extracted_at:%Y-%m-%d %H:%M}"
            ledger.quarantine("after_extract", (column,), after, reason)
        else:
            ledger.blank("after_extract", column, after)


def fact_columns(table: Table) -> tuple[str, ...]:
    """Columns of times that were observed, as opposed to planned."""
    return tuple(
        column.name for column in table.columns if column.type in ("date", "time") and column.name not in PLANNED
    )


def check_duplicates(ledger: Ledger, others: tuple[str, ...] = ()) -> None:
    """Rows that are there twice, and keys that are; `others` are the owner's columns that tell keyless rows apart.

    Rows already put aside don't take part. Missing key columns compare equal.
    """
    if not ledger.frame.height:
        return
    columns = list(ledger.frame.columns)
    frame = ledger.frame.with_columns(ledger.raw[name].alias(f"_other {name}") for name in others)
    rows = frame.with_columns(_bad=ledger.bad).with_row_index("_index").filter(~pl.col("_bad")).drop("_bad")
    key = [name for name in (ledger.table.key or frame.columns) if rows[name].null_count() < rows.height]
    if not rows.height or (key and not has_repeats(rows.select(key))):
        return
    rows = rows.filter(rows.select(key).is_duplicated()) if key else rows
    whole = rows.group_by(*columns, *(f"_other {name}" for name in others)).agg(pl.col("_index").min())["_index"]
    repeated = rows.filter(~pl.col("_index").is_in(whole.implode()))["_index"]
    ledger.quarantine("duplicate_row", ledger.table.key, _mask(ledger, repeated), "the whole row is there already")
    if not ledger.table.key:
        return
    rows = rows.filter(pl.col("_index").is_in(whole.implode()))
    last = (
        rows.sort("available_at", "_index", nulls_last=False)
        .group_by(*ledger.table.key, maintain_order=True)
        .agg(pl.col("_index").last())["_index"]
    )
    older = rows.filter(~pl.col("_index").is_in(last.implode()))["_index"]
    reason = f"another row has the same {', '.join(ledger.table.key)}; the last known one is kept"
    ledger.quarantine("duplicate_key", ledger.table.key, _mask(ledger, older), reason)


def latest_fact(ledger: Ledger, extracted_at: datetime | None = None) -> datetime | None:
    """The latest observed time of the usable rows, not after the extract; a day counts to its end."""
    rows = ledger.usable()
    found = []
    for column in fact_columns(ledger.table):
        values = rows[column]
        if extracted_at is not None:
            values = values.filter(values <= (extracted_at.date() if values.dtype == pl.Date else extracted_at))
        latest = values.max()
        if isinstance(latest, datetime):
            found.append(latest)
        elif isinstance(latest, date):
            found.append(datetime.combine(latest, time()) + _DAY)
    return max(found, default=None)


def _mask(ledger: Ledger, rows: pl.Series) -> pl.Series:
    mask = pl.repeat(False, ledger.frame.height, dtype=pl.Boolean, eager=True)
    return mask.set(pl.int_range(0, ledger.frame.height, eager=True).is_in(rows.implode()), True) if len(rows) else mask
