"""The job on a schedule: run twice, late, at once, and killed; on SQLite and PostgreSQL."""

import json
import re
import shutil
import signal
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from features.fingerprint import fingerprint
from features.matrix import build
from features.periods import PERIOD, snapshots
from features.quality import check
from features.settings import Settings
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from serving import compare_cli, job_cli
from serving.errors import AlreadyRunning
from serving.job import BY, Retraining, Summary, run
from serving.job_lock import only_run
from serving.schema import batches, scores, shadow_scores
from serving.shadow import Shadow
from serving.store import ScoreStore
from tests.forking import Forking
from training.errors import FloorsFailed
from training.floors import Floor, to_json
from training.monitoring.baseline import baseline
from training.outcomes import outcomes
from training.promotion import promote
from training.tracking import BASELINE, CHALLENGER, CHAMPION, Registry
from training.train import train

END = datetime(2026, 1, 1)
ROOT = Path(__file__).parents[2]
PROVEN = to_json([Floor("better_than_chance", 0.7, 0.6, 0.8, "above 0.5", "passed", "Better.")])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company, and a registry: version 1 is champion, a run that ended early left version 2 undecided."""
    folder = tmp_path_factory.mktemp("home")
    simulate(folder / "company", accounts=150, months=7, seed=3, dirty=False)
    with open_source(folder / "company") as source:
        tables = check(source).tables
    matrix = build(tables, spine(tables, snapshots(END - PERIOD * 3, END)))
    newest = matrix.filter(pl.col("as_of") == END)
    model = train(newest, outcomes(tables))
    calibration = replace(model.churn.calibration, intercept=model.churn.calibration.intercept + 0.7)
    registry = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")
    kept = {BASELINE: baseline(tables, matrix, model).to_json()}
    undecided = {"made_by": BY, "until": END.isoformat(), "data_digest": fingerprint(tables), "floors": PROVEN}
    for made, tags in (
        (model, {}),
        (replace(model, churn=replace(model.churn, calibration=calibration)), undecided),
    ):
        registry.register(made, parameters={}, metrics={}, texts=kept, tags=tags, newest=newest, promote=not tags)
    return folder


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a state that is the test's own, with the registry of `home`."""
    (tmp_path / "mlflow.db").write_bytes((home / "mlflow.db").read_bytes())

    def make(**given: object) -> Settings:
        return Settings(**{"source": str(home / "company"), "state": tmp_path, "retrain": "never"} | given)

    return make


def job(settings: Settings, as_of: datetime | None = None, now: datetime = END + timedelta(hours=4)) -> Summary:
    return run(settings, as_of=as_of, now=now, report=lambda _: None)


def registry_of(settings: Settings) -> Registry:
    return Registry(settings.tracking, settings.state / "artifacts", settings.model)


def test_again_publishes_nothing_new_and_late_changes_nothing_that_is_shown(
    settings: Callable[..., Settings], url: str
) -> None:
    first = job(settings(store=url))
    assert (first.outcome, first.as_of, first.model_version, first.late) == ("published", END, "1", False)
    again = job(settings(store=url), now=END + timedelta(hours=5))
    assert again == replace(first, outcome="nothing_new")
    late = job(settings(store=url), END - PERIOD)
    assert (late.outcome, late.as_of, late.late) == ("published", END - PERIOD, True)
    assert job(settings(store=url), END - PERIOD, END + timedelta(hours=6)).outcome == "nothing_new"
    with ScoreStore.open(url) as store, store.reading() as connection:
        assert store.current().batch_id == first.batch_id
        assert connection.scalar(select(func.count()).select_from(batches)) == 2


def test_another_version_is_published(settings: Callable[..., Settings]) -> None:
    first = job(settings())
    registry_of(settings()).champions.promote("2", at=END, by="ada", reason="better")
    second = job(settings(), now=END + timedelta(hours=5))
    assert (second.outcome, second.model_version, second.accounts) == ("published", "2", first.accounts)
    assert second.batch_id != first.batch_id


HOLDING = """
import signal, sys
from serving.job_lock import only_run
from serving.store import ScoreStore

with ScoreStore.open(sys.argv[1]) as store, only_run(store):
    print("held", flush=True)
    signal.pause()
"""


