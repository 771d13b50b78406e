"""Feeds that went wrong: what a table, a column or a signal looks like now, against all it looked like in a year.

A feed that has gone, stopped, sends zeros or comes in another unit makes scores that look like any others, so these
hold back the publication. Each limit is measured from what was usual for that very figure: what has always been patchy
may be patchy. A figure is judged only where enough values stand behind it, now and in the baseline. Of a table that has
been silent for more than a week now and then, silence and zeros are told, and hold nothing back; nor do few rows of one
that comes in bursts, such as incidents that many accounts feel at once: a quiet quarter is no fault.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

import polars as pl

from features.catalogue import CATALOGUE
from features.tables import TABLES, Tables
from training.model import HealthModel
from training.monitoring.alarm import Alarm, Severity
from training.monitoring.baseline import Baseline, Span, key
from training.monitoring.readings import MATRIX, WINDOWS, Reading, brought, categories, moment_of, read, silence

FEWEST = 50
"""Values a figure must be of, now and in every snapshot of the baseline; of a share, so many must usually have it."""
FEWEST_SIZED = 20
"""Values that a median or a mean must be of: with so many, one that is three times off is no chance."""
SCALE = 8.0
"""Times the usual size from which on it is another unit; cents, percent and minutes are 60 times and more."""
ODD_SCALE = 3.0
FELL = 0.4
"""Part of the least usual below which rows, or values that are there, or other than zero, have gone missing."""
ROSE = 2.5
"""Times the most usual above which there are too many rows.

