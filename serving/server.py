"""Serving over HTTP until the process is told to stop."""

import socket
from collections.abc import Callable

import uvicorn

from features.errors import SettingsError
from serving.api import create_app
from serving.errors import PortUnavailable
from serving.store import ScoreStore

_SHUTDOWN_S = 10  # how long running requests may take to finish


def serve(
    store_url: str, host: str = "127.0.0.1", port: int = 8000, announce: Callable[[str], None] = lambda _: None
) -> None:
    """Answer on `host:port` until SIGINT or SIGTERM; running requests are finished first.

    `announce` is told the address once the port is listened on; port 0 takes a free one.
    Raises PortUnavailable if the port can't be listened on, SettingsError if there is no such port, and
    whatever `ScoreStore.open` raises.
    """
    with _listening(host, port) as listening, ScoreStore.open(store_url) as store:
        config = uvicorn.Config(create_app(store), server_header=False, timeout_graceful_shutdown=_SHUTDOWN_S)
        announce(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")
        try:
            uvicorn.Server(config).run(sockets=[listening])
        except KeyboardInterrupt:  # uvicorn's last word after it has shut down
            return


def _listening(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65_535:
        raise SettingsError(f"there is no port {port}: choose one up to 65535")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise PortUnavailable(f"can't listen on {host}:{port}: {error}; choose another port") from error