def test_one_run_at_a_time_and_the_lock_dies_with_its_process(
    settings: Callable[..., Settings], url: str, forking: Forking
) -> None:
    holder = forking.start(HOLDING, url)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(AlreadyRunning, match="another run is at work") as refused:
        job(settings(store=url))
    assert refused.value.exit_code == 6
    holder.kill()
    holder.communicate()
    assert job(settings(store=url)).outcome == "published"
    assert job(settings(store=url)).outcome == "nothing_new"


def test_what_a_run_raises_isnt_told_as_the_stores_own(store: ScoreStore) -> None:
    theirs = OperationalError("SELECT 1", {}, Exception("the registry's database"))
    with pytest.raises(OperationalError) as raised, only_run(store):
        raise theirs
    assert raised.value is theirs
    with only_run(store):
        pass


# Forks a process for each run, which it kills after a moment of its own.
KILLED = """
import json, os, random, signal, time
from datetime import datetime, timedelta
from pathlib import Path
from features.settings import Settings
from serving.job import run

random.seed(5)
settings = Settings(**json.loads({given!r}))

def begin(day):
    child = os.fork()
    if child == 0:
        try:
            as_of = datetime(2026, 1, 1) - timedelta(days=day)
            run(settings, as_of=as_of, now=as_of + timedelta(hours=4), report=lambda _: None)
        finally:
            os._exit(0)
    return child

began = time.perf_counter()
os.waitpid(begin(1), 0)
took = time.perf_counter() - began
killed = []
for day in range(2, 2 + {times}):
    child = begin(day)
    time.sleep(random.uniform(0.1, 0.7) * took)
    os.kill(child, signal.SIGKILL)
    killed.append(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
print(json.dumps(killed))
"""
TIMES = 5


def test_killed_at_any_moment_nothing_is_torn_and_the_next_run_goes_on(
    settings: Callable[..., Settings], url: str, forking: Forking
) -> None:
    given = settings(store=url)
    program = KILLED.format(given=given.model_dump_json(exclude_none=True), times=TIMES)
    done = forking.run(program)
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout)) >= 2, "too few were killed before they were done"
    with ScoreStore.open(url) as store, store.reading() as connection:
        told = dict(connection.execute(select(batches.c.batch_id, batches.c.accounts)).all())
        there = select(scores.c.batch_id, func.count()).group_by(scores.c.batch_id)
        assert dict(connection.execute(there).all()) == told
    for day in (TIMES + 1, TIMES + 1):
        last = job(given, END - timedelta(days=day))
    assert last.outcome == "nothing_new"


TRAINED = """
import json, os, signal
from datetime import datetime
from mlflow import MlflowClient
from features.settings import Settings
from serving.job import run

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

MlflowClient.set_registered_model_alias = die
run(Settings(**json.loads({given!r})), as_of=None, now=datetime(2026, 1, 1, 4), report=lambda _: None)
"""


def test_killed_between_registering_and_deciding_the_next_run_decides(
    home: Path, tmp_path: Path, forking: Forking
) -> None:
    """The first run of all, of a company too young for a proof: it dies when the version is there and no alias is."""
    shutil.copytree(home / "company", tmp_path / "young")
    contracts = pl.read_csv(tmp_path / "young" / "contracts.csv", infer_schema=False)
    contracts.filter(pl.col("term_start") > "2025-09-01").write_csv(tmp_path / "young" / "contracts.csv")
    given = Settings(source=str(tmp_path / "young"), state=tmp_path)
    done = forking.run(TRAINED.format(given=given.model_dump_json(exclude_none=True)))
    assert done.returncode == -signal.SIGKILL, done.stderr
    registry = registry_of(given)
    assert (len(registry.versions()), registry.has(CHAMPION)) == (1, False)
    summary = job(given)
    assert (summary.outcome, summary.model_version, summary.proven) == ("published", "1", False)
    assert summary.retraining.reasons == ("version 1 was made by a run that ended before it decided",)
    assert summary.retraining.decision_reason == "unproven: the first version, until there is a proven one"
    assert len(registry.versions()) == 1
    again = job(given)
    assert (again.outcome, again.retraining.action) == ("nothing_new", "none")
    assert len(registry.versions()) == 1


