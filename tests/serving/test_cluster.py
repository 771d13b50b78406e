"""Scoring on a cluster: by the command, on Sail in this process, the same scores as the embedded engine's."""

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from pyspark.sql.connect.client import SparkConnectClient
from sqlalchemy import select
from typer.testing import CliRunner

from features.errors import SettingsError, UnavailableError
from features.fingerprint import fingerprint
from features.simulation import simulate
from features.tables import Tables
from serving.cluster import Scored, publish
from serving.errors import HeldBack
from serving.main import app
from serving.schema import books, score_details, scores
from serving.scores import Batch
from serving.scoring import score
from serving.store import ScoreStore
from training.model import HealthModel
from training.tracking import Registry

AS_OF = datetime(2026, 1, 1)
ALIKE = {"rel_tol": 1e-6, "abs_tol": 1e-6}
"""Engines add up in their own order, to the last digits; the model reads 32 bits."""


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The exports that `company` was read from."""
    folder = tmp_path_factory.mktemp("exports")
    simulate(folder, accounts=250, months=24, seed=3)
    return folder


def run(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def listed(store: ScoreStore, batch: Batch) -> pl.DataFrame:
    query = select(scores).where(scores.c.batch_id == batch.batch_id).order_by(scores.c.account_id)
    with store.reading() as connection:
        return pl.DataFrame([row._asdict() for row in connection.execute(query)], infer_schema_length=None)


def detailed(store: ScoreStore, batch: Batch) -> list[dict[str, object]]:
    query = select(score_details).where(score_details.c.batch_id == batch.batch_id).order_by(score_details.c.account_id)
    with store.reading() as connection:
        return [row._asdict() for row in connection.execute(query)]


def book_of(store: ScoreStore, batch: Batch) -> dict[str, object]:
    with store.reading() as connection:
        rows = connection.execute(select(books).where(books.c.batch_id == batch.batch_id)).all()
    return {row.grouping: row.parts for row in rows}


@pytest.mark.parametrize("server", ["sail", "apache_spark"])
def test_the_cluster_says_what_the_embedded_engine_says_and_brings_no_account_here(
    request: pytest.FixtureRequest,
    server: str,
    exports: Path,
    company: tuple[object, HealthModel],
    registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    address = request.getfixturevalue(server)
    brought: list[int] = []
    bring = SparkConnectClient.to_table

    def noted(client: SparkConnectClient, *given: object, **named: object) -> object:
        found = bring(client, *given, **named)  # type: ignore[arg-type]
        brought.append(found[0].num_rows)
        return found

    monkeypatch.setattr(SparkConnectClient, "to_table", noted)
    monkeypatch.setenv("HEALTHSCORE_TRACKING_URI", registry.uri)
    monkeypatch.setenv("HEALTHSCORE_MODEL", registry.name)
    tables, model = company
    given = ["--source", exports, "--as-of", "2026-01-01", "--state", tmp_path]
    said = run("score", *given, "--engine", "spark", "--spark-remote", address, "--output", tmp_path / "scored")
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        on_cluster = store.current()
        assert f"{on_cluster.accounts} accounts scored" in said
        embedded = score(tables, model, store, as_of=AS_OF, known_at=datetime(2027, 1, 1), model_name="churn",
                         model_version="1", data_digest=fingerprint(tables))  # type: ignore[arg-type]  # fmt: skip
        assert on_cluster.data_digest == embedded.data_digest, "the same company"
        found, expected = listed(store, on_cluster), listed(store, embedded)
        assert found.height > 100
        assert_frame_equal(found.drop("batch_id"), expected.drop("batch_id"), **ALIKE)
        for one, other in zip(detailed(store, on_cluster), detailed(store, embedded), strict=True):
            alike(one, other)
        alike(book_of(store, on_cluster), book_of(store, embedded))
        held_back(tmp_path / "scored", store, tables, model, embedded)  # type: ignore[arg-type]
    assert max(brought) < 60, "medians of peers, and single figures"
    parts = pl.read_parquet(tmp_path / "scored" / "*.parquet")  # Apache Spark writes sums beside them
    assert parts.height == on_cluster.accounts
    assert {file.name for file in tmp_path.iterdir()} >= {"scored", "scores.db"}
    assert not list(tmp_path.glob("healthscore-*")), "what lay between is gone"


def held_back(folder: Path, store: ScoreStore, tables: Tables, model: HealthModel, published: Batch) -> None:
    """What looks at the feeds is shown every account's signals, and what it holds back isn't published."""
    seen: list[pl.DataFrame] = []

    def gate(matrix: pl.DataFrame) -> None:
        seen.append(matrix)
        raise HeldBack([{"kind": "zeros", "about": "usage_daily.events", "cause": "", "next_step": ""}])

    scored = Scored(str(folder), published.accounts, {}, {})
    with pytest.raises(HeldBack, match="usage_daily"):
        publish(store, scored, tables, model, as_of=AS_OF, targets={}, grace_days=30, gate=gate)
    assert seen[0].height == published.accounts
    assert {"as_of", "arr_in_force", *model.card.signals} <= set(seen[0].columns)
    assert store.current() == published


def alike(found: object, expected: object) -> None:
    """The same texts, and the same figures but for their last digits."""
    one, other = flat(found), flat(expected)
    assert one.keys() == other.keys()
    figures = [name for name, value in other.items() if isinstance(value, float)]
    assert [one[name] for name in figures] == pytest.approx([other[name] for name in figures], rel=1e-6, abs=1e-6)
    assert {name: one[name] for name in one.keys() - set(figures)} == {
        name: other[name] for name in other.keys() - set(figures)
    }


def flat(value: object, path: str = "") -> dict[str, object]:
    """The leaves of nested values by their path, but for the batch they are in."""
    if isinstance(value, dict):
        return {key: leaf for name, each in value.items() for key, leaf in flat(each, f"{path}/{name}").items()
                if name != "batch_id"}  # fmt: skip
    if isinstance(value, list):
        return {key: leaf for place, each in enumerate(value) for key, leaf in flat(each, f"{path}/{place}").items()}
    return {path: value}


@pytest.mark.parametrize(
    "words, says",
    [
        (["--engine", "spark"], "--output FOLDER together"),
        (["--output", "x"], "--output FOLDER together"),
        (["--no-publish"], "--no-publish needs --engine spark"),
    ],
)
def test_wrong_usage_is_one_message(words: list[str], says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["score", *words, "--state", str(tmp_path)])
    assert isinstance(done.exception, SettingsError)
    assert says in str(done.exception)


def test_what_can_not_be_read_from_here_is_named(tmp_path: Path) -> None:
    away = Scored(str(tmp_path / "elsewhere"), 1, {}, {})
    with pytest.raises(UnavailableError, match=r"elsewhere.*both reach"):
        list(away.scores())
