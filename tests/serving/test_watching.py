"""A wrong feed holds the scores back, a person may let them through, and what was seen is shown to Prometheus."""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from features.cli import read
from features.errors import SettingsError
from features.matrix import build
from features.periods import PERIOD, snapshots
from features.quality import check
from features.settings import Settings
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from serving import job_cli
from serving.errors import HeldBack
from serving.job import Summary, run
from serving.looks import last_look
from serving.metrics import Metrics
from serving.publish_anyway import Override, override_of
from serving.said import opinions_given, published
from serving.schema import batches, let_through
from serving.store import ScoreStore
from serving.watching import monitor
from training.monitoring.baseline import baseline
from training.outcomes import outcomes
from training.tracking import BASELINE, CHAMPION, Registry
from training.train import train

END = datetime(2026, 1, 1)
NIGHT = END + timedelta(hours=4)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company and a registry whose champion knows what was usual."""
    folder = tmp_path_factory.mktemp("home")
    simulate(folder / "company", accounts=150, months=12, seed=3, dirty=False)
    with open_source(folder / "company") as source:
        tables = check(source).tables
    matrix = build(tables, spine(tables, snapshots(END - PERIOD * 5, END)))
    newest = matrix.filter(pl.col("as_of") == END)
    model = train(newest, outcomes(tables))
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    kept = {BASELINE: baseline(tables, matrix, model).to_json()}
    registry.register(model, parameters={}, metrics={}, texts=kept, tags={}, newest=newest, promote=True)
    return folder


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Settings:
    """A state and a company of the test's own."""
    shutil.copy(home / "mlflow.db", tmp_path / "mlflow.db")
    shutil.copytree(home / "company", tmp_path / "company")
    return Settings(source=str(tmp_path / "company"), state=tmp_path, retrain="never")


def usage(settings: Settings, change) -> None:
    """Change the company's export of usage from December on; None leaves it out."""
    file = Path(settings.source) / "usage_daily.parquet"
    rows = pl.read_parquet(file)
    new = pl.col("date").cast(pl.Date) >= datetime(2025, 12, 4).date()
    if change is None:
        rows.filter(~new).write_parquet(file)
    else:
        rows.with_columns(
            pl.when(new).then((pl.col(name) * change).cast(rows[name].dtype)).otherwise(name).alias(name)
            for name in ("events", "active_users")
        ).write_parquet(file)


def job(settings: Settings, override: Override | None = None, now: datetime = NIGHT) -> Summary:
    return run(settings, as_of=None, now=now, report=lambda _: None, override=override)


@pytest.mark.parametrize("change, kind", [(0, "zeros"), (100, "scaled"), (None, "stopped")])
def test_a_bad_feed_publishes_nothing_and_the_old_scores_stay(settings: Settings, change, kind: str) -> None:
    first = job(settings)
    assert (first.outcome, first.let_through) == ("published", ())
    usage(settings, change)
    with pytest.raises(HeldBack) as refused:
        job(settings, now=NIGHT + timedelta(hours=1))
    assert refused.value.exit_code == 8
    assert kind in {alarm["kind"] for alarm in refused.value.alarms}
    assert "usage_daily" in str(refused.value)
    with ScoreStore.open(settings.score_store) as store, store.reading() as connection:
        assert store.current().batch_id == first.batch_id
        assert connection.scalar(select(func.count()).select_from(batches)) == 1


def test_a_person_lets_scores_through_and_it_is_recorded(settings: Settings) -> None:
    job(settings)
    usage(settings, 0)
    done = job(settings, Override("ada", "usage was reset on purpose"), now=NIGHT + timedelta(hours=1))
    assert done.outcome == "published"
    assert {alarm.kind for alarm in done.let_through} >= {"zeros"}
    assert "a feed is wrong" in done.retraining.reasons[0], "nothing is learned of it"
    with ScoreStore.open(settings.score_store) as store, store.reading() as connection:
        (kept,) = connection.execute(select(let_through)).all()
    assert (kept.author, kept.reason, kept.as_of) == ("ada", "usage was reset on purpose", END)
    assert kept.alarms[0]["next_step"]


def test_the_line_of_a_held_run_says_why(settings: Settings, monkeypatch, tmp_path: Path) -> None:
    usage(settings, 0)
    monkeypatch.chdir(tmp_path)
    words = ["--source", settings.source, "--state", str(tmp_path), "--retrain", "never"]
    held = CliRunner().invoke(job_cli.app, words)
    assert isinstance(held.exception, HeldBack)
    line = json.loads(held.stdout)
    assert (line["outcome"], line["exit_code"]) == ("held", 8)
    assert {"kind", "about", "cause", "next_step"} <= set(line["alarms"][0])
    published_anyway = CliRunner().invoke(job_cli.app, [*words, "--publish-anyway", "it is so"])
    assert json.loads(published_anyway.stdout)["let_through"]


def test_an_override_wants_a_reason() -> None:
    assert override_of(None) is None
    assert override_of(" because ").reason == "because"
    with pytest.raises(SettingsError, match="wants a reason"):
        override_of("  ")


def test_a_look_is_kept_in_the_store_in_mlflow_and_shown_to_prometheus(settings: Settings) -> None:
    job(settings)
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    with ScoreStore.open(settings.score_store) as store:
        before = Metrics(store, lambda: NIGHT).text().decode()
        assert "healthscore_psi" not in before
        checked = read(settings, lambda _: None)
        found, page = monitor(registry, store, checked, alias=CHAMPION, as_of=END, now=NIGHT, report=lambda _: None)
        assert last_look(store) == found.to_json() == registry.monitoring()
        assert last_look(store, before=END) is None
        assert published(store, END).height == found.accounts
        assert opinions_given(store).is_empty()
        shown = Metrics(store, lambda: NIGHT).text().decode()
    assert found.held == ()
    assert "<h2>Feeds</h2>" in page
    assert 'healthscore_advice_info{action="nothing"} 1.0' in shown
    assert 'healthscore_psi{name="health",segment=""}' in shown
    assert "healthscore_look_age_seconds 14400.0" in shown
    assert 'healthscore_expected_auc{days="90"}' in shown
    (run_of,) = registry.client.search_runs(
        [registry.client.get_experiment_by_name("healthscore").experiment_id], "tags.kind = 'monitoring'"
    )
    assert run_of.data.metrics["alarms_stop"] == 0
    assert run_of.data.tags["model_version"] == "1"
    assert registry.find().tags["monitored_by"] == run_of.info.run_id
    assert {"monitoring.json", "monitoring.html"} <= {
        file.path for file in registry.client.list_artifacts(run_of.info.run_id)
    }
