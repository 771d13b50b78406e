"""Serving in processes of its own: it answers, finishes and stops; what can't be served is one clear error."""

import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import httpx2
import psycopg
import pytest

from features.settings import Settings
from serving.access.keys import Keys
from serving.audit import AuditLog
from serving.errors import PortUnavailable, StoreUnavailable, Unguarded
from serving.server import serve
from serving.store import ScoreStore
from tests.forking import ROOT, Child, Forking, environment

PROGRAM = """
from features.settings import Settings
from serving.server import serve
serve(Settings.model_validate_json({settings!r}), lambda words: print(words, flush=True))
"""


class Served(NamedTuple):
    """A process that serves, its address, and what it said of who is answered."""

    process: Child
    address: str
    said: str


@contextmanager
def serving(forking: Forking, folder: Path, **changes: object) -> Iterator[Served]:
    """A process that is ready to answer; its temporary files are in `folder`."""
    settings = Settings.model_validate({"store": f"sqlite:///{folder / 'scores.db'}", "port": 0} | changes)
    given = environment(PYTHONPATH=str(ROOT), TMPDIR=str(folder))
    server = forking.start(PROGRAM.format(settings=settings.model_dump_json()), given=given)
    try:
        address = server.stdout.readline().removeprefix("Serving on ").split("/ ")[0]
        for _ in range(300):
            try:
                assert httpx2.get(f"{address}/healthz").json() == {"status": "alive"}
                break
            except httpx2.TransportError:
                assert server.poll() is None, server.communicate()
                time.sleep(0.1)
        yield Served(server, address, server.stdout.readline())
    finally:
        server.kill()
        server.communicate()


def test_it_answers_until_told_to_stop(forking: Forking, tmp_path: Path) -> None:
    with serving(forking, tmp_path) as (server, address, said):
        answer = httpx2.get(f"{address}/v1/accounts")
        assert answer.status_code == 503
        assert "server" not in answer.headers
        server.send_signal(signal.SIGINT)
        _, log = server.communicate(timeout=15)
        assert server.returncode == 0, log
    assert said.startswith("No API key exists yet: only this machine")
    assert "Traceback" not in log
    told = [json.loads(line) for line in log.splitlines() if "/v1/accounts" in line]
    assert [(line["route"], line["status"]) for line in told] == [("/v1/accounts", 503)]
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        assert [(entry.what, entry.result) for entry in AuditLog(store).entries()] == [("GET /v1/accounts", 503)]


@pytest.mark.postgres
@pytest.mark.parametrize("workers", [1, 2])
def test_a_running_request_is_finished(forking: Forking, tmp_path: Path, postgres_url: str, workers: int) -> None:
    answers: list[int] = []
    with (
        serving(forking, tmp_path, store=postgres_url, workers=workers) as (server, address, _),
        psycopg.connect(postgres_url.replace("+psycopg", "")) as holding,
        psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as looking,
    ):
        holding.execute("LOCK TABLE batches IN ACCESS EXCLUSIVE MODE")
        asking = threading.Thread(
            target=lambda: answers.append(httpx2.get(f"{address}/readyz", timeout=30).status_code)
        )
        asking.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        _until(lambda: looking.execute(waiting).fetchone() == (1,))
        server.send_signal(signal.SIGTERM)
        for _ in range(workers):
            while "Shutting down" not in server.stderr.readline():
                assert server.poll() is None
        assert answers == []
        holding.rollback()
        asking.join(15)
        server.communicate(timeout=15)
    assert answers == [503]  # nothing is published yet
    assert server.returncode in {0, -signal.SIGTERM}


def test_workers_share_a_store_and_add_their_metrics_up(forking: Forking, tmp_path: Path) -> None:
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        _, key = Keys(store).create("Prometheus", "admin", now=datetime(2026, 1, 1))
    headers = {"Authorization": f"Bearer {key}"}
    with serving(forking, tmp_path, workers=2) as (server, address, said):
        assert said.startswith("Every request but the probes needs")

        def counters() -> list[Path]:
            return list(tmp_path.glob("healthscore-metrics-*/counter_*.db"))

        asked = 0
        while len(counters()) < 2:
            asked += 1
            assert httpx2.get(f"{address}/v1/accounts", headers=headers).status_code == 503
        metrics = httpx2.get(f"{address}/metrics", headers=headers).text
        assert f'healthscore_requests_total{{method="GET",route="/v1/accounts",status="503"}} {asked}.0' in metrics
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=15)
        assert server.returncode == 0
    assert counters() == []


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:{port}.*another port"):
            serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", port=port))


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_here(tmp_path: Path, host: str) -> None:
    with pytest.raises(PortUnavailable):
        serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", ""])
def test_other_machines_are_not_answered_without_a_key(tmp_path: Path, host: str) -> None:
    with pytest.raises(Unguarded, match="healthscore keys create"):
        serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", host=host, port=0))


def test_other_machines_are_answered_once_there_is_a_key(tmp_path: Path) -> None:
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        Keys(store).create("k", "admin", now=datetime(2026, 1, 1))
    said: list[str] = []

    def stop(words: str) -> None:
        said.append(words)
        if len(said) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", host="0.0.0.0", port=0), stop)
    assert said[1] == "Every request but the probes needs an API key or a token"


def test_the_port_is_free_again_when_the_store_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            serve(Settings(store="sqlite:////nowhere/scores.db", port=port))


def _until(true: object) -> None:
    for _ in range(150):
        if true():  # type: ignore[operator]
            return
        time.sleep(0.1)
    raise AssertionError("it didn't happen within 15 seconds")
