"""Who may do what: every route of the service, every role. A route that isn't in the table fails."""

import re
from collections.abc import Iterator
from hmac import digest
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from serving.access.permission import may, needs, refuse_undeclared
from serving.access.roles import ROLES, SCOPES, Role
from serving.api import create_app
from serving.store import ScoreStore
from training.tracking import Registry

README = Path(__file__).parents[3] / "serving" / "README.md"

ALL = "csm renewals job admin"
ACCOUNTS = "csm renewals admin"
ANYBODY = "anybody"

TABLE = {
    "GET /": ACCOUNTS,
    "GET /accounts": ACCOUNTS,
    "GET /accounts.csv": ACCOUNTS,
    "GET /accounts/{account_id}": ACCOUNTS,
    "GET /accounts/{account_id}/what-if": ACCOUNTS,
    "POST /accounts/{account_id}/actions": ACCOUNTS,
    "POST /accounts/{account_id}/opinions": ACCOUNTS,
    "GET /book": ACCOUNTS,
    "GET /data": ACCOUNTS,
    "GET /docs": ALL,
    "GET /healthz": ANYBODY,
    "GET /metrics": "job admin",
    "GET /model": ALL,
    "GET /openapi.json": ALL,
    "GET /readyz": ANYBODY,
    "GET /renewals": ACCOUNTS,
    "GET /renewals.csv": ACCOUNTS,
    "POST /renewals/{account_id}/actions": ACCOUNTS,
    "GET /v1/accounts": ACCOUNTS,
    "GET /v1/accounts/{account_id}": ACCOUNTS,
    "GET /v1/accounts/{account_id}/actions": ACCOUNTS,
    "POST /v1/accounts/{account_id}/actions": ACCOUNTS,
    "GET /v1/accounts/{account_id}/changes": ACCOUNTS,
    "GET /v1/accounts/{account_id}/history": ACCOUNTS,
    "GET /v1/accounts/{account_id}/opinions": ACCOUNTS,
    "POST /v1/accounts/{account_id}/opinions": ACCOUNTS,
    "GET /v1/accounts/{account_id}/signals": ALL,
    "GET /v1/accounts/{account_id}/timeline": ACCOUNTS,
    "POST /v1/accounts/{account_id}/what-if": ACCOUNTS,
    "GET /v1/book": ACCOUNTS,
    "GET /v1/book/engagement": ACCOUNTS,
    "GET /v1/book/erosion": ACCOUNTS,
    "GET /v1/data": ACCOUNTS,
    "GET /v1/disagreements": ACCOUNTS,
    "GET /v1/effects": ACCOUNTS,
    "GET /v1/model": ALL,
    "GET /v1/model/receipt": ALL,
    "GET /v1/model/versions": ALL,
    "GET /v1/renewals": ACCOUNTS,
    "POST /v1/score": "job admin",
    "GET /v1/signals": ALL,
    "GET /v1/webhooks": "admin",
    "POST /v1/webhooks": "admin",
    "DELETE /v1/webhooks/{subscription_id}": "admin",
    "GET /v1/webhooks/{subscription_id}/deliveries": "admin",
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": ANYBODY,
    "* /static/{path}": ANYBODY,
}
"""Who may ask what; without a key, nobody but for what anybody may."""


@pytest.fixture(scope="module")
def client(unchanging: ScoreStore, roles: dict[Role, str], registry: Registry) -> Iterator[TestClient]:
    """The service on the cast; it takes the keys of `roles`."""
    with TestClient(create_app(unchanging, registry=registry), raise_server_exceptions=False) as opened:
        yield opened


ROUTES = [route.split(" ") for route in TABLE if "/sign-" not in route]  # which test_sessions.py asks
ASKED = {"account_id": "fade", "path": "pages.css", "subscription_id": "0" * 32}
"""What the names in a path are filled with; fade is one of Ada Byron's accounts, and there is no such subscription."""

