"""Schemathesis over the whole document of the API, every check on: what it promises is what is answered.

Its engine is run as `st run` does (examples, coverage, fuzzing, sequences), on the service in this process.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from schemathesis import openapi
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from features.settings import Settings
from features.tables import Tables
from serving.access.keys import Keys
from serving.api import create_app
from serving.scoring import score
from serving.store import ScoreStore
from training.model import HealthModel
from training.tracking import Registry

NOW = datetime(2026, 1, 2)
EXAMPLES = 1


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, company: tuple[Tables, HealthModel], registry: Registry
) -> Iterator[tuple[FastAPI, str]]:
    """The service on two batches of a scored company, and an admin's key."""
    tables, model = company
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('fuzzed') / 'scores.db'}") as store:
        for as_of in (NOW - timedelta(days=29), NOW - timedelta(days=1)):
            score(tables, model, store, as_of=as_of, known_at=as_of, model_name="churn", model_version="1")
        _, key = Keys(store).create("everything", "admin", now=NOW)
        app = create_app(store, Settings(requests_per_minute=10**9), registry=registry, clock=lambda: NOW)
        with TestClient(app, base_url="http://127.0.0.1"):
            yield app, key


def test_every_answer_is_as_documented(service: tuple[FastAPI, str]) -> None:
    app, key = service
    headers = {"Authorization": f"Bearer {key}"}
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "headers": headers,
            "cache": {"enabled": False},
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True},
            # Every column of every table at each of its bounds: 2,500 requests, which take over a minute. Without this
            # line they are sent too.
            "operations": [{"include-name": "POST /v1/score", "phases": {"coverage": {"enabled": False}}}],
        }
    )
    failures: list[str] = []
    asked = set()
    for event in from_schema(openapi.from_asgi("/openapi.json", app, config=config, headers=headers)).execute():
        match event:
            case events.ScenarioFinished() | events.FuzzScenarioFinished():
                failures += list(_failures(event))
                asked |= {case.value.operation.label for case in event.recorder.cases.values()}
            case events.NonFatalError():
                failures.append(f"{event.label}: {event.info.format()}")
            case events.FatalError():
                raise event.exception
    document = app.openapi()["paths"]
    assert asked == {f"{method.upper()} {path}" for path, methods in document.items() for method in methods}
    assert not failures, "\n\n".join(failures)


def _failures(event: events.ScenarioFinished | events.FuzzScenarioFinished) -> Iterator[str]:
    for case_id, checks in event.recorder.checks.items():
        for check in checks:
            if check.status == Status.FAILURE and check.failure_info is not None:
                case = event.recorder.cases[case_id].value
                yield f"{case.operation.label}: {check.name}: {check.failure_info.failure}\n{case.as_curl_command()}"
