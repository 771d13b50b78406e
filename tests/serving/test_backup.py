"""A backup is of one moment whatever is written meanwhile, and comes back whole, in any folder, or not at all."""

import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import mlflow
import pytest
from typer.testing import CliRunner

from serving.backup import backup, restore
from serving.errors import BadBackup
from serving.main import app
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from training.tracking import Registry

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOW = datetime(2026, 11, 2)


@pytest.fixture
def state(tmp_path: Path, registry: Registry, make_batch: MakeBatch, make_score: MakeScore) -> Path:
    """A folder of local state: a store with one batch, and the registry of three versions, moved there by a restore."""
    folder = tmp_path / "state"
    backup(registry.artifacts.parent, tmp_path / "registry.tar", now=NOW)
    restore(tmp_path / "registry.tar", folder)
    with ScoreStore.open(f"sqlite:///{folder / 'scores.db'}") as store:
        store.publish(make_batch(1), [make_score("a")])
    return folder


def registry_in(folder: Path) -> Registry:
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts", "churn")


def test_it_comes_back_in_another_folder_when_the_first_is_gone(
    state: Path, tmp_path: Path, registry: Registry
) -> None:
    expected, _ = registry.load("1")
    kept = backup(state, tmp_path / "deep" / "kept.tar", now=NOW)
    assert kept.parts == ("artifacts", "mlflow.db", "scores.db")
    assert (tmp_path / "deep" / "kept.tar").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["kept.tar"]
    shutil.rmtree(state)
    elsewhere = tmp_path / "else where"
    restore(tmp_path / "deep" / "kept.tar", elsewhere)
    assert sorted(file.name for file in elsewhere.iterdir()) == ["artifacts", "mlflow.db", "scores.db"]
    with ScoreStore.open(f"sqlite:///{elsewhere / 'scores.db'}") as store:
        assert store.current().accounts == 1
    restored = registry_in(elsewhere)
    model, version = restored.load("1")
    assert (version.number, model.card) == ("1", expected.card)
    assert restored.receipt("1") == registry.receipt("1")
    with closing(sqlite3.connect(elsewhere / "mlflow.db")) as connection:
        dump = "\n".join(connection.iterdump())
    assert str(state) not in dump, "no address of the old folder is left"
    assert mlflow.get_tracking_uri() != restored.uri


def test_a_writer_may_write_meanwhile(
    state: Path, tmp_path: Path, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    """Every copy is a whole number of batches, each whole."""
    done, began = threading.Event(), threading.Event()
    published = []

    def write() -> None:
        with ScoreStore.open(f"sqlite:///{state / 'scores.db'}") as store:
            for day in range(1, 400):
                store.publish(make_batch(200, day=day), [make_score(f"a{number}") for number in range(200)])
                published.append(day)
                if day == 2:
                    began.set()
                if done.is_set():
                    return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert began.wait(60)
        seen = len(published)
        backup(state, tmp_path / "kept.tar", now=NOW)
    finally:
        done.set()
        writer.join()
    restore(tmp_path / "kept.tar", tmp_path / "restored")
    with closing(sqlite3.connect(tmp_path / "restored" / "scores.db")) as connection:
        counts = connection.execute("SELECT count(*) FROM scores GROUP BY batch_id").fetchall()
        batches = connection.execute("SELECT count(*) FROM batches").fetchone()
    assert sorted(counts) == [(1,), *[(200,)] * (batches[0] - 1)]
    assert batches[0] - 1 >= seen


def test_nothing_is_overwritten(state: Path, tmp_path: Path) -> None:
    backup(state, tmp_path / "kept.tar", now=NOW)
    before = (state / "scores.db").read_bytes()
    with pytest.raises(BadBackup, match=r"holds artifacts and mlflow\.db and scores\.db already"):
        restore(tmp_path / "kept.tar", state)
    assert (state / "scores.db").read_bytes() == before


def test_a_damaged_backup_is_refused_whole(state: Path, tmp_path: Path) -> None:
    backup(state, tmp_path / "kept.tar", now=NOW)
    content = (tmp_path / "kept.tar").read_bytes()
    damaged = tmp_path / "damaged.tar"
    at = content.rindex(b"lightgbm" if b"lightgbm" in content else b"tree")
    for changed, says in (
        (content[:at] + b"X" + content[at + 1 :], "damaged"),
        (content[: len(content) // 2], "no backup|damaged"),
        (b"not a tar", "no backup"),
    ):
        damaged.write_bytes(changed)
        with pytest.raises(BadBackup, match=says):
            restore(damaged, tmp_path / "restored")
        assert not list((tmp_path / "restored").iterdir())


def test_a_tar_that_reaches_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "evil").write_text("x")
    with tarfile.open(tmp_path / "evil.tar", "w") as tar:
        tar.add(tmp_path / "evil", "../../evil")
    with pytest.raises(BadBackup, match="no backup"):
        restore(tmp_path / "evil.tar", tmp_path / "restored")


def test_the_commands(tmp_path: Path, make_batch: MakeBatch, make_score: MakeScore) -> None:
    def run(*words: object) -> str:
        done = CliRunner().invoke(app, [*map(str, words)])
        return done.output + str(done.exception or "")

    assert "holds no scores.db" in run("backup", tmp_path / "kept.tar", "--state", tmp_path / "state")
    with ScoreStore.open(f"sqlite:///{tmp_path / 'state' / 'scores.db'}") as store:
        store.publish(make_batch(1), [make_score("a")])
    assert "scores.db copied to" in run("backup", tmp_path / "kept.tar", "--state", tmp_path / "state")
    assert "scores.db restored to" in run("restore", tmp_path / "kept.tar", "--state", tmp_path / "other")
    with ScoreStore.open(f"sqlite:///{tmp_path / 'other' / 'scores.db'}") as store:
        assert store.current().accounts == 1


def test_what_lies_on_postgresql_is_said_not_to_be_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHSCORE_TRACKING_URI", "postgresql://a@b/c")
    ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}").close()
    done = CliRunner().invoke(app, ["backup", str(tmp_path / "kept.tar"), "--state", str(tmp_path)])
    assert "The tracking database in force lies elsewhere" in done.output
    assert "score store in force" not in done.output
