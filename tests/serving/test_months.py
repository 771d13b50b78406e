"""21 months one after another, unattended: how many leave changes at the twelfth, and the job sets it right.

The book is small and brings contracts and usage only, so that a month takes seconds. From the twelfth month on, each
renewal also fails by chance, as after a price rise: about three times as many leave. A large book, in which only a
segment changes, is for `tests/benchmarks/months.py`.
"""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
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
from training.evaluation import churned_within
from training.floors import Floor, to_json
from training.monitoring.baseline import baseline
from training.outcomes import outcomes
from training.tracking import BASELINE, CHAMPION, Registry
from training.train import history_starts, train

MONTHS, CHANGES = 21, 12
BEGIN = datetime(2024, 2, 1)
CHANGED, LAST = BEGIN + PERIOD * CHANGES, BEGIN + PERIOD * MONTHS
END = LAST + PERIOD * 4
"""Of the extract: what came after the last run says whether its risks were true."""
FAILS = 0.03
"""How probable it is, from `CHANGED` on, that a renewal fails which would not have, per month of the term before it."""
PROVEN = to_json(
    [
        Floor("better_than_chance", 0.7, 0.6, 0.8, "above 0.5", "passed", "Better."),
        Floor("expected_to_actual", 1.0, 0.9, 1.1, "0.85 to 1.15", "passed", "As many."),
    ]
)


def change(company: Path) -> None:
    """Have renewals fail from `CHANGED` on, with all that the account would have signed after them."""
    signed = pl.read_csv(company / "contracts.csv", infer_schema=False)
    begins, ends = (pl.col(name).str.to_datetime() for name in ("term_start", "term_end"))
    months = ((ends - begins).dt.total_days() / PERIOD.days).fill_null(13.0)
    renewals = signed.filter(begins >= CHANGED, pl.col("kind") == "subscription").with_columns(begins=begins)
    renewals = renewals.sort("begins", "contract_id")
    fails = pl.Series(np.random.default_rng(1).random(renewals.height)) < 1 - (1 - FAILS) ** months
    failed = renewals.filter(fails).group_by("account_id").agg(left=pl.col("begins").min())
    kept = signed.join(failed, on="account_id", how="left").filter((begins < pl.col("left")).fill_null(value=True))
    kept.drop("left").write_csv(company / "contracts.csv")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Tables]:
    """A company, and a champion of what was known at the beginning."""
    folder = tmp_path_factory.mktemp("months")
    company = folder / "company"
    simulate(company, accounts=700, months=46, seed=5, end=END, dirty=False)
    for table in company.glob("*.*"):
        if table.stem not in {"accounts", "contracts", "usage_daily", "mapping"}:
            table.unlink()
    change(company)
    with open_source(company) as source:
        tables = check(source).tables
    known = outcomes(tables, until=BEGIN)
    matrix = build(tables, spine(tables, snapshots(history_starts(known, BEGIN), BEGIN)))
    newest = matrix.filter(pl.col("as_of") == BEGIN)
    model = train(matrix, known)
    kept = {BASELINE: baseline(tables, matrix, model).to_json()}
    Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts").register(
        model, parameters={}, metrics={}, texts=kept, tags={"floors": PROVEN}, newest=newest, promote=True
    )
    return Settings(source=str(company), state=folder), tables


@pytest.fixture(scope="module")
def done(home: tuple[Settings, Tables]) -> list[Summary]:
    """What the job did in each month."""
    settings, _ = home
    moments = [BEGIN + PERIOD * month for month in range(MONTHS + 1)]
    return [run(settings, as_of=at, now=at + timedelta(hours=4), report=lambda _: None) for at in moments]


def noticed(done: list[Summary]) -> list[Summary]:
    """The runs that found the calibration out of bounds after the change."""
    since = [summary for summary in done if summary.as_of > CHANGED]
    return [summary for summary in since if any("calibration" in why for why in summary.retraining.reasons)]


def test_every_month_was_published_once_and_whole(home: tuple[Settings, Tables], done: list[Summary]) -> None:
    assert [summary.outcome for summary in done] == ["published"] * (MONTHS + 1)
    with ScoreStore.open(home[0].score_store) as store, store.reading() as connection:
        told = dict(connection.execute(select(batches.c.batch_id, batches.c.accounts)).all())
        there = select(scores.c.batch_id, func.count()).group_by(scores.c.batch_id)
        assert dict(connection.execute(there).all()) == told
        assert store.current().as_of == LAST
    assert not any(summary.late for summary in done)


def test_the_change_is_noticed_within_two_months_of_matured_outcomes_and_set_right(done: list[Summary]) -> None:
    first = noticed(done)[0]
    assert first.as_of <= CHANGED + PERIOD * 4, "30-day risks of the first month mature within two"
    assert first.retraining.action == "recalibrate"
    assert first.retraining.decision == "promoted", first.retraining.decision_reason
    assert first.model_version == first.retraining.version


def test_expected_comes_back_to_actual(home: tuple[Settings, Tables], done: list[Summary]) -> None:
    settings, tables = home
    columns = (batches.c.as_of, scores.c.account_id, scores.c.risk_90d)
    query = select(*columns).join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    with ScoreStore.open(settings.score_store) as store, store.reading() as connection:
        rows = pl.DataFrame(
            [tuple(row) for row in connection.execute(query)],
            schema={"as_of": pl.Datetime("us"), "account_id": pl.String, "risk": pl.Float64},
            orient="row",
        )
    told = churned_within(rows, outcomes(tables), 90)

    def ratio(begin: datetime, end: datetime) -> float:
        published = told.filter(pl.col("as_of").is_between(begin, end))
        return float(published["risk"].sum()) / float(published["churned"].sum())

    set_right = noticed(done)[0].as_of
    assert ratio(CHANGED, set_right - PERIOD) < 0.6, "what was published before anybody could know"
    assert 0.85 <= ratio(set_right + PERIOD * 2, LAST) <= 1.15


def test_where_what_was_trained_fails_its_floors_the_level_is_set_right_and_training_waits(
    home: tuple[Settings, Tables], done: list[Summary]
) -> None:
    registry = Registry(home[0].tracking, home[0].state / "artifacts", home[0].model)
    run = next(each for each in done if "stays challenger: floors failed" in each.retraining.reasons[-1])
    did = run.retraining
    assert (did.action, did.decision, run.model_version) == ("recalibrate", "promoted", did.version)
    assert did.version is not None
    trained = registry.find(str(int(did.version) - 1))
    assert trained.tags["decision"] == "kept_challenger"
    assert "recalibrated_from" not in trained.tags
    after = [each.retraining for each in done if each.as_of > run.as_of]
    assert after
    for later in after:
        assert later.action == "none"
        assert later.reasons[-1].startswith(f"but to train was tried for {run.as_of:%Y-%m-%d}: again from ")


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
    for version in registry.versions()[:-1]:
        assert ('"failed"' in version.tags["floors"]) is (version.tags["decision"] == "kept_challenger")
