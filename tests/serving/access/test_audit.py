"""The audit log: every read of an account and every write is in it, with ids only, and stays in it."""

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from typer.testing import CliRunner

from serving.access.cli import app as command
from serving.access.keys import Keys
from serving.access.permission import may
from serving.audit import AuditLog, Entry
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)
LIST, ONE = "GET /v1/accounts", "GET /v1/accounts/{account_id}"


def writes(app: FastAPI) -> None:
    """Add routes that write, or fail at it."""
    app.post("/notes/{account_id}", dependencies=[may("accounts:write")])(lambda account_id: account_id)

    @app.post("/broken/{account_id}", dependencies=[may("accounts:write")])
    def broken(account_id: str) -> None:
        raise RuntimeError(account_id)


def entry(what: str, account_id: str | None = None, **changes: object) -> Entry:
    values = {"at": NOW, "who": "local", "what": what, "account_id": account_id, "request_id": None, "result": 200}
    return Entry(**(values | changes))  # type: ignore[arg-type]


def test_reads_and_writes_of_accounts_are_recorded(
    store: ScoreStore, make_batch: Callable[..., Batch], cast: list[AccountScore], client_of: Callable[..., TestClient]
) -> None:
    store.publish(make_batch(len(cast)), cast)
    key, secret = Keys(store).create("Ada's own", "csm", now=NOW, owner="Ada Byron")
    client = client_of(store, extend=writes)
    headers = {"Authorization": f"Bearer {secret}"}
    for number, (method, path) in enumerate((
        ("GET", "/v1/accounts?q=fade"), ("GET", "/v1/accounts/boundary%2F1"), ("GET", "/v1/accounts/thrive"),
        ("GET", "/accounts/fade"), ("GET", "/"), ("POST", "/notes/fade"), ("POST", "/broken/fade"),
        ("GET", "/healthz"), ("GET", "/docs"), ("GET", "/metrics"), ("GET", "/nowhere"),
    )):  # fmt: skip
        client.request(method, path, headers=headers | {"X-Request-ID": f"r{number}"})
    client.get("/v1/accounts/fade")
    client.__exit__()
    who = f"key:{key.key_id}"
    found = list(AuditLog(store).entries())[::-1]
    assert [(each.what, each.account_id, each.result) for each in found] == [
        (LIST, None, 200),
        (ONE, "boundary/1", 200),
        (ONE, "thrive", 404),
        ("GET /accounts/{account_id}", "fade", 200),
        ("GET /", None, 200),
        ("POST /notes/{account_id}", "fade", 200),
        ("POST /broken/{account_id}", "fade", 500),
    ]
    assert {each.who for each in found} == {who}
    assert {each.at for each in found} == {NOW}
    assert [each.request_id for each in found] == [f"r{number}" for number in range(7)]
    for personal in ("Ada", "Byron", "q=", secret):
        assert personal not in str(found)


def test_a_write_is_in_the_log_before_it_is_answered(
    client_of: Callable[..., TestClient], published: ScoreStore
) -> None:
    client = client_of(published, extend=writes)
    for number in range(3):
        client.post("/notes/fade", headers={"X-Request-ID": f"r{number}"})
        assert AuditLog(published).entries(limit=1)[0].request_id == f"r{number}"


def test_entries_are_found_by_account_by_who_and_since(store: ScoreStore) -> None:
    log = AuditLog(store)
    for day, who, account_id in ((0, "key:a", "x"), (1, "key:b", "x"), (2, "key:a", "y"), (3, "key:a", None)):
        log.write([entry(LIST, account_id, who=who, at=NOW + timedelta(days=day))])
    log.write([])

    def days(**asked: object) -> list[int]:
        return [(each.at - NOW).days for each in log.entries(**asked)]  # type: ignore[arg-type]

    assert days() == [3, 2, 1, 0]
    assert days(account_id="x") == [1, 0]
    assert days(who="key:a") == [3, 2, 0]
    assert days(since=NOW + timedelta(days=2)) == [3, 2]
    assert days(who="key:a", account_id="x", since=NOW) == [0]
    assert days(limit=1) == [3]


@pytest.mark.parametrize("change", ["UPDATE audit_log SET who = 'nobody'", "DELETE FROM audit_log"])
def test_nobody_can_change_the_log(store: ScoreStore, change: str) -> None:
    log = AuditLog(store)
    log.write([entry(ONE, "x")])
    with pytest.raises(DatabaseError, match="only grows"), store.writing() as connection:
        connection.execute(text(change))
    assert log.entries() == [entry(ONE, "x")]


def test_an_entry_of_any_id_can_be_written(store: ScoreStore, client_of: Callable[..., TestClient]) -> None:
    client = client_of(store)
    client.get("/v1/accounts/a%00b")
    client.get("/v1/accounts/" + "x" * 5_000)
    client.__exit__()
    assert [each.account_id for each in AuditLog(store).entries()] == ["x" * 200, "ab"]


def test_what_cannot_be_written_is_in_the_logs(
    client_of: Callable[..., TestClient], published: ScoreStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client = client_of(published, extend=writes, identity_cache_s=60)
    assert client.get("/openapi.json").status_code == 200  # from now on it knows who asks
    published.close()
    for file in tmp_path.glob("scores.db*"):
        file.unlink()
    (tmp_path / "scores.db").mkdir()
    with caplog.at_level(logging.ERROR, "serving.recorder"):
        client.post("/notes/fade", headers={"X-Request-ID": "r1"})
    lost = [record.audit for record in caplog.records if hasattr(record, "audit")]
    assert [(each["account_id"], each["request_id"]) for each in lost] == [("fade", "r1")]


def test_the_log_on_the_command_line(tmp_path: Path) -> None:
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        AuditLog(store).write([entry(ONE, "A-1"), entry(LIST, who="key:b", at=NOW + timedelta(days=1))])

    def run(*words: str) -> str:
        done = CliRunner().invoke(command, ["audit", *words, "--state", str(tmp_path)], env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    lines = [json.loads(line) for line in run("--json").splitlines()]
    assert [(line["at"], line["who"], line["account_id"]) for line in lines] == [
        ("2026-11-03T00:00:00Z", "key:b", None),
        ("2026-11-02T00:00:00Z", "local", "A-1"),
    ]
    assert "A-1" in run("--account", "A-1")
    assert "A-1" not in run("--since", "2026-11-03")
    assert "key:b" in run("--who", "key:b", "--limit", "1")