QUERIES = {"/v1/book/erosion": "?renewal_rate=0.824"}
"""What a route must be asked with."""


FORMS = {
    "/accounts/{account_id}/actions": {"play": "call", "step": "started"},
    "/accounts/{account_id}/opinions": {"rating": "healthy", "reason": "x"},
    "/renewals/{account_id}/actions": {"play": "call", "step": "started"},
}
"""What the forms of pages send."""


def ask(client: TestClient, method: str, path: str, key: str | None, **changes: str) -> Any:
    """The answer to a route, with the names in its path filled in, to whoever has that key."""
    filled = re.sub(r"\{(\w+)\}", lambda name: (ASKED | changes)[name[1]], path) + QUERIES.get(path, "")
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    if path in FORMS:
        client.cookies.clear()
        client.cookies.set("healthscore_form", "held")
        proof = {"form_token": digest(b"held", b"form", "sha256").hex()}
        return client.post(filled, data=FORMS[path] | proof, headers=headers)
    body = None if method in {"GET", "DELETE", "*"} else _example(client, method, path)
    return client.request("GET" if method == "*" else method, filled, headers=headers, json=body)


def test_every_route_is_in_the_table(unchanging: ScoreStore) -> None:
    assert {f"{method} {path}" for method, path in needs(create_app(unchanging))} == set(TABLE)


@pytest.mark.parametrize("method, path", ROUTES)
def test_a_role_may_do_what_the_table_says(client: TestClient, roles: dict[Role, str], method: str, path: str) -> None:
    may_ask = TABLE[f"{method} {path}"]
    for role, key in roles.items():
        status = ask(client, method, path, key).status_code
        works = {404} if "subscription_id" in path else {200, 201}
        assert status in (works if may_ask == ANYBODY or role in may_ask.split() else {403}), role
    assert (ask(client, method, path, None).status_code == 401) == (may_ask != ANYBODY)


@pytest.mark.parametrize("method, path", [route for route in ROUTES if "{account_id}" in route[1]])
def test_an_account_out_of_reach_is_as_one_that_is_not_there(
    client: TestClient, roles: dict[Role, str], method: str, path: str
) -> None:
    others, nobodys = (
        ask(client, method, path, roles["csm"], account_id=account_id) for account_id in ("thrive", "nobody")
    )
    assert others.status_code == nobodys.status_code == 404
    assert _without_id(others.text, "thrive") == _without_id(nobodys.text, "nobody")
    assert set(others.headers) == set(nobodys.headers)
    assert ask(client, method, path, roles["renewals"], account_id="thrive").is_success


def test_lists_hold_what_the_caller_reaches(client: TestClient, roles: dict[Role, str]) -> None:
    def listed(role: Role, query: str = "") -> tuple[set[str], int]:
        body = client.get(f"/v1/accounts?{query}", headers={"Authorization": f"Bearer {roles[role]}"}).json()
        return {row["account_id"] for row in body["accounts"]}, body["totals"]["accounts"]

    of_ada = {"fade", "newborn", "boundary/1", "returned"}
    assert listed("csm") == listed("csm", "owner=Ada+Byron") == (of_ada, 4)
    assert listed("csm", "owner=Ken+Osei") == (set(), 0)
    assert listed("csm", "q=thrive") == (set(), 0)
    assert listed("renewals") == listed("admin") == (of_ada | {"thrive", "quiet"}, 6)


@pytest.mark.parametrize(
    "path", ["/accounts", "/renewals?within=365d", "/renewals?within=365d&owner=Ken+Osei", "/renewals.csv"]
)
def test_pages_show_a_csm_no_other_owner(client: TestClient, roles: dict[Role, str], path: str) -> None:
    page = client.get(path, headers={"Authorization": f"Bearer {roles['csm']}"}).text
    assert ("Fade" in page) == ("Ken" not in path)
    assert "Thrive" in client.get(path, headers={"Authorization": f"Bearer {roles['renewals']}"}).text
    assert "Ken Osei" not in page
    assert "Thrive" not in page


