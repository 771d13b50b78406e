"""Looking at a model in use: everything that is watched, at one moment, and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from features.errors import HistoryError
from features.findings import Checked
from features.matrix import build
from features.periods import PERIOD, PERIODS_A_YEAR, snapshots
from features.spine import spine
from features.tables import Tables
from training import retraining
from training.model import HealthModel
from training.monitoring.alarm import Alarm, stops
from training.monitoring.baseline import Baseline, baseline
from training.monitoring.drift import Drift, drift, drift_alarms, drifted_weight
from training.monitoring.feeds import feed_alarms
from training.monitoring.matured import expected, matured
from training.monitoring.opinions import judged
from training.monitoring.readings import brought, known_rows, silence
from training.monitoring.result import Action, Advice, FeedSeen, Monitoring
from training.monitoring.source_changes import seen, source_alarms
from training.monitoring.turns import turns
from training.outcomes import outcomes
from training.receipt import Receipt
from training.train import history_starts

ACTIONS: dict[retraining.Action, Action] = {"train": "retrain", "recalibrate": "recalibrate", "none": "nothing"}


@dataclass(frozen=True)
class Watched:
    """The version in use: its model, what it is called, its receipt, and what was usual when it was made."""

    model: HealthModel
    name: str
    number: str
    baseline: Baseline
    receipt: Receipt | None = None


def look(
    checked: Checked,
    watched: Watched,
    *,
    as_of: datetime,
    made_at: datetime,
    said: pl.DataFrame | None = None,
    opinions: pl.DataFrame | None = None,
    before: Monitoring | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Monitoring:
    """Everything that is watched, at `as_of`.

    `said` are the scores published so far (`training.monitoring.matured.SAID`), `opinions` those of people
    (`training.monitoring.opinions.OPINIONS`), `before` the last look, which the source is compared with. Raises
    HistoryError where nobody is a customer at `as_of`.
    """
    tables, model = checked.tables, watched.model
    snapshot = build(tables, spine(tables, [as_of]), progress=progress)
    if snapshot.is_empty():
        raise HistoryError(f"no account has a contract in force at {as_of:%Y-%m-%d}: look as of another day")
    known = outcomes(tables, model.card.grace_days, as_of)
    progress("feeds and drift")
    source = seen(checked)
    drifts = drift(snapshot, model, watched.baseline)
    alarms = [
        *feed_alarms(snapshot, tables, watched.baseline, model),
        *(source_alarms(before.source, source) if before else ()),
        *drift_alarms(drifts),
    ]
    progress("published scores against outcomes")
    if said is not None:
        said = said.filter(pl.col("as_of") <= as_of)
    newest = said.filter(pl.col("as_of") == pl.col("as_of").max()) if said is not None else None
    return Monitoring(
        as_of=as_of,
        made_at=made_at,
        model=watched.name,
        version=watched.number,
        baseline_of=watched.baseline.as_of,
        observed_until=known.observed_until,
        accounts=snapshot.height,
        advice=advice(tables, watched, as_of, alarms, drifts, progress),
        alarms=tuple(sorted(alarms, key=lambda alarm: alarm.severity)),
        feeds=tuple(_feeds(tables, watched.baseline, as_of)),
        drifts=drifts,
        matured=matured(said, known) if said is not None else (),
        expected=expected(newest) if newest is not None and newest.height else (),
        turns=turns(said) if said is not None and said.height else None,
        opinions=judged(opinions, known) if opinions is not None and opinions.height else None,
        source=source,
    )


def advice(
    tables: Tables,
    watched: Watched,
    as_of: datetime,
    alarms: list[Alarm],
    drifts: tuple[Drift, ...],
    progress: Callable[[str], None] = lambda _: None,
) -> Advice:
    """What to do about the model. Of feeds that are wrong nothing can be learned, so they come first."""
    if bad := stops(alarms):
        named = ", ".join(dict.fromkeys(alarm.about for alarm in bad))
        return Advice("nothing", (f"feeds are wrong, and a model made of them would be too: {named}",))
    stands = retraining.standing(watched.model, tables, as_of, watched.receipt, progress)
    wanted = retraining.wanted(replace(stands, drifted=drifted_weight(drifts)))
    return Advice(ACTIONS[wanted.action], wanted.reasons)


def baseline_at(tables: Tables, model: HealthModel) -> Baseline:
    """What was usual when the model was trained, told from today's tables: for a version registered without one.

    What is wrong with the whole history of a table can't be seen against it.
    """
    at = datetime.fromisoformat(model.card.trained_on["last_as_of"])
    known = outcomes(tables, model.card.grace_days, at)
    start = max(history_starts(known, at), at - PERIOD * (PERIODS_A_YEAR - 1))
    return baseline(tables, build(tables, spine(tables, snapshots(start, at))), model)


def _feeds(tables: Tables, usual: Baseline, as_of: datetime) -> list[FeedSeen]:
    return [
        FeedSeen(
            table.name,
            known_rows(tables, table, as_of, 28).height,
            silence(tables, table, as_of)[0] if table.time else None,
            usual.longest_silence.get(table.name),
        )
        for table in brought(tables)
    ]
