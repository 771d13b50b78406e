"""A simulated company scored twice and registered, and the service on it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from features.tables import Tables
from serving.api import create_app
from serving.scoring import score
from serving.store import ScoreStore
from training.model import HealthModel
from training.tracking import Registry

NOW = datetime(2026, 1, 2)


@pytest.fixture(scope="package")
def scored_twice(tmp_path_factory: pytest.TempPathFactory, company: tuple[Tables, HealthModel]) -> Iterator[ScoreStore]:
    """Scores as of four weeks before 2026, and as of 2026, by version 1; nobody writes to it."""
    tables, model = company
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('scored') / 'scores.db'}") as store:
        for as_of in (datetime(2025, 12, 4), datetime(2026, 1, 1)):
            score(tables, model, store, as_of=as_of, known_at=as_of + timedelta(hours=4), model_name="churn",
                  model_version="1")  # fmt: skip
        yield store


@pytest.fixture(scope="package")
def client(scored_twice: ScoreStore, registry: Registry) -> Iterator[TestClient]:
    """The service on it."""
    app = create_app(scored_twice, registry=registry, clock=lambda: NOW)
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture(scope="package")
def account_id(client: TestClient) -> str:
    """An account with a known renewal, in both batches."""
    listed = client.get("/v1/accounts?sort=-arr&limit=20").json()["accounts"]
    found = [row["account_id"] for row in listed if row["renewal_at"]]
    return str(next(each for each in found if len(client.get(f"/v1/accounts/{each}/history").json()["points"]) == 2))


@pytest.fixture
def away(tmp_path: Path) -> Registry:
    """A registry that was never made."""
    return Registry(f"sqlite:///{tmp_path / 'none.db'}", tmp_path / "artifacts", "churn")