What swings by more than these from month to month, as outages that many accounts feel do, may swing as far again."""
REGULAR_DAYS = 7
"""A table that was never silent for longer is a regular one."""
BURSTS = 5.0
"""A table with a month of so many times the rows of another comes in bursts; others stay within twice."""
STOPPED = 2
"""Times its longest silence, and at least so many days more, after which a feed has stopped."""
SILENT_DAYS = 4


@dataclass(frozen=True)
class Judgement:
    """What a figure's value means where it lies outside its span; none of these where it doesn't."""

    kind: str
    severity: Severity
    cause: str


def feed_alarms(matrix: pl.DataFrame, tables: Tables, baseline: Baseline, model: HealthModel) -> tuple[Alarm, ...]:
    """What is wrong with the feeds at the moment of `matrix`, rows of one snapshot; the worst first."""
    found: list[Alarm] = [*_gone(tables, baseline), *_stopped(matrix, tables, baseline)]
    without = {alarm.about for alarm in found}
    judged = [
        (reading, judgement)
        for reading in read(tables, matrix, model)
        if reading.about.split(".")[0] not in without
        for judgement in judge(reading, baseline.readings.get(key(reading), {}))
    ]
    found += _of_tables(judged, baseline)
    found += _of_signals(judged, {alarm.about.split(".")[0] for alarm in found}, baseline)
    found += _new_categories(matrix, tables, baseline)
    return tuple(sorted(found, key=lambda alarm: (alarm.severity, alarm.about)))


def judge(reading: Reading, usual: Mapping[str, Span]) -> Iterator[Judgement]:
    """What is wrong with a reading, where each figure usually lies within its span."""
    over = f" over {reading.days} days" if reading.days else ""
    for figure, value in reading.figures.items():
        span = usual.get(figure)
        fewest = FEWEST_SIZED if figure in ("size", "mean") else FEWEST
        if span is None or span.values < fewest:
            continue
        if figure == "rows":
            told = f"{value:.3g} rows per customer{over}, usually {span.low:.3g} to {span.high:.3g}"
            severity: Severity = "stop" if reading.days == max(WINDOWS) else "warn"  # a holiday has thin weeks
            if value < _least(span):
                yield Judgement("thin", severity, f"part of it is missing: {told}")
            elif value > _most(span):
                yield Judgement("swollen", severity, f"rows may have come more than once: {told}")
        elif reading.values[figure] < fewest:
            continue
        elif figure in ("size", "mean"):
            if span.low > 0 and not span.low / ODD_SCALE <= value <= span.high * ODD_SCALE:
                times = value / (span.high if value > span.high else span.low)
                what = "median" if figure == "size" else "mean"
                told = f"the {what}{over} is {value:.4g}, usually {span.low:.4g} to {span.high:.4g}"
                sure = figure == "mean" or times >= SCALE or times <= 1 / SCALE
                yield Judgement("scaled", "stop" if sure else "warn", f"{told}: perhaps in another unit")
        elif value < _least(span) and reading.values[figure] * span.low >= FEWEST:
            kind, what = ("zeros", "other than zero") if figure == "not_zero" else ("missing", "there")
            told = f"only {value:.0%} are {what}{over}, usually {span.low:.0%} to {span.high:.0%}"
            yield Judgement(kind, "stop", told)


def _least(span: Span) -> float:
    """Below this too little is there."""
    return span.low * min(FELL, span.low / span.high) if span.high > 0 else 0.0


def _most(span: Span) -> float:
    """Above this too much is."""
    return span.high * max(ROSE, span.high / span.low) if span.low > 0 else inf


def _gone(tables: Tables, baseline: Baseline) -> Iterator[Alarm]:
    """Tables that were there."""
    for name in {each.split("@")[0] for each in baseline.readings if "." not in each} - set(tables.frames):
        yield Alarm(
            "gone", "stop", name, "the source doesn't bring this table any more", f"Bring it back, or {_OTHERWISE}"
        )


def _stopped(matrix: pl.DataFrame, tables: Tables, baseline: Baseline) -> Iterator[Alarm]:
    """Tables silent for much longer than they ever were."""
    for table in brought(tables):
        longest = baseline.longest_silence.get(table.name)
        rows = baseline.readings.get(f"{table.name}@28", {}).get("rows")
        if longest is None or rows is None or rows.values == 0:
            continue
        silent, _ = silence(tables, table, moment_of(matrix))
        limit = max(STOPPED * longest, longest + SILENT_DAYS)
        if silent >= min(limit, max(table.silent_after or limit, longest + SILENT_DAYS)):
            yield Alarm(
                "stopped",
                "stop" if _regular(table.name, baseline) else "warn",
                table.name,
                f"its newest row is {silent} days old, and it was never silent for more than {longest} days before",
                f"Ask whoever exports it; when it is sending again, run again. Otherwise, {_OTHERWISE}",
            )


def _of_tables(judged: Sequence[tuple[Reading, Judgement]], baseline: Baseline) -> Iterator[Alarm]:
    """One alarm for each table or column and kind, from the window that shows it worst."""
    worst: dict[tuple[str, str], Judgement] = {}
    for reading, judgement in judged:
        if not reading.about.startswith(f"{MATRIX}."):
            had = worst.setdefault((reading.about, judgement.kind), judgement)
            if had.severity != judgement.severity == "stop":
                worst[reading.about, judgement.kind] = judgement
    for (about, kind), judgement in worst.items():
        severity = _severity(judgement, about.split(".")[0], baseline, of_rows="." not in about)
        where = f"Look at {about} in the newest export and compare it with the one before."
        yield Alarm(kind, severity, about, judgement.cause, f"{where} If it is right, {_OTHERWISE}")


def _of_signals(
    judged: Sequence[tuple[Reading, Judgement]], explained: set[str], baseline: Baseline
) -> Iterator[Alarm]:
    """One alarm for each kind and source table, where nothing has been said of the tables they are made of."""
    together: dict[tuple[str, str], list[tuple[str, Judgement]]] = {}
    for reading, judgement in judged:
        if reading.about.startswith(f"{MATRIX}."):
            signal = reading.about.removeprefix(f"{MATRIX}.")
            tables = CATALOGUE[signal].tables if signal in CATALOGUE else (TABLES["contracts"].name,)
            if not explained & set(tables):
                together.setdefault((tables[0], judgement.kind), []).append((signal, judgement))
    for (table, kind), signals in together.items():
        first, judgement = next(((s, j) for s, j in signals if j.severity == "stop"), signals[0])
        more = f" (and {len(signals) - 1} more signals of {table})" if len(signals) > 1 else ""
        where = f"Look at {table} in the newest export and at its mapping."
        severity = _severity(judgement, table, baseline, of_rows=True)
        yield Alarm(kind, severity, first, f"{judgement.cause}{more}", f"{where} If it is right, {_OTHERWISE}")


def _severity(judgement: Judgement, table: str, baseline: Baseline, *, of_rows: bool) -> Severity:
    """That of the judgement, or `warn` where less is there of a table that isn't regular.

    `of_rows`: it hangs on how many rows have come, as signals do and what is in each row doesn't.
    """
    less = judgement.kind in ("thin", "zeros", "missing")
    expected = _regular(table, baseline) and not (of_rows and _bursts(table, baseline))
    return judgement.severity if expected or not less else "warn"


def _regular(table: str, baseline: Baseline) -> bool:
    return baseline.longest_silence.get(table, 0) <= REGULAR_DAYS


def _bursts(table: str, baseline: Baseline) -> bool:
    rows = baseline.readings.get(f"{table}@{max(WINDOWS)}", {}).get("rows")
    return rows is not None and rows.high > BURSTS * rows.low


def _new_categories(matrix: pl.DataFrame, tables: Tables, baseline: Baseline) -> Iterator[Alarm]:
    for about, values in categories(tables, moment_of(matrix)).items():
        if new := sorted(set(values) - set(baseline.categories.get(about, values))):
            named = ", ".join(new[:5]) + (f" and {len(new) - 5} more" if len(new) > 5 else "")
            yield Alarm(
                "new_category",
                "warn",
                about,
                f"values never seen before: {named}",
                "If it is another spelling, put it in the mapping file; a model learns of it when it is trained again.",
            )


_OTHERWISE = "publish anyway, saying why."
