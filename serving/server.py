"""Serving over HTTP until the process is told to stop."""

import gc
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from features.settings import Settings
from serving.access.gate import LOOPBACK
from serving.access.keys import Keys
from serving.access.oidc import Issuer
from serving.api import create_app, utc_now
from serving.delivery import Courier
from serving.errors import PortUnavailable, Unguarded
from serving.logs import CONFIG
from serving.metrics import FOLDER
from serving.store import ScoreStore
from training.tracking import Registry

_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}
"""How long MLflow waits for a registry that is away, unless the environment says; by default minutes."""
_SWITCH_S = 0.001
"""How long a thread may keep the event loop waiting for Python's lock at each of its turns; by default five times that,
which makes a request wait long while another is being scored."""
_START_S = 60
"""How long a worker may take to answer: one that imports on a busy machine would be ended and begun again for ever."""
_SHUTDOWN_S = 10  # how long running requests may take to finish


def serve(settings: Settings, announce: Callable[[str], None] = lambda _: None) -> None:
    """Answer on the host and port that are set until SIGINT or SIGTERM; running requests are finished first.

    `announce` is told the address once the port is listened on, and whether callers must show who they are; port 0
    takes a free one. Raises PortUnavailable if the port can't be listened on, Unguarded if other machines would be
    answered and there is no key nor issuer, and whatever `ScoreStore.open` and `create_app` raise.
    """
    for name, value in _PATIENCE.items():
        os.environ.setdefault(name, value)
    with _listening(settings.host, settings.port) as listening, ScoreStore.open(settings.score_store) as store:
        guarded = Issuer.of(settings) is not None or Keys(store).exist()
        if not guarded and settings.host not in LOOPBACK:
            raise Unguarded(
                f"there is no API key and no OIDC issuer, so healthscore answers this machine only (127.0.0.1), not "
                f"{settings.host}, where everybody could read: make a key first with "
                "`healthscore keys create NAME --role admin`"
            )
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        announce(f"Serving on http://{host}:{listening.getsockname()[1]}/ (Ctrl+C stops it)")
        announce(
            "Every request but the probes needs an API key or a token"
            if guarded
            else "No API key exists yet: only this machine is answered, and whoever is on it may do everything"
        )
        with Courier(store, timedelta(days=settings.stale_after_days), utc_now):
            if settings.workers == 1:
                _run(uvicorn.Server(_config(_app(store, settings))), listening)
            else:
                store.close()  # each process opens its own
                with _counting_together():
                    Multiprocess(_config(_Worker(settings), settings.workers), [listening]).run()


@dataclass(frozen=True)
class _Worker:
    """Makes a worker's app in its own process."""

    settings: Settings

    def __call__(self) -> FastAPI:
        return _app(ScoreStore.open(self.settings.score_store), self.settings)


def _app(store: ScoreStore, settings: Settings) -> FastAPI:
    sys.setswitchinterval(_SWITCH_S)
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    app = create_app(store, settings, registry=registry)
    gc.freeze()  # what was imported stays: to look through it for garbage halts every request for a quarter of a second
    return app


def _config(app: FastAPI | _Worker, workers: int = 1) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=isinstance(app, _Worker),
        workers=workers,
        server_header=False,
        access_log=False,
        log_config=CONFIG,
        timeout_graceful_shutdown=_SHUTDOWN_S,
        timeout_worker_healthcheck=_START_S,
    )


def _run(server: uvicorn.Server, listening: socket.socket) -> None:
    try:
        server.run(sockets=[listening])
    except KeyboardInterrupt:  # uvicorn's last word after it has shut down
        return
    finally:
        gc.unfreeze()  # or libraries would tell of what they still hold at the end


@contextmanager
def _counting_together() -> Iterator[None]:
    """Have the workers' metrics added up, in a folder that goes with them."""
    with TemporaryDirectory(prefix="healthscore-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


def _listening(host: str, port: int) -> socket.socket:
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
        # Connections inherit it; asyncio doesn't set it on theirs. Without it an answer's last bytes wait 40 ms.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise PortUnavailable(f"can't listen on {host}:{port}: {error}; choose another port") from error
