"""Watching the model in use: what holds a publication back, and the look that `healthscore monitor` takes.

It joins what the store and the registry know with `training.monitoring`, so it is part of the composition root.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import uuid4

import polars as pl
from sqlalchemy import insert

from features.findings import Checked
from features.tables import Tables
from serving.errors import HeldBack
from serving.looks import keep_look, last_look
from serving.publish_anyway import Override
from serving.said import opinions_given, published
from serving.schema import let_through
from serving.store import ScoreStore
from training.model import HealthModel
from training.monitoring.alarm import Alarm, stops
from training.monitoring.baseline import Baseline
from training.monitoring.drift import drift, drifted_weight
from training.monitoring.feeds import feed_alarms
from training.monitoring.look import Watched, baseline_at, look
from training.monitoring.page import page
from training.monitoring.readings import moment_of
from training.monitoring.result import Monitoring
from training.receipt import Receipt
from training.tracking import MONITORING, Registry, Version

PAGE = "monitoring.html"
Report = Callable[[str], None]


@dataclass(frozen=True)
class Now:
    """The feeds' alarms, and the share of the model's points that lies on signals which moved."""

    alarms: tuple[Alarm, ...] = ()
    drifted: float = 0.0


def watched(registry: Registry, tables: Tables, alias: str) -> tuple[Watched, Version]:
    """The version with that alias or number, and what was usual when it was made."""
    model, version = registry.load(alias)
    found = proof(registry, version.number)
    return Watched(model, version.name, version.number, usual(registry, tables, model, version), found), version


def usual(registry: Registry, tables: Tables, model: HealthModel, version: Version) -> Baseline:
    """What was usual when a version was made; told from today's tables where its run hasn't kept it."""
    kept = registry.baseline(version.number)
    return Baseline.from_json(kept) if kept is not None else baseline_at(tables, model)


def proof(registry: Registry, number: str) -> Receipt | None:
    """A version's receipt; a recalibrated version's is that of the version whose order of accounts it has."""
    while (source := registry.find(number).tags.get("recalibrated_from")) is not None:
        number = source
    found = registry.receipt(number)
    return None if found is None else Receipt.from_json(found)


def feeds_now(registry: Registry, tables: Tables, matrix: pl.DataFrame, alias: str, report: Report) -> Now:
    """How the newest signals stand against what was usual when the version with that alias or number was made."""
    report("feeds against what is usual")
    model, version = registry.load(alias)
    if matrix.is_empty():  # the scoring says so
        return Now()
    against = usual(registry, tables, model, version)
    moved = drifted_weight(drift(matrix, model, against))
    return Now(feed_alarms(matrix, tables, against, model), moved)


def feed_gate(
    registry: Registry,
    store: ScoreStore,
    tables: Tables,
    model: HealthModel,
    version: Version,
    override: Override | None,
    *,
    at: datetime,
) -> Callable[[pl.DataFrame], None]:
    """What looks at signals before they are published, and raises HeldBack where a feed is wrong."""

    def gate(matrix: pl.DataFrame) -> None:
        alarms = feed_alarms(matrix, tables, usual(registry, tables, model, version), model)
        let_pass(store, alarms, override, as_of=moment_of(matrix), at=at)

    return gate


def let_pass(
    store: ScoreStore, alarms: Sequence[Alarm], override: Override | None, *, as_of: datetime, at: datetime
) -> tuple[Alarm, ...]:
    """The alarms a publication goes through against, recorded with who let it. HeldBack where nobody did."""
    stopping = stops(alarms)
    if not stopping:
        return ()
    told = [asdict(alarm) for alarm in stopping]
    if override is None:
        raise HeldBack(told)
    row = {"let_through_id": uuid4().hex, "as_of": as_of, "at": at, "alarms": told, **asdict(override)}
    with store.writing() as connection:
        connection.execute(insert(let_through), row)
    return stopping


def monitor(
    registry: Registry,
    store: ScoreStore,
    checked: Checked,
    *,
    alias: str,
    as_of: datetime,
    now: datetime,
    report: Report,
) -> tuple[Monitoring, str]:
    """Look at a version in use, keep the look in the store and in MLflow; the look and its page."""
    of, version = watched(registry, checked.tables, alias)
    before = last_look(store)
    found = look(
        checked,
        of,
        as_of=as_of,
        made_at=now,
        said=published(store, as_of),
        opinions=opinions_given(store),
        before=None if before is None else Monitoring.from_json(before),
        progress=report,
    )
    report("the look, kept in the store and in MLflow")
    told, shown = found.to_json(), page(found)
    keep_look(store, told, as_of=as_of, made_at=now)
    texts = {MONITORING: json.dumps(told, indent=1), PAGE: shown}
    registry.monitored(version, at=as_of, metrics=found.metrics(), texts=texts)
    return found, shown