def test_where_the_first_version_fails_its_floors_a_person_is_asked(settings: Callable[..., Settings]) -> None:
    given = settings(retrain="auto")
    registry = registry_of(given)
    registry.client.delete_registered_model_alias(registry.name, CHAMPION)
    fallen = to_json([Floor("red_band", 1.2, 0.8, 1.5, "at least 3", "failed", "Too few.")])
    registry.client.set_model_version_tag(registry.name, "2", "floors", fallen)
    for _ in range(2):
        with pytest.raises(FloorsFailed, match=r"version 2 stays challenger: .*Too few.*promote 2 --force") as refused:
            job(given)
        assert refused.value.exit_code == 7
    with ScoreStore.open(given.score_store) as store:
        assert store.at() is None
    promote(registry, "2", at=END, by="ada", reason="better than nothing", force=True)
    assert job(given).model_version == "2"


def test_what_an_earlier_run_left_undecided_is_decided_by_its_floors(settings: Callable[..., Settings]) -> None:
    summary = job(settings(retrain="auto"))
    assert (summary.model_version, summary.proven) == ("2", True)
    assert summary.retraining.decision == "promoted"
    registry = registry_of(settings())
    assert registry.champions.history() == ["1", "2"]
    assert not registry.has(CHALLENGER)
    assert registry.find("2").tags["promoted_by"] == "healthscore run"


def test_a_day_the_champion_already_knows_more_than_is_not_trained_for(settings: Callable[..., Settings]) -> None:
    job(settings(retrain="auto"))
    for wanted in ("auto", "always"):
        summary = job(settings(retrain=wanted), END - PERIOD)
        assert summary.retraining.action == "none"
        assert "knows later outcomes" in summary.retraining.reasons[0]


def test_the_challengers_scores_are_kept_apart_and_compared(
    settings: Callable[..., Settings], url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = job(settings(store=url), END - 4 * PERIOD)
    beside = job(settings(store=url, shadow=True), END - 4 * PERIOD)
    assert (beside.outcome, beside.batch_id) == ("nothing_new", alone.batch_id), "it can be made up for later"
    assert beside.shadow == Shadow("2", alone.accounts, beside.shadow.band_changes)
    assert beside.shadow.band_changes > 0, "its level is another one"
    assert job(settings(store=url, shadow=True), END - 4 * PERIOD).shadow == beside.shadow
    with ScoreStore.open(url) as store, store.reading() as connection:
        shown = dict(connection.execute(select(scores.c.account_id, scores.c.health)).all())
        said = dict(connection.execute(select(shadow_scores.c.account_id, shadow_scores.c.health)).all())
    assert shown.keys() == said.keys()
    assert sum(said[account] < health for account, health in shown.items()) > len(shown) / 2
    monkeypatch.setenv("HEALTHSCORE_STORE", url)
    compare_cli.compare(source=settings().source, state=settings().state)
    told = " ".join(capsys.readouterr().out.split())
    assert "neither was proven" in told
    assert re.search(rf"\b{beside.shadow.band_changes} accounts change band", told)
    assert "correlates 1.00" in told
    assert re.search(r"In use, 30 days: \d+ scores, \d+ churns", told)


def test_standard_output_is_one_line_of_json(
    settings: Callable[..., Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings()
    job_cli.run(source=given.source, state=given.state, retrain="never")
    line = json.loads(capsys.readouterr().out)
    assert (line["outcome"], line["as_of"]) == ("published", "2026-01-01T00:00:00Z")
    assert list(line) == [field.name for field in fields(Summary)]
    with pytest.raises(AlreadyRunning), ScoreStore.open(given.score_store) as store, only_run(store):
        job_cli.run(source=given.source, state=given.state, retrain="never")
    line = json.loads(capsys.readouterr().out)
    assert (line["outcome"], line["exit_code"]) == ("failed", 6)
    assert "another run" in line["error"]


def test_every_field_of_the_line_is_documented() -> None:
    page = (ROOT / "serving" / "README.md").read_text()
    of_line = page[page.index("## On a schedule") :]
    for shown in (Summary, Retraining, Shadow):
        for field in fields(shown):
            assert f"`{field.name}`" in of_line, field.name
