"""A key's life: made and shown once, used, narrowed, expired, revoked, replaced; on each database."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text
from typer.testing import CliRunner

from serving.access.cli import app as command
from serving.access.keys import Keys
from serving.access.roles import ROLES
from serving.errors import BadKey, Unidentified
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)
HOUR = timedelta(hours=1)


def test_a_key_is_found_and_not_kept(store: ScoreStore) -> None:
    made, secret = Keys(store).create("CRM", "csm", now=NOW, owner="Ada Byron", expires_at=NOW + HOUR)
    assert Keys(store).find(secret, now=NOW) == made == Keys(store).all()[0]
    assert (made.role, made.owner, made.scopes, made.expires_at) == ("csm", "Ada Byron", ROLES["csm"], NOW + HOUR)
    with store.reading() as connection:
        rows = str(connection.execute(text("SELECT * FROM api_keys")).all())
    assert made.key_id in rows
    assert secret.split("_", 2)[2] not in rows


def test_keys_are_long_and_differ(store: ScoreStore) -> None:
    secrets = [Keys(store).create("k", "job", now=NOW)[1] for _ in range(5)]
    assert len({secret.split("_", 2)[2] for secret in secrets}) == 5
    assert all(len(secret.split("_", 2)[2]) >= 43 for secret in secrets)  # 256 bits in base64


def test_only_the_whole_key_will_do(store: ScoreStore) -> None:
    _, key = Keys(store).create("k", "admin", now=NOW)
    secret = key.split("_", 2)[2]
    for wrong in (
        key[:-1] + ("a" if key[-1] != "a" else "b"), f"{key}a", f"hs_000000000000_{secret}", "hs_", "hs__",
        "hs_a\x00b_c", "hs_é_ü", key.upper(),
    ):  # fmt: skip
        with pytest.raises(Unidentified, match="isn't known"):
            Keys(store).find(wrong, now=NOW)


def test_a_key_ends_when_it_expires_or_is_revoked(store: ScoreStore) -> None:
    keys = Keys(store)
    expiring, secret = keys.create("k", "admin", now=NOW, expires_at=NOW + HOUR)
    assert keys.find(secret, now=NOW + HOUR - timedelta(seconds=1)) == expiring
    with pytest.raises(Unidentified, match="is expired"):
        keys.find(secret, now=NOW + HOUR)
    lasting, secret = keys.create("k", "admin", now=NOW)
    assert keys.find(secret, now=NOW + 10_000 * HOUR) == lasting
    assert keys.revoke(lasting.key_id, now=NOW).revoked_at == NOW
    assert keys.revoke(lasting.key_id, now=NOW + HOUR).revoked_at == NOW
    with pytest.raises(Unidentified, match="is revoked"):
        keys.find(secret, now=NOW)


def test_a_rotated_key_hands_over(store: ScoreStore) -> None:
    keys = Keys(store)
    old, secret = keys.create(
        "CRM", "csm", now=NOW, owner="Ada", scopes=frozenset({"book:read"}), expires_at=NOW + 100 * HOUR
    )
    new, renewed = keys.rotate(old.key_id, now=NOW + HOUR, old_until=NOW + 2 * HOUR)
    assert (new.name, new.role, new.owner, new.scopes) == (old.name, old.role, old.owner, old.scopes)
    assert new.expires_at == NOW + 101 * HOUR
    assert renewed != secret
    assert keys.find(secret, now=NOW + HOUR).key_id == old.key_id
    assert keys.find(renewed, now=NOW + 3 * HOUR) == new
    with pytest.raises(Unidentified):
        keys.find(secret, now=NOW + 2 * HOUR)
    with pytest.raises(BadKey, match="is expired"):
        keys.rotate(old.key_id, now=NOW + 3 * HOUR, old_until=NOW + 4 * HOUR)


def test_an_overlap_does_not_lengthen_a_key(store: ScoreStore) -> None:
    old, secret = Keys(store).create("k", "job", now=NOW, expires_at=NOW + HOUR)
    Keys(store).rotate(old.key_id, now=NOW, old_until=NOW + 5 * HOUR)
    with pytest.raises(Unidentified):
        Keys(store).find(secret, now=NOW + HOUR)


@pytest.mark.parametrize(
    "asked, says",
    [
        ({"role": "csm"}, "has an owner"),
        ({"role": "admin", "owner": "Ada"}, "has an owner"),
        ({"role": "job", "scopes": frozenset({"accounts:read", "model:read"})}, "can't have accounts:read"),
        ({"role": "job", "expires_at": NOW}, "past"),
    ],
)
def test_a_key_that_cannot_be(sqlite: ScoreStore, asked: dict[str, object], says: str) -> None:
    with pytest.raises(BadKey, match=says):
        Keys(sqlite).create("k", **({"now": NOW} | asked))  # type: ignore[arg-type]
    assert not Keys(sqlite).exist()


def test_a_revoked_key_is_refused_at_once_where_nothing_is_remembered(
    client_of: Callable[..., TestClient], published: ScoreStore
) -> None:
    keys, client = Keys(published), client_of(published)
    key, secret = keys.create("k", "renewals", now=NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/v1/accounts", headers=headers).status_code == 200
    keys.revoke(key.key_id, now=NOW)
    answer = client.get("/v1/accounts", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert "is revoked" in answer.json()["detail"]
    assert client.get("/v1/accounts").status_code == 401  # and nobody else is let in instead


def test_a_checked_key_is_remembered_for_a_while(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    keys, client = Keys(published), client_of(published, identity_cache_s=60)
    key, secret = keys.create("k", "renewals", now=NOW)
    headers = {"Authorization": f"Bearer {secret}"}
    assert client.get("/v1/accounts", headers=headers).status_code == 200
    keys.revoke(key.key_id, now=NOW)
    assert client.get("/v1/accounts", headers=headers).status_code == 200
    assert client.get("/v1/accounts", headers={"Authorization": f"Bearer {secret}x"}).status_code == 401


def test_a_key_may_have_fewer_scopes_than_its_role(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    _, secret = Keys(published).create("Prometheus", "job", now=NOW, scopes=frozenset({"metrics:read"}))
    client = client_of(published)
    statuses = {
        path: client.get(path, headers={"Authorization": f"Bearer {secret}"}).status_code
        for path in ("/metrics", "/openapi.json", "/v1/accounts")
    }
    assert statuses == {"/metrics": 200, "/openapi.json": 403, "/v1/accounts": 403}


def test_the_last_use_is_noted(client_of: Callable[..., TestClient], published: ScoreStore) -> None:
    key, secret = Keys(published).create("k", "renewals", now=NOW)
    client = client_of(published)
    client.get("/docs", headers={"Authorization": f"Bearer {secret}"})
    client.__exit__()
    assert {each.key_id: each.last_used_at for each in Keys(published).all()} == {key.key_id: NOW}


def test_keys_on_the_command_line(tmp_path: Path) -> None:
    state = ["--state", str(tmp_path)]

    def run(*words: str) -> str:
        done = CliRunner().invoke(command, [*words, *state], env={"COLUMNS": "250"})
        assert done.exit_code == 0, done.output
        return done.output

    created = run("keys", "create", "CRM sync", "--role", "csm", "--owner", "Ada Byron", "--days", "90")
    secret = created.splitlines()[-1]
    key_id = secret.split("_")[1]
    assert "isn't shown again" in created
    assert secret.startswith("hs_")
    listed = run("keys", "list")
    assert secret not in listed
    assert {"CRM sync", key_id, "Ada Byron", "active"} <= {
        cell.strip() for cell in listed.replace("  ", "\n").split("\n")
    }
    rotated = run("keys", "rotate", key_id, "--overlap-hours", "1").splitlines()[-1]
    assert rotated.split("_")[1] in run("keys", "list")
    assert "is revoked" in run("keys", "revoke", rotated.split("_")[1])
    assert "revoked" in run("keys", "list")
    with sqlite3.connect(tmp_path / "scores.db") as database:
        assert secret not in str(database.execute("SELECT * FROM api_keys").fetchall())
    database.close()


@pytest.mark.parametrize(
    "words, says",
    [
        (("create", "k", "--role", "csm"), "has an owner"),
        (("create", "k", "--role", "job", "--scope", "everything"), "there is no scope everything"),
        (("revoke", "nobody"), "there is no key nobody"),
        (("rotate", "nobody"), "there is no key nobody"),
    ],
)
def test_a_wrong_command_says_what_is_wrong(words: tuple[str, ...], says: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(command, ["keys", *words, "--state", str(tmp_path)])
    assert isinstance(done.exception, BadKey)
    assert says in str(done.exception)
