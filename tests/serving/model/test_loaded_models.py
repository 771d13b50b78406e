"""The champion is swapped while requests run, and outlives its registry."""

import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.settings import Settings
from serving.api import create_app
from serving.errors import CannotAnswer, NoModel
from serving.loaded_models import LoadedModels
from serving.store import ScoreStore
from training.tracking import CHAMPION, Registry


@pytest.fixture
def own(tmp_path: Path, registry: Registry) -> Registry:
    """A registry of one's own, with the versions of the shared one."""
    shutil.copy(registry.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    return replace(registry, uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


def promote(registry: Registry, number: str) -> None:
    registry.client.set_registered_model_alias(registry.name, CHAMPION, number)


def remove(registry: Registry) -> None:
    Path(registry.uri.removeprefix("sqlite:///")).unlink()


def test_a_new_champion_is_taken_at_once_when_asked_and_by_itself(own: Registry) -> None:
    models = LoadedModels(own, look_every_s=0.02)
    with pytest.raises(NoModel, match="healthscore train"):
        models.champion()
    models.look()
    before = models.champion()
    assert (before.name, before.facts.aliases) == ("churn version 1", ("champion",))
    promote(own, "2")
    assert models.champion() is before
    models.look()
    assert models.champion().facts.version.number == "2"
    promote(own, "1")  # rollback is moving the alias
    models.begin()
    for _ in range(200):
        if models.champion().facts.version.number == "1":
            break
        threading.Event().wait(0.02)
    models.close()
    assert models.champion().model is before.model, "a version is loaded once"


def test_what_is_held_goes_on_while_the_registry_is_away(own: Registry) -> None:
    models = LoadedModels(own)
    models.look()
    remove(own)
    models.look()
    assert models.champion().name == "churn version 1"
    assert "goes on" in models.status
    assert str(own.uri) not in models.status


def test_a_registry_that_is_not_there_is_not_made(away: Registry) -> None:
    models = LoadedModels(away)
    models.look()
    assert "no model is loaded" in models.status
    assert not Path(away.uri.removeprefix("sqlite:///")).exists()


def test_a_model_of_other_signals_is_refused_in_words(registry: Registry) -> None:
    with pytest.raises(CannotAnswer, match=r"version 3 can't be read: .*other definitions"):
        LoadedModels(registry).version("churn", "3")


def test_no_request_fails_while_champions_change(scored_twice: ScoreStore, own: Registry, account_id: str) -> None:
    app = create_app(scored_twice, Settings(model_look_s=0.01), registry=own)
    stop = threading.Event()
    with TestClient(app, base_url="http://127.0.0.1") as client:
        asked: list[Callable[[], tuple[int, str]]] = [
            lambda: _version(client.post("/v1/score", json=[{"tenure_days": 100}])),
            lambda: _version(client.get("/v1/model")),
            lambda: _version(client.get(f"/v1/accounts/{account_id}/changes")),
        ]

        def ask(which: int) -> list[tuple[int, str]]:
            answers = []
            while not stop.is_set():
                answers.append(asked[which % len(asked)]())
            return answers

        with ThreadPoolExecutor(6) as pool:
            running = [pool.submit(ask, which) for which in range(6)]
            for number in ("2", "1") * 3:
                promote(own, number)
                for _ in range(500):
                    if client.get("/v1/model").json()["version"] == number:
                        break
            stop.set()
            answers = [answer for each in running for answer in each.result()]
    assert {status for status, _ in answers} == {200}
    assert {version for _, version in answers} == {"1", "2"}, "the champion did change meanwhile"


def _version(answer: Any) -> tuple[int, str]:
    body = answer.json()
    told = body.get("model") or body.get("after") or body
    return answer.status_code, told.get("version") or told["model_version"]


def test_without_a_model_scores_are_read_and_the_rest_says_what_to_do(
    scored_twice: ScoreStore, away: Registry, account_id: str
) -> None:
    for registry in (away, None):
        with TestClient(create_app(scored_twice, registry=registry), base_url="http://127.0.0.1") as client:
            assert client.get(f"/v1/accounts/{account_id}").status_code == 200
            assert "no model is loaded" in client.get("/readyz").json()["model"]
            for answer in (
                client.get("/v1/model"),
                client.get("/v1/model/receipt"),
                client.post("/v1/score", json=[]),
                client.get(f"/v1/accounts/{account_id}/changes"),
                client.post(f"/v1/accounts/{account_id}/what-if", json={}),
            ):
                assert answer.status_code == 503
                assert answer.headers["content-type"] == "application/problem+json"
                assert "healthscore train" in answer.json()["detail"] or "no registry" in answer.json()["detail"]
                assert int(answer.headers["retry-after"]) > 0
