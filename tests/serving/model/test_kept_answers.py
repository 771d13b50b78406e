"""A read from memory is the read from the store: every write shows at once, and nobody sees what isn't theirs."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from features.settings import Settings
from serving.access.keys import Keys
from serving.api import create_app
from serving.audit import AuditLog
from serving.erasure import forget
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)


@pytest.fixture
def kept(
    store: ScoreStore, make_batch: Callable[..., Batch], cast: list[AccountScore]
) -> Iterator[tuple[ScoreStore, TestClient, list[datetime]]]:
    """A store with the cast, a client who has read an account twice, and the clock."""
    store.publish(make_batch(len(cast)), cast)
    now = [NOW]
    with TestClient(create_app(store, Settings(), clock=lambda: now[0]), base_url="http://127.0.0.1") as client:
        assert health(client) == health(client) == 12.25
        yield store, client, now


def health(client: TestClient) -> float:
    return float(client.get("/v1/accounts/fade").json()["health"])


def test_a_new_batch_shows_at_once(
    kept: tuple[ScoreStore, TestClient, list[datetime]],
    make_batch: Callable[..., Batch],
    make_score: Callable[..., AccountScore],
) -> None:
    store, client, _ = kept
    with ScoreStore.open(store._engine.url.render_as_string(hide_password=False)) as another:
        another.publish(make_batch(1, day=1), [make_score("fade", health=20.0, band="critical")])
    again = [health(client) for _ in range(50)]
    assert again[-1] == 20.0
    assert again == sorted(again)


def test_opinions_show_at_once_and_end_in_time(kept: tuple[ScoreStore, TestClient, list[datetime]]) -> None:
    _, client, now = kept
    ends = (NOW + timedelta(hours=1)).isoformat()
    for reason in ("first", "second"):
        given = {"rating": "healthy", "reason": reason, "expires_at": f"{ends}Z"}
        assert client.post("/v1/accounts/fade/opinions", json=given).status_code == 201
        for _ in range(2):
            (opinion,) = client.get("/v1/accounts/fade").json()["opinions"]
            assert opinion["reason"] == reason
        now[0] += timedelta(minutes=1)
    now[0] = NOW + timedelta(hours=1)
    assert client.get("/v1/accounts/fade").json()["opinions"] == []


def test_who_was_forgotten_is_gone(kept: tuple[ScoreStore, TestClient, list[datetime]]) -> None:
    store, client, _ = kept
    forget(store, "fade", author="test", now=NOW)
    assert client.get("/v1/accounts/fade").status_code == 404


def test_a_kept_answer_is_as_the_first_one(kept: tuple[ScoreStore, TestClient, list[datetime]]) -> None:
    store, client, _ = kept
    first = client.get("/v1/accounts/boundary%2F1", headers={"Accept-Encoding": "identity"})
    second = client.get("/v1/accounts/boundary%2F1", headers={"Accept-Encoding": "identity"})
    assert first.content == second.content
    volatile = {"x-request-id"}
    assert {k: v for k, v in first.headers.items() if k not in volatile} == {
        k: v for k, v in second.headers.items() if k not in volatile
    }
    zipped = client.get("/v1/accounts/boundary%2F1", headers={"Accept-Encoding": "gzip"})
    assert (zipped.headers["content-encoding"], zipped.content) == ("gzip", first.content)
    unchanged = client.get("/v1/accounts/boundary%2F1", headers={"If-None-Match": first.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    client.__exit__(None, None, None)
    told = [(entry.what, entry.account_id) for entry in AuditLog(store).entries() if entry.account_id == "boundary/1"]
    assert told == [("GET /v1/accounts/{account_id}", "boundary/1")] * 4


def test_what_is_kept_for_one_is_not_shown_to_another(kept: tuple[ScoreStore, TestClient, list[datetime]]) -> None:
    store, _, _ = kept
    keys = Keys(store)
    secrets = {
        name: keys.create(name, role, now=NOW, owner=owner)[1]
        for name, role, owner in (("ada", "csm", "Ada Byron"), ("ken", "csm", "Ken Osei"), ("job", "job", None),
                                  ("all", "admin", None))
    }  # fmt: skip
    with TestClient(create_app(store, Settings(identity_cache_s=0)), base_url="http://127.0.0.1") as client:
        for _ in range(2):
            asked = {
                name: client.get("/v1/accounts/fade", headers={"Authorization": f"Bearer {secret}"}).status_code
                for name, secret in secrets.items()
            }
            assert asked == {"ada": 200, "ken": 404, "job": 403, "all": 200}
        assert client.get("/v1/accounts/fade").status_code == 401
