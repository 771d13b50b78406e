"""Months one after another, unattended: a level that is wrong is noticed, set right and promoted, all by the job.

The book is small, so the champion begins with a level that is far off: with some five leavers a month, less than that
couldn't be told from chance within months. A change of regime in a large book is for `tests/benchmarks/months.py`.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import copyfile

import polars as pl
import pytest
from sqlalchemy import func, select

from features.matrix import build
from features.periods import PERIOD, snapshots
from features.quality import check
from features.settings import Settings
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from features.tables import Tables
from serving.job import Summary, run
from serving.schema import batches, scores
from serving.store import ScoreStore
from training.floors import Floor, to_json
from training.monitoring.baseline import baseline
from training.outcomes import outcomes
from training.tracking import BASELINE, CHAMPION, Registry
from training.train import train

END = datetime(2026, 1, 1)
MONTHS = 6
BEGIN = END - PERIOD * MONTHS
PROVEN = to_json(
    [
        Floor("better_than_chance", 0.7, 0.6, 0.8, "above 0.5", "passed", "Better."),
        Floor("expected_to_actual", 1.0, 0.9, 1.1, "0.85 to 1.15", "passed", "As many."),
    ]
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Tables]:
    """A company, and a champion of the scorecard that expects a quarter of those who leave."""
    folder = tmp_path_factory.mktemp("months")
    simulate(folder / "company", accounts=450, months=14, seed=5, dirty=False)
    with open_source(folder / "company") as source:
        tables = check(source).tables
    matrix = build(tables, spine(tables, snapshots(BEGIN - PERIOD * 3, BEGIN)))
    newest = matrix.filter(pl.col("as_of") == BEGIN)
    model = train(newest, outcomes(tables, until=BEGIN))
    wrong = replace(model.churn.calibration, intercept=model.churn.calibration.intercept - 1.5)
    kept = {BASELINE: baseline(tables, matrix, model).to_json()}
    Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts").register(
        replace(model, churn=replace(model.churn, calibration=wrong)),
        parameters={}, metrics={}, texts=kept, tags={"floors": PROVEN}, newest=newest, promote=True,
    )  # fmt: skip
    copyfile(folder / "mlflow.db", folder / "untouched.db")
    return Settings(source=str(folder / "company"), state=folder), tables


@pytest.fixture(scope="module")
def done(home: tuple[Settings, Tables]) -> list[Summary]:
    """What the job did in each month."""
    settings, _ = home
    moments = [BEGIN + PERIOD * month for month in range(MONTHS + 1)]
    return [run(settings, as_of=at, now=at + timedelta(hours=4), report=lambda _: None) for at in moments]


def test_every_month_was_published_once_and_whole(home: tuple[Settings, Tables], done: list[Summary]) -> None:
    assert [summary.outcome for summary in done] == ["published"] * (MONTHS + 1)
    with ScoreStore.open(home[0].score_store) as store, store.reading() as connection:
        told = dict(connection.execute(select(batches.c.batch_id, batches.c.accounts)).all())
        there = select(scores.c.batch_id, func.count()).group_by(scores.c.batch_id)
        assert dict(connection.execute(there).all()) == told
        assert store.current().as_of == END
    assert not any(summary.late for summary in done)


def test_the_wrong_level_is_noticed_within_two_months_of_matured_outcomes_and_set_right(done: list[Summary]) -> None:
    noticed = [summary for summary in done if any("calibration" in why for why in summary.retraining.reasons)]
    first = noticed[0]
    assert first.as_of <= BEGIN + PERIOD * 4, "30-day risks of the first month mature within two"
    assert first.retraining.action == "recalibrate"
    assert first.retraining.decision == "promoted", first.retraining.decision_reason
    assert first.model_version == first.retraining.version
    later = [summary for summary in done if summary.as_of > first.as_of]
    assert later
    assert not any("calibration" in why for summary in later for why in summary.retraining.reasons)


def test_where_what_was_trained_fails_its_floors_the_level_is_set_right_all_the_same(
    home: tuple[Settings, Tables], tmp_path: Path
) -> None:
    copyfile(home[0].state / "untouched.db", tmp_path / "mlflow.db")
    settings = Settings(source=home[0].source, state=tmp_path, retrain="always")
    as_of = BEGIN + PERIOD * 4
    did = run(settings, as_of=as_of, now=as_of + timedelta(hours=4), report=lambda _: None).retraining
    assert (did.action, did.decision, did.version) == ("recalibrate", "promoted", "3"), did
    assert did.reasons[-1].startswith("version 2, trained for it, stays challenger: floors failed")
    versions = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    assert [versions.find(number).tags["decision"] for number in ("2", "3")] == ["kept_challenger", "promoted"]


def test_who_became_champion_did_so_by_floors_and_every_decision_is_told(
    home: tuple[Settings, Tables], done: list[Summary]
) -> None:
    settings, _ = home
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    decided = [summary.retraining for summary in done if summary.retraining.decision]
    promoted = [each.version for each in decided if each.decision == "promoted"]
    assert registry.champions.history() == ["1", *promoted]
    assert registry.load(CHAMPION)[1].number == done[-1].model_version
    for each in decided:
        tags = registry.find(each.version).tags
        assert (tags["decision"], tags["decision_reason"]) == (each.decision, each.decision_reason)
        assert ('"failed"' in tags["floors"]) is (each.decision == "kept_challenger")
    assert len(registry.versions()) == 1 + len(decided)
