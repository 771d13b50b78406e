"""Signing in to the pages: what a session may do, how it ends, and that forms are ours."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.access.keys import Keys
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)
BROWSER = {"Accept": "text/html"}


def token_on(client: TestClient, path: str) -> str:
    """The token that the forms of a page carry."""
    found = re.search(r'name="form_token" value="([0-9a-f]{64})"', client.get(path, headers=BROWSER).text)
    assert found, path
    return found[1]


def sign_in(client: TestClient, credential: str, to: str = "/") -> Any:
    """What a browser is answered that signs in by the form."""
    sent = {"form_token": token_on(client, "/sign-in"), "next": to, "credential": credential}
    return client.post("/sign-in", data=sent, headers=BROWSER, follow_redirects=False)


@pytest.fixture
def keys(published: ScoreStore) -> Keys:
    """The keys of the store."""
    return Keys(published)


@pytest.fixture
def secret(keys: Keys) -> str:
    """The key of the csm Ada Byron."""
    return keys.create("ada", "csm", owner="Ada Byron", now=NOW)[1]


@pytest.fixture
def client(client_of: Callable[..., TestClient], published: ScoreStore, secret: str) -> TestClient:
    """A browser that nobody has signed in with."""
    return client_of(published)


def test_a_session_shows_what_its_key_does(client: TestClient, secret: str) -> None:
    answer = sign_in(client, f" {secret}\n", "/accounts?sort=name")
    assert (answer.status_code, answer.headers["location"]) == (303, "/accounts?sort=name")
    page = client.get("/accounts", headers=BROWSER).text
    assert "Fade" in page
    assert "Thrive" not in page
    assert "Sign out" in page
    assert secret not in page


def test_the_cookie_is_out_of_reach(client: TestClient, secret: str) -> None:
    (cookie,) = sign_in(client, secret).headers.get_list("set-cookie")
    assert cookie.startswith("healthscore_session=")
    assert secret not in cookie
    assert {"HttpOnly", "Max-Age=43200", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))


def test_over_https_the_cookie_is_secure(client: TestClient, secret: str) -> None:
    client.base_url = "https://scores.example"  # type: ignore[assignment]
    (cookie,) = sign_in(client, secret).headers.get_list("set-cookie")
    assert cookie.startswith("__Host-healthscore_session=")
    assert "Secure" in cookie.split("; ")
    assert client.get("/accounts", headers=BROWSER, follow_redirects=False).status_code == 200


@pytest.mark.parametrize("credential", ["hs_1_2", "abc", "a.b.c"])
def test_what_is_no_key_is_refused_in_words(client: TestClient, credential: str) -> None:
    answer = sign_in(client, credential)
    assert answer.status_code == 401
    assert "That didn&#39;t work" in answer.text or "That didn't work" in answer.text
    assert "set-cookie" not in answer.headers
    assert client.get("/accounts", headers=BROWSER, follow_redirects=False).status_code == 303


@pytest.mark.parametrize(
    "to", ["https://else.where/", "//else.where/", "/\\else.where", "else", "/a\nb", "javascript:1"]
)
def test_signing_in_leads_to_no_other_host(client: TestClient, secret: str, to: str) -> None:
    assert sign_in(client, secret, to).status_code == 422
    assert client.get("/sign-in", params={"next": to}, headers=BROWSER).status_code == 422


def ended_by_signing_out(client: TestClient, keys: Keys, clock: Any) -> None:
    client.post("/sign-out", data={"form_token": token_on(client, "/accounts")}, headers=BROWSER)


def ended_by_time(client: TestClient, keys: Keys, clock: Any) -> None:
    clock.now += timedelta(hours=12)


def ended_with_its_key(client: TestClient, keys: Keys, clock: Any) -> None:
    keys.revoke(keys.all()[0].key_id, now=clock.now)


@pytest.mark.parametrize("end", [ended_by_signing_out, ended_by_time, ended_with_its_key])
def test_a_session_ends(client: TestClient, keys: Keys, clock: Any, secret: str, end: Callable[..., None]) -> None:
    sign_in(client, secret)
    cookies = dict(client.cookies)
    assert client.get("/accounts", headers=BROWSER, follow_redirects=False).status_code == 200
    end(client, keys, clock)
    client.cookies.update(cookies)  # as somebody who has copied them
    assert client.get("/accounts", headers=BROWSER, follow_redirects=False).status_code == 303


def test_a_session_is_nothing_to_the_api(client: TestClient, secret: str) -> None:
    sign_in(client, secret)
    assert client.get("/v1/accounts").status_code == 401
    as_key = {"Authorization": f"Bearer {client.cookies['healthscore_session']}"}
    assert client.get("/v1/accounts", headers=as_key).status_code == 401


def test_without_keys_nobody_signs_in(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    client = client_of(published)
    client.cookies.set("healthscore_session", "of-another-service", domain="127.0.0.1")
    answer = client.get("/sign-in?next=/accounts", headers=BROWSER)
    assert (answer.status_code, answer.url.path) == (200, "/accounts")
    assert "Sign out" not in answer.text


@pytest.fixture
def forms(client: TestClient, secret: str) -> TestClient:
    """A browser of Ada's with a form open."""
    sign_in(client, secret)
    return client


@pytest.mark.parametrize("given", ["", "0" * 64, "é"])
@pytest.mark.parametrize("path", ["/sign-out", "/sign-in"])
def test_a_form_of_another_site_is_refused(forms: TestClient, path: str, given: str) -> None:
    answer = forms.post(path, data={"form_token": given, "credential": "x"}, headers=BROWSER)
    assert answer.status_code == 403
    assert "reload the page" in answer.text
    assert forms.get("/accounts", headers=BROWSER, follow_redirects=False).status_code == 200


def test_a_token_is_good_for_its_session_only(client: TestClient, secret: str) -> None:
    sign_in(client, secret)
    before = token_on(client, "/accounts")
    sign_in(client, secret)
    assert client.post("/sign-out", data={"form_token": before}, headers=BROWSER).status_code == 403


def test_a_body_that_is_no_form_is_refused(forms: TestClient) -> None:
    token = token_on(forms, "/accounts")
    assert forms.post("/sign-out", json={"form_token": token}, headers=BROWSER).status_code == 422
