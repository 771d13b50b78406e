"""The ledger between stored scores, and what-if, over HTTP."""

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

FIGURES = ("health", "risk_90d", "risk_365d")
MOMENTS = [  # as_of, known_at, version, tables that are missing
    (datetime(2025, 12, 4), datetime(2025, 12, 4, 4), "1", ("tickets",)),
    (datetime(2025, 12, 4), datetime(2025, 12, 9), "1", ()),  # the tickets came late
    (datetime(2026, 1, 1), datetime(2026, 1, 1, 4), "2", ()),
]


@pytest.fixture(scope="module")
def told(
    tmp_path_factory: pytest.TempPathFactory, company: tuple[Tables, HealthModel], registry: Registry
) -> Iterator[TestClient]:
    """The service on three scores, by two versions, the second with data that came late."""
    tables, _ = company
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('told') / 'scores.db'}") as store:
        for as_of, known_at, version, missing in MOMENTS:
            score(tables.without(*missing), registry.load(version)[0], store, as_of=as_of, known_at=known_at,
                  model_name="churn", model_version=version)  # fmt: skip
        with TestClient(create_app(store, registry=registry), base_url="http://127.0.0.1") as client:
            yield client


@pytest.mark.parametrize("query", ["", "?from=2025-12-31&to=2026-01-31", "?from={first}", "?from={first}&to={second}",
                                   "?from={third}&to={first}", "?from={third}"])  # fmt: skip
def test_the_entries_add_up_to_the_difference_of_the_stored_scores(
    told: TestClient, account_id: str, query: str
) -> None:
    stored = told.get(f"/v1/accounts/{account_id}/history").json()["points"]
    first, second, third = (point["batch_id"] for point in stored)
    shown = told.get(f"/v1/accounts/{account_id}/changes{query.format(first=first, second=second, third=third)}").json()
    by_batch = {point["batch_id"]: point for point in stored}
    for name in FIGURES:
        before, after = (by_batch[shown[side]["batch_id"]][name] for side in ("before", "after"))
        assert (shown["before"][name], shown["after"][name]) == (pytest.approx(before), pytest.approx(after))
        assert shown["difference"][name] == pytest.approx(after - before, abs=1e-9)
        assert sum(entry[name] for entry in shown["entries"]) == pytest.approx(after - before, abs=1e-9)


def test_the_steps_say_what_came_late_and_that_the_model_is_another(told: TestClient, account_id: str) -> None:
    stored = told.get(f"/v1/accounts/{account_id}/history").json()["points"]
    shown = told.get(f"/v1/accounts/{account_id}/changes?from={stored[0]['batch_id']}").json()
    late = [entry for entry in shown["entries"] if entry["words"].startswith("Came late: ")]
    assert {entry["kind"] for entry in late} == {"data"}
    assert "tickets" in {entry["name"] for entry in late}
    (model,) = [entry for entry in shown["entries"] if entry["kind"] == "model"]
    assert model["words"].startswith("The model is version 2, before: version 1. ")
    as_known_now = told.get(f"/v1/accounts/{account_id}/changes?from=2025-12-04").json()
    assert as_known_now["before"]["batch_id"] == stored[1]["batch_id"]
    assert not any(entry["words"].startswith("Came late") for entry in as_known_now["entries"])


@pytest.mark.parametrize(
    "query, status, said",
    [
        ("from=2020-01-01", 404, "as of 2020-01-01 or before"),
        ("to=2025-12-04", 404, "before 2025-12-04"),
        (f"from={'0' * 32}", 404, "in the batch"),
        ("to=9999-12-31", 200, ""),
        ("from=yesterday", 422, "from"),
        ("since=2025-12-04", 422, "since"),
    ],
)
def test_scores_that_are_not_there(told: TestClient, account_id: str, query: str, status: int, said: str) -> None:
    answer = told.get(f"/v1/accounts/{account_id}/changes?{query}")
    assert answer.status_code == status
    assert said in answer.json().get("detail", "")


