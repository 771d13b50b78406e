"""Serving in a process of its own: it answers, finishes and stops; a taken port is one clear error."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from features.settings import Settings
from serving.errors import PortUnavailable, StoreUnavailable
from serving.server import serve

ROOT = Path(__file__).parents[2]


def test_it_answers_until_told_to_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = f"Settings(store='sqlite:///{tmp_path / 'scores.db'}', port={port})"
    program = f"from features.settings import Settings; from serving.server import serve; serve({settings})"
    server = subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE
    )
    try:
        for _ in range(200):
            try:
                answer = httpx2.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx2.TransportError:
                assert server.poll() is None
                time.sleep(0.1)
        assert answer.json() == {"status": "alive"}
        assert "server" not in answer.headers
        server.send_signal(signal.SIGINT)
        _, log = server.communicate(timeout=15)
        assert server.returncode == 0, log
        assert b"Traceback" not in log
    finally:
        server.kill()
        server.communicate()


def test_a_taken_port_is_one_clear_error(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortUnavailable, match=f"127.0.0.1:{port}.*another port"):
            serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", port=port))


@pytest.mark.parametrize("host, port", [("192.0.2.1", 8000), ("no.such.host.invalid", 8000)])
def test_an_address_that_is_not_here(tmp_path: Path, host: str, port: int) -> None:
    with pytest.raises(PortUnavailable):
        serve(Settings(store=f"sqlite:///{tmp_path / 'scores.db'}", host=host, port=port))


def test_the_port_is_free_again_when_the_store_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            serve(Settings(store="sqlite:////nowhere/scores.db", port=port))
