"""A real MLflow registry on SQLite."""

import os
from datetime import datetime
from functools import partial
from pathlib import Path

import mlflow
import numpy as np
import polars as pl
import pytest

from features.tables import Tables
from training import versions
from training.errors import RegistryUnavailable
from training.proof import prove
from training.receipt import Receipt
from training.tracking import CHALLENGER, CHAMPION, Registry, example
from training.train import Recipe
from training.versions import make_version

END = datetime(2026, 1, 1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("registry")
    return Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts")


def some(company, accounts: int) -> Tables:
    """The tables of the company's first accounts."""
    kept = company.matrix["account_id"].unique().sort().head(accounts)
    of_kept = {
        name: frame.filter(pl.col("account_id").is_in(kept.implode())) for name, frame in company.tables.frames.items()
    }
    return Tables(company.tables.extracted_at, of_kept)


@pytest.fixture(scope="module")
def made(company, registry):
    """With few draws behind its intervals: nothing here is about how wide they are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(versions, "prove", partial(prove, resamples=40))
        return make_version(some(company, 250), registry, until=END, recipe=company.recipe)


def test_the_first_version_is_champion_and_proven(made, registry) -> None:
    assert (made.version.number, made.version.alias) == ("1", CHAMPION)
    assert made.receipt is not None
    assert made.receipt.folds[-1].as_of == datetime(2025, 8, 14)
    found = made.receipt.entry(90).figures["auc"].value
    assert 0.6 < found < 0.98, "0.98 and more would be a leak"
    run = registry.client.get_run(made.version.run_id)
    assert run.data.metrics["auc_90d"] == pytest.approx(found)
    assert run.data.params["seed"] == "7"
    assert run.data.tags["catalogue_digest"] == made.model.card.catalogue_digest
    assert {"data_digest", "code_version", "mode"} <= set(run.data.tags)


def test_the_receipt_comes_with_the_version_as_json_page_plots_and_table(made, registry) -> None:
    assert Receipt.from_json(registry.receipt()) == made.receipt
    paths = {file.path for file in registry.client.list_artifacts(made.version.run_id)}
    assert {"receipt.json", "receipt.html", "model_card.md", "plots", "tables"} <= paths


def test_the_interval_of_a_proven_model_is_how_far_its_past_self_puts_accounts(made) -> None:
    assert 2.0 <= made.model.card.spread < 10.0


@pytest.fixture
def young(company) -> Tables:
    """Day one: the contracts began yesterday, so far as anyone knows."""
    contracts = company.tables["contracts"].filter(pl.col("term_start") > datetime(2025, 11, 20))
    return Tables(company.tables.extracted_at, dict(company.tables.frames) | {"contracts": contracts})


def test_a_version_of_one_day_is_registered_as_unproven(young: Tables, tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'mlflow.db'}", tmp_path / "artifacts")
    made = make_version(young, registry, until=END, recipe=Recipe())
    assert (made.receipt, made.model.card.mode, made.model.card.spread) == (None, "prior only", 10.0)
    assert "begin earlier" in made.unproven
    assert registry.receipt() is None


def test_what_is_loaded_scores_the_same_to_the_bit(company, made, registry) -> None:
    newest = company.matrix.filter(pl.col("as_of") == END)
    model, version = registry.load()
    assert version.number == made.version.number
    assert model.score(newest).equals(made.model.score(newest))
    assert registry.load("1")[0].card == model.card


def test_mlflow_loads_it_without_this_project_saying_how(company, made, registry) -> None:
    before = dict(os.environ)
    frame = example(company.matrix.filter(pl.col("as_of") == END), made.model)
    mlflow.set_tracking_uri(registry.uri)
    try:
        model = mlflow.pyfunc.load_model(f"models:/{registry.name}@{CHAMPION}")
        predicted = model.predict(frame)
    finally:
        mlflow.set_tracking_uri(None)
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    assert dict(os.environ) == before
    newest = company.matrix.filter(pl.col("as_of") == END).head(len(frame))
    assert np.allclose(predicted["health"], made.model.score(newest)["health"])


def test_nothing_is_pickled(registry) -> None:
    kinds = {path.suffix for path in registry.artifacts.rglob("*") if path.is_file()}
    assert kinds <= {".txt", ".json", ".yaml", ".yml", "", ".md", ".html", ".svg", ".csv"}


def test_a_later_version_waits_as_challenger_with_the_champions_reference(young: Tables, made, registry) -> None:
    later = make_version(young, registry, until=END, recipe=Recipe(seed=8))
    assert (later.version.number, later.version.alias) == ("2", CHALLENGER)
    assert later.model.card.reference == made.model.card.reference
    assert registry.load()[1].number == "1"


def test_the_callers_mlflow_is_left_as_it_was(made) -> None:
    assert "MLFLOW_TRACKING_URI" not in os.environ
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_what_is_missing_isnt_there_and_what_doesnt_answer_is_one_clear_error(tmp_path: Path) -> None:
    empty = Registry(f"sqlite:///{tmp_path / 'empty.db'}", tmp_path / "artifacts")
    assert not empty.has("champion")
    empty.client.create_registered_model(empty.name)
    assert not empty.has("champion")
    assert not empty.has("1")
    (tmp_path / "broken.db").write_text("no database, whatever it says" * 100)
    with pytest.raises(RegistryUnavailable, match="doesn't answer"):
        Registry(f"sqlite:///{tmp_path / 'broken.db'}", tmp_path / "artifacts").has("champion")


def test_a_registrys_password_is_in_no_message(tmp_path: Path) -> None:
    registry = Registry("postgresql://ada:s3cret@nowhere.invalid/mlflow", tmp_path)
    assert registry.where == "postgresql://ada:***@nowhere.invalid/mlflow"
    assert Registry("https://ml.example/flow", tmp_path).where == "https://ml.example/flow"


def test_no_model_is_one_clear_error(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'empty.db'}", tmp_path / "artifacts")
    with pytest.raises(RegistryUnavailable, match="healthscore train"):
        registry.load()