def test_answers_are_kept_apart_by_reach(client: TestClient, roles: dict[Role, str]) -> None:
    tags = {}
    for role in ("csm", "renewals", "admin"):
        answer = client.get("/v1/accounts", headers={"Authorization": f"Bearer {roles[role]}"})  # type: ignore[index]
        tags[role] = answer.headers["etag"]
        assert answer.headers["cache-control"] == "private, no-cache"
        assert {"Accept", "Authorization"} <= {name.strip() for name in answer.headers["vary"].split(",")}
    assert tags["csm"] not in {tags["renewals"], tags["admin"]}
    again = client.get(
        "/v1/accounts", headers={"Authorization": f"Bearer {roles['csm']}", "If-None-Match": tags["admin"]}
    )
    assert again.status_code == 200


def test_no_app_starts_with_a_route_that_declares_nothing() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.get("/healthz")(lambda: None)
    app.get("/declared", dependencies=[may("model:read")])(lambda: None)
    refuse_undeclared(app)
    app.get("/forgotten")(lambda: None)
    with pytest.raises(RuntimeError, match="/forgotten"):
        refuse_undeclared(app)


@pytest.mark.parametrize("role", ROLES)
def test_what_a_role_lacks_is_named(client: TestClient, roles: dict[Role, str], role: Role) -> None:
    lacking = [path for path, scopes in _paths(client).items() if not scopes <= ROLES[role]]
    for path in lacking:
        answer = client.get(path, headers={"Authorization": f"Bearer {roles[role]}"})
        assert answer.status_code == 403
        (scope,) = _paths(client)[path]
        assert f'scope="{scope}"' in answer.headers["www-authenticate"]
        assert scope in answer.json()["detail"]


def test_an_admin_may_do_everything_and_only_a_csm_has_an_owner() -> None:
    assert ROLES["admin"] == SCOPES
    assert frozenset[str]().union(*ROLES.values()) == SCOPES
    for scope in ("accounts:write", "webhooks:write", "accounts:read"):
        assert scope not in ROLES["job"]
    for role in ("csm", "renewals"):
        assert not {"webhooks:write", "scores:write", "metrics:read"} & ROLES[role]  # type: ignore[index]


def test_the_readme_says_what_the_roles_may_do() -> None:
    rows = re.findall(
        r"^\| `(\w+:\w+)` \|.*?\| (\w+|–) \| (\w+|–) \| (\w+|–) \| (\w+|–) \|$", README.read_text(), re.MULTILINE
    )
    said = {
        scope: {
            role: reach
            for role, reach in zip(("csm", "renewals", "job", "admin"), reaches, strict=True)
            if reach != "–"
        }
        for scope, *reaches in rows
    }
    csm_narrowed = {"accounts:read", "accounts:write", "signals:read"}
    assert said == {
        scope: {
            role: "own" if role == "csm" and scope in csm_narrowed else "all"
            for role, scopes in ROLES.items()
            if scope in scopes
        }
        for scope in SCOPES
    }


def _paths(client: TestClient) -> dict[str, frozenset[str]]:
    app: Any = client.app
    return {path: scopes for (method, path), scopes in needs(app).items() if method == "GET" and "{" not in path}


def _example(client: TestClient, method: str, path: str) -> Any:
    """What a route takes, made of the examples of its document."""
    app: Any = client.app
    document = app.openapi()
    body = document["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    if "example" in body:
        return body["example"]
    fields = document["components"]["schemas"][body["schema"]["$ref"].split("/")[-1]]["properties"]
    return {name: field["examples"][0] for name, field in fields.items() if "examples" in field}


def _without_id(text: str, account_id: str) -> str:
    return re.sub(r'"request_id":"[^"]*"', "", text).replace(account_id, "…")
