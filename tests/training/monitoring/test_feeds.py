"""Feeds that went wrong are seen before a score is made of them, and ordinary months are let through."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from features.matrix import build
from features.spine import spine
from features.tables import POLARS, TABLES, Tables
from training.monitoring.alarm import Alarm
from training.monitoring.baseline import Baseline, Span
from training.monitoring.feeds import feed_alarms, judge
from training.monitoring.readings import Reading

END = datetime(2026, 1, 1)
NOW = END - timedelta(days=84)
EVER = 5_000


def since(name: str, days: int) -> pl.Expr:
    """The rows of a table that became known in the days before now."""
    time = pl.col(TABLES[name].time).cast(pl.Datetime("us"))
    return pl.max_horizontal(time, "available_at") >= NOW - timedelta(days=days)


def stopped(tables: Tables, name: str, days: int) -> pl.LazyFrame:
    return tables[name].filter(~since(name, days))


def times(tables: Tables, name: str, days: int, factor: float, *columns: str) -> pl.LazyFrame:
    """Columns of a table in another unit (or all zeros) in the days before now."""
    other = [(pl.col(c) * factor).cast(POLARS[TABLES[name].column(c).type]).alias(c) for c in columns]
    return tables[name].with_columns(
        pl.when(since(name, days)).then(value).otherwise(column).alias(column)
        for column, value in zip(columns, other, strict=True)
    )


def seen(company, usual: Baseline, **changed: pl.LazyFrame | None) -> tuple[Alarm, ...]:
    """The alarms with some tables changed, or gone."""
    frames = {name: frame for name, frame in (dict(company.tables.frames) | changed).items() if frame is not None}
    tables = Tables(company.tables.extracted_at, frames)
    return feed_alarms(build(tables, spine(tables, [NOW])), tables, usual, company.model)


def held(alarms: tuple[Alarm, ...]) -> set[tuple[str, str]]:
    return {(alarm.kind, alarm.about) for alarm in alarms if alarm.severity == "stop"}


@pytest.mark.parametrize("name", ["usage_daily", "tickets", "engagements", "invoices", "surveys", "community_threads"])
def test_a_feed_that_stopped_is_seen_long_before_it_counts_as_silent(company, usual, name: str) -> None:
    days = 21 if name == "community_threads" else 8
    assert ("stopped", name) in held(seen(company, usual, **{name: stopped(company.tables, name, days)}))


USAGE = ("active_users", "events", "features_used", "advanced_users", "advanced_events")


@pytest.mark.parametrize(
    "name, columns, factor, days, kind, about",
    [
        ("usage_daily", USAGE, 0, 7, "zeros", "usage_daily.events"),
        ("usage_daily", USAGE, 0, 28, "zeros", "usage_daily.events"),
        ("usage_daily", USAGE, 0, EVER, "zeros", "usage_daily.events"),
        ("usage_daily", ("events",), 100, 7, "scaled", "usage_daily.events"),
        ("usage_daily", ("events",), 100, EVER, "scaled", "usage_daily.events"),
        ("usage_daily", ("active_users",), 100, 28, "scaled", "usage_daily.active_users"),
        ("engagements", ("cost",), 0.01, EVER, "scaled", "engagements.cost"),
        ("tickets", ("cost",), 100, 28, "scaled", "tickets.cost"),
        ("contracts", ("arr",), 100, EVER, "scaled", "contracts.arr"),
        ("contracts", ("arr",), 100, 28, "scaled", "contracts.arr"),
    ],
)
def test_zeros_and_another_unit_are_seen_whether_of_a_week_or_of_all_history(
    company, usual, name, columns, factor, days, kind, about
) -> None:
    alarms = seen(company, usual, **{name: times(company.tables, name, days, factor, *columns)})
    assert (kind, about) in held(alarms)


def test_a_few_contracts_in_another_unit_show_in_the_mean(company, usual) -> None:
    alarms = seen(company, usual, contracts=times(company.tables, "contracts", 14, 100, "arr"))
    assert held(alarms) & {("scaled", "contracts.arr"), ("scaled", "arr_in_force")}


def test_a_table_that_is_gone_and_values_never_seen(company, usual) -> None:
    assert held(seen(company, usual, tickets=None)) >= {("gone", "tickets")}
    renamed = company.tables["tickets"].with_columns(
        channel=pl.when(since("tickets", 28)).then(pl.lit("Web form")).otherwise("channel")
    )
    (alarm,) = (a for a in seen(company, usual, tickets=renamed) if a.kind == "new_category")
    assert (alarm.severity, alarm.about) == ("warn", "tickets.channel")
    assert "Web form" in alarm.cause
    assert "mapping" in alarm.next_step


def test_a_feed_of_which_half_is_missing_is_seen(company, usual) -> None:
    third = company.tables["usage_daily"].filter(~since("usage_daily", 28) | (pl.col("account_id").hash(7) % 3 == 0))
    assert ("thin", "usage_daily") in held(seen(company, usual, usage_daily=third))


def test_a_quarter_without_outages_holds_nothing_back(company, usual) -> None:
    outages = company.tables["incidents"].with_columns(felt_by=pl.len().over("started_at"))
    quiet = outages.filter((pl.col("felt_by") == 1) | ~since("incidents", 112)).drop("felt_by")
    (alarm,) = seen(company, usual, incidents=quiet)
    assert (alarm.kind, alarm.severity, alarm.about) == ("zeros", "warn", "outages_84d")


def test_what_is_in_the_rows_of_a_table_that_comes_in_bursts_is_held_to_what_is_usual(company, usual) -> None:
    bursts = replace(usual, readings={**usual.readings, "usage_daily@28": {"rows": Span(5.0, 30.0, 900)}})
    zeros = times(company.tables, "usage_daily", 28, 0, *USAGE)
    assert ("zeros", "usage_daily.events") in held(seen(company, bursts, usage_daily=zeros))


def test_ordinary_months_are_let_through_and_the_feed_that_really_stops_is_not(company, usual) -> None:
    found = {}
    for (as_of,), lot in company.matrix.filter(pl.col("as_of") > usual.as_of).group_by("as_of"):
        found[as_of] = held(feed_alarms(lot, company.tables, usual, company.model))
    assert len(found) == 7
    assert {as_of: alarms for as_of, alarms in found.items() if alarms} == {
        END - timedelta(days=28): {("stopped", "community_threads")},
        END: {("stopped", "community_threads")},
    }


def test_each_alarm_says_why_and_what_to_do(company, usual) -> None:
    for alarm in seen(company, usual, usage_daily=times(company.tables, "usage_daily", 28, 0, "events")):
        assert alarm.about in str(alarm)
        assert len(alarm.cause) > 20
        assert alarm.next_step.endswith(".")


@pytest.mark.parametrize(
    "figure, value, values, span, expected",
    [
        ("rows", 10.0, 1000, Span(9.0, 11.0, 900), None),
        ("rows", 3.0, 300, Span(9.0, 11.0, 900), ("thin", "stop")),
        ("rows", 30.0, 3000, Span(9.0, 11.0, 900), ("swollen", "stop")),
        ("rows", 0.0, 0, Span(0.5, 1.0, 10), None),  # too few to tell
        ("not_zero", 0.5, 1000, Span(0.9, 0.95, 900), None),
        ("not_zero", 0.2, 1000, Span(0.9, 0.95, 900), ("zeros", "stop")),
        ("not_zero", 0.0, 100, Span(0.01, 0.1, 100), None),  # one in a hundred: nothing is missed
        ("not_zero", 0.04, 1000, Span(0.13, 0.83, 900), None),  # what swings may swing further
        ("not_zero", 0.0, 1000, Span(0.13, 0.83, 900), ("zeros", "stop")),
        ("rows", 30.0, 3000, Span(1.0, 8.0, 900), None),
        ("rows", 70.0, 7000, Span(1.0, 8.0, 900), ("swollen", "stop")),
        ("there", 0.1, 1000, Span(0.9, 0.95, 900), ("missing", "stop")),
        ("size", 20.0, 100, Span(9.0, 11.0, 90), None),
        ("size", 50.0, 100, Span(9.0, 11.0, 90), ("scaled", "warn")),
        ("size", 900.0, 100, Span(9.0, 11.0, 90), ("scaled", "stop")),
        ("size", 0.1, 100, Span(9.0, 11.0, 90), ("scaled", "stop")),
        ("size", 900.0, 10, Span(9.0, 11.0, 10), None),
        ("mean", 40.0, 100, Span(9.0, 11.0, 90), ("scaled", "stop")),
    ],
)
def test_limits_are_measured_from_what_is_usual(figure, value, values, span, expected) -> None:
    found = list(judge(Reading("usage_daily.events", 28, {figure: value}, {figure: values}), {figure: span}))
    assert [(each.kind, each.severity) for each in found] == ([expected] if expected else [])
