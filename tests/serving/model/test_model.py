"""`/v1/model` and its receipt."""

import json
import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from fastapi.testclient import TestClient

from features.tables import Tables
from serving.api import create_app
from serving.store import ScoreStore
from training.model import HealthModel
from training.tracking import CHAMPION, Registry

README = Path(__file__).parents[3] / "serving" / "README.md"


def test_the_commands_of_the_readme_work(client: TestClient, account_id: str) -> None:
    _, of_model = README.read_text().split("## The model in the server")
    own = (
        of_model.replace("A-1042", account_id)
        .replace("2026-03-26", "2026-01-01")
        .replace("from=2026-01-01", "from=2025-12-04")
    )
    commands = re.findall(r"^curl (?:-H '(.*?): (.*?)' )?(?:-d '(.*?)' \\\n +)?'http://127.0.0.1:8000(.*?)'", own, re.M)
    assert len(commands) == 6
    for name, value, body, path in commands:
        headers = {name: value} if name else {}
        sent = client.post(path, content=body, headers=headers) if body else client.get(path, headers=headers)
        assert sent.status_code == 200, (path, sent.text)
        assert not body or json.loads(body)


def test_the_model_says_what_it_is(client: TestClient, company: tuple[Tables, HealthModel]) -> None:
    card, shown = company[1].card, client.get("/v1/model").json()
    assert (shown["name"], shown["version"], shown["aliases"]) == ("churn", "1", ["champion"])
    assert (shown["mode"], shown["evidence"], shown["interval"]["spread"]) == (card.mode, card.evidence, card.spread)
    assert shown["trained_on"] == card.trained_on
    assert shown["data_digest"] == "0a1b"
    assert (shown["recalibrated_from"], shown["unproven"], shown["alarms"]) == (None, None, [])
    assert shown["scorecard"] == company[1].churn.scorecard.to_json()
    assert set(shown["signals"]) == set(card.signals)
    assert datetime.fromisoformat(shown["registered_at"]).tzinfo is not None


def test_the_receipt_is_json_and_a_page(client: TestClient) -> None:
    assert client.get("/v1/model/receipt").json() == {"verdict": ["It tells churners apart."]}
    page = client.get("/v1/model/receipt", headers={"Accept": "text/html"})
    assert page.headers["content-type"].startswith("text/html")
    assert page.text == "<h1>Receipt</h1>"
    assert "style-src 'unsafe-inline'" in page.headers["content-security-policy"]
    assert "default-src 'none'" in page.headers["content-security-policy"]


def test_an_unproven_version_has_no_receipt(scored_twice: ScoreStore, registry: Registry, tmp_path: Path) -> None:
    shutil.copy(registry.uri.removeprefix("sqlite:///"), tmp_path / "mlflow.db")
    own = replace(registry, uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    own.client.set_registered_model_alias(own.name, CHAMPION, "2")
    with TestClient(create_app(scored_twice, registry=own), base_url="http://127.0.0.1") as client:
        for accept in ("application/json", "text/html"):
            answer = client.get("/v1/model/receipt", headers={"Accept": accept})
            assert answer.status_code == 404
            assert "version 2 has no receipt" in answer.json()["detail"]
