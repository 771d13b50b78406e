"""The gate: who is let in while there is no key, how often anybody may ask, and how much at once."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from serving.access.keys import Keys
from serving.access.permission import may
from serving.api import create_app
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)

HERE = {"base_url": "http://127.0.0.1", "client": ("127.0.0.1", 50_000)}


@pytest.mark.parametrize(
    "where, headers, method, status",
    [
        ({}, {}, "GET", 200),
        ({"base_url": "http://localhost:8000"}, {}, "GET", 200),
        ({"base_url": "http://[::1]:8000", "client": ("::1", 50_000)}, {}, "GET", 200),
        ({"client": ("192.0.2.7", 50_000)}, {}, "GET", 403),  # through a proxy on this machine
        ({"base_url": "http://rebound.example"}, {}, "GET", 403),  # a name made to lead here
        ({}, {"Sec-Fetch-Site": "cross-site"}, "GET", 200),  # a link on another site
        ({}, {"Sec-Fetch-Site": "cross-site"}, "POST", 403),  # a form on another site
        ({}, {"Sec-Fetch-Site": "same-origin"}, "POST", 405),
    ],
)
def test_without_keys_this_machine_is_admin_and_nobody_else_is(
    published: ScoreStore, where: dict[str, Any], headers: dict[str, str], method: str, status: int
) -> None:
    client = TestClient(create_app(published), **(HERE | where))
    answer = client.request(method, "/v1/accounts", headers=headers)
    assert answer.status_code == status
    assert status != 403 or "keys create" in answer.json()["detail"]


def test_the_first_key_closes_the_service(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    client = client_of(published)
    assert client.get("/v1/accounts").status_code == 200
    _, secret = Keys(published).create("k", "admin", now=NOW)
    refused = client.get("/v1/accounts")
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer" in refused.json()["detail"]
    assert client.get("/v1/accounts", headers={"Authorization": f"bearer {secret}"}).status_code == 200
    assert client.get("/nowhere").status_code == 401
    for path in ("/healthz", "/readyz", "/static/pages.css"):
        assert client.get(path).status_code == 200


@pytest.mark.parametrize(
    "path, to",
    [
        ("/", "/sign-in"),
        ("/accounts?q=a%26b", "/sign-in?next=%2Faccounts%3Fq%3Da%2526b"),
        ("/nowhere", "/sign-in?next=%2Fnowhere"),
    ],
)
def test_a_person_is_led_to_the_sign_in(
    client_of: Callable[..., TestClient], published: ScoreStore, path: str, to: str
) -> None:
    Keys(published).create("k", "admin", now=NOW)
    client = client_of(published)
    answer = client.get(path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, to, "")
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "API key" in page.text
    assert "Fade" not in page.text


@pytest.mark.parametrize("header", ["", "Basic abc", "Bearer", "Bearer ", "hs_1_2", "Token hs_1_2"])
def test_what_is_no_bearer_token(client_of: Callable[..., TestClient], published: ScoreStore, header: str) -> None:
    answer = client_of(published).get("/v1/accounts", headers={"Authorization": header})
    assert answer.status_code == 401  # also where nobody needs a key: who brings one means somebody


def test_each_caller_has_a_minute_of_its_own(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    secrets = [Keys(published).create("k", "renewals", now=NOW)[1] for _ in range(2)]
    client = client_of(published, requests_per_minute=3)
    first, second = ({"Authorization": f"Bearer {secret}"} for secret in secrets)
    assert [client.get("/v1/accounts", headers=first).status_code for _ in range(4)] == [200, 200, 200, 429]
    limited = client.get("/v1/accounts", headers=first)
    assert 1 <= int(limited.headers["retry-after"]) <= 60
    assert "more than 3 requests" in limited.json()["detail"]
    assert client.get("/v1/accounts", headers=second).status_code == 200
    assert client.get("/healthz", headers=first).status_code == 200


def test_this_machine_is_not_limited_while_there_are_no_keys(
    client_of: Callable[..., TestClient], published: ScoreStore
) -> None:
    client = client_of(published, requests_per_minute=1)
    assert [client.get("/v1/accounts").status_code for _ in range(3)] == [200, 200, 200]


def takes_bodies(app: FastAPI) -> None:
    """Add a route that says how long a body was."""

    @app.post("/measure", dependencies=[may("accounts:write")])
    async def measure(request: Request) -> int:
        return len(await request.body())


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_has_a_largest_size(client_of: Callable[..., TestClient], published: ScoreStore, chunked: bool) -> None:
    client = client_of(published, extend=takes_bodies, max_body_mb=1)

    def sent(size: int) -> bytes | Iterator[bytes]:
        return (b"x" * part for part in (size // 2, size - size // 2)) if chunked else b"x" * size

    assert client.post("/measure", content=sent(2**20)).json() == 2**20
    answer = client.post("/measure", content=sent(2**20 + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "1 MiB" in answer.json()["detail"]


def test_a_query_has_a_longest_length(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    client = client_of(published)
    assert client.get("/v1/accounts?q=" + "x" * 8_190).status_code == 422
    answer = client.get("/v1/accounts?q=" + "x" * 8_191)
    assert answer.status_code == 414
    assert answer.headers["content-type"] == "application/problem+json"
