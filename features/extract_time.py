"""When an extract was made, read off the data where nobody said it."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import polars as pl

from features.ledger import Ledger
from features.row_rules import PLANNED, fact_columns

_GAP = timedelta(days=366)
_FEW = 0.01


def assumed_extract(ledgers: Iterable[Ledger]) -> datetime | None:
    """The latest plausible time at which anything happened or became known, over all tables; a day counts to its end.

    Up to 1 % of the times don't count where more than a year without any event lies before them: those are typing
    errors such as 2042 for 2024. Where nothing was observed at all, the latest start of a term is taken; None where the
    data holds no time.
    """
    ledgers = tuple(ledgers)
    times = {ledger.name: fact_columns(ledger.table) for ledger in ledgers}
    starts = {ledger.name: (ledger.table.time,) for ledger in ledgers if ledger.table.time in PLANNED}
    return _latest(ledgers, times) or _latest(ledgers, starts)


def _latest(ledgers: Iterable[Ledger], times: Mapping[str, tuple[str | None, ...]]) -> datetime | None:
    columns = []
    for ledger in ledgers:
        for name in times.get(ledger.name, ()):
            assert name is not None
            values = ledger.frame[name].filter(~ledger.bad).drop_nulls().alias("t")
            values = values.filter(values.dt.year() < 9999)
            moment = pl.col("t").cast(pl.Datetime("us"))
            if values.dtype == pl.Date:
                moment = moment + pl.duration(days=1)
            per_day = values.to_frame("t").lazy().select(t=moment).group_by(day=pl.col("t").dt.date())
            columns.append(per_day.agg(pl.col("t").max(), pl.len().alias("rows")).collect())
    if not columns:
        return None
    days = pl.concat(columns).group_by("day").agg(pl.col("t").max(), pl.col("rows").sum()).sort("day")
    after_gap = days["day"].diff() > _GAP
    later = 1 - (days["rows"].cum_sum() - days["rows"]) / days["rows"].sum()
    implausible = days["day"].filter((after_gap & (later <= _FEW)).fill_null(False))
    if len(implausible):
        days = days.filter(pl.col("day") < implausible.min())
    latest = days["t"].max()
    return latest if isinstance(latest, datetime) else None