def test_a_what_if_starts_from_the_stored_score(client: TestClient, account_id: str) -> None:
    stored = client.get(f"/v1/accounts/{account_id}").json()
    shown = client.post(f"/v1/accounts/{account_id}/what-if", json={"signals": {"open_tickets": 3}}).json()
    for name in ("health", "risk_30d", "risk_90d", "risk_180d", "risk_365d", "renewal_risk", "contraction_risk"):
        assert shown["before"][name] == pytest.approx(stored[name])
        assert shown["difference"][name] == pytest.approx(shown["after"][name] - shown["before"][name])
    assert shown["before"]["band"] == stored["band"]
    assert sum(shown["difference"]["points"].values()) == pytest.approx(shown["difference"]["health"])
    assert shown["label"].startswith("Association, not a promise")


def test_a_nearer_renewal_raises_the_risk_and_leaves_health(client: TestClient, account_id: str) -> None:
    soon = (datetime(2026, 1, 1) + timedelta(days=40)).isoformat()
    late = (datetime(2026, 1, 1) + timedelta(days=360)).isoformat()
    said = [
        client.post(f"/v1/accounts/{account_id}/what-if", json={"renewal_at": f"{day}Z"}).json()["after"]
        for day in (soon, late)
    ]
    assert said[0]["risk_90d"] > 2 * said[1]["risk_90d"]
    assert said[0]["health"] == said[1]["health"]


@pytest.mark.parametrize(
    "body, status, field",
    [
        ({"signals": {"no_such_signal": 1}}, 422, "signals.no_such_signal"),
        ({"signals": {"days_to_renewal": 30}}, 422, "signals.days_to_renewal"),  # the contract's clock is asked apart
        ({"signals": {"seat_utilization_28d": -1}}, 422, "signals.seat_utilization_28d"),
        ({"signals": {"champion_lost_84d": 0.5}}, 422, "signals.champion_lost_84d"),
        ({"signals": {"open_tickets": "3"}}, 422, "signals.open_tickets"),
        ({"signals": {"open_tickets": None}}, 422, "signals.open_tickets"),
        ({"term_days": 0}, 422, "term_days"),
        ({"renewal_at": "soon"}, 422, "renewal_at"),
        ({"anything": 1}, 422, "anything"),
        ({"signals": {"open_tickets": 1e6}}, 409, "signals.open_tickets"),  # no account has had so many
        ({"renewal_at": "2025-12-31T00:00:00Z"}, 409, "renewal_at"),
    ],
)
def test_what_can_not_be_known_is_named(
    client: TestClient, account_id: str, body: dict[str, object], status: int, field: str
) -> None:
    answer = client.post(f"/v1/accounts/{account_id}/what-if", json=body)
    assert answer.status_code == status
    assert [wrong["field"] for wrong in answer.json()["errors"]] == [field]


def test_nobody_is_not_there(client: TestClient) -> None:
    assert client.get("/v1/accounts/nobody/changes").status_code == 404
    assert client.post("/v1/accounts/nobody/what-if", json={}).status_code == 404


def test_an_account_of_one_score(sqlite: ScoreStore, company: tuple[Tables, HealthModel], registry: Registry,
                                 tmp_path: Path, account_id: str) -> None:  # fmt: skip
    tables, model = company
    score(tables, model, sqlite, as_of=datetime(2026, 1, 1), known_at=datetime(2026, 1, 1), model_name="churn",
          model_version="3")  # fmt: skip
    with TestClient(create_app(sqlite, registry=registry), base_url="http://127.0.0.1") as client:
        assert client.get(f"/v1/accounts/{account_id}/changes").status_code == 404
        same = client.get(f"/v1/accounts/{account_id}/changes?from=2026-01-01")
        assert same.status_code == 409, "version 3 is of other signals"
        assert "version 3" in same.json()["detail"]
