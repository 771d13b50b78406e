"""What serving costs, as ratios in one run on two cores: `python tests/benchmarks/serving.py [accounts] [seconds]`.

Reads of one account with a key, against a bare FastAPI route that returns the same bytes from memory; ad-hoc scoring of
one account, against `mlflow models serve` with the same model; and how far the slowest requests are from the usual one.
Servers and the load are processes of their own. Rounds of either side alternate, so that a busy machine slows both.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import json
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

CONNECTIONS = 16
ROUNDS = 5

SERVED = """
from features.settings import Settings
from serving.server import serve
serve(Settings.model_validate_json({settings!r}), lambda words: print(words, flush=True))
"""
BARE = """
import sys, uvicorn
from pathlib import Path
from fastapi import FastAPI, Response
app, content = FastAPI(), Path(sys.argv[1]).read_bytes()
@app.get("/v1/accounts/{{account_id}}")
async def account(account_id: str) -> Response:
    return Response(content, media_type="application/json")
uvicorn.run(app, port={port}, access_log=False, log_level="warning")
"""


@dataclass(frozen=True)
class Asked:
    """A request, sent over and over."""

    address: str
    path: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def written(self) -> bytes:
        method = "POST" if self.body else "GET"
        sent = {"Host": urlsplit(self.address).netloc, **self.headers}
        if self.body:
            sent |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = [f"{method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


class Asking:
    """A connection that asks again as soon as it is answered; every answer must be a 200.

    Plain sockets, so that the load takes little of the processors that the servers run on.
    """

    def __init__(self, asked: Asked) -> None:
        where = urlsplit(asked.address)
        self.socket = socket.create_connection((where.hostname, where.port))
        self._request = asked.written

    def ask(self) -> None:
        self.socket.sendall(self._request)
        self._began, self._head, self._missing = time.perf_counter(), b"", None

    def read(self) -> float | None:
        """Take what has come; the seconds the answer took once it is whole."""
        came = self.socket.recv(1 << 20)
        assert came, "the server hung up"
        if self._missing is None:
            self._head += came
            if (ends := self._head.find(b"\r\n\r\n") + 4) < 4:
                return None
            assert self._head.startswith(b"HTTP/1.1 200"), self._head[:ends].decode()
            length = int(self._head[:ends].lower().split(b"content-length:")[1].split(b"\r\n")[0])
            self._missing = length - (len(self._head) - ends)
        else:
            self._missing -= len(came)
        return time.perf_counter() - self._began if self._missing == 0 else None


def load(asked: Asked, seconds: float) -> list[float]:
    """Seconds of each request, over all connections."""
    spent: list[float] = []
    with selectors.DefaultSelector() as ready:
        for asking in [Asking(asked) for _ in range(CONNECTIONS)]:
            ready.register(asking.socket, selectors.EVENT_READ, asking)
            asking.ask()
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for key, _ in ready.select():
                if (took := key.data.read()) is not None:
                    spent.append(took)
                    key.data.ask()
        for key in list(ready.get_map().values()):
            key.fileobj.close()
    return spent


def loaded(asked: Asked, seconds: float) -> tuple[float, list[float]]:
    """Requests per second, and the seconds of each, measured in a process of its own."""
    given = json.dumps([asked.address, asked.path, asked.headers, asked.body.decode(), seconds])
    found = subprocess.run(
        [sys.executable, __file__, "--load"], input=given, capture_output=True, text=True, check=True
    )
    spent: list[float] = json.loads(found.stdout)
    return len(spent) / seconds, spent


@contextmanager
def running(*command: str, ready: str, say: bool = False) -> Iterator[subprocess.Popen[str]]:
    """A server that answers at `ready`."""
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by name
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PATH": programs, "MLFLOW_DISABLE_TELEMETRY": "true"}
    quiet = None if say else subprocess.DEVNULL
    server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=quiet, stderr=quiet, text=True)
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(ready).close()
                break
            except OSError:
                assert server.poll() is None, f"{command[:3]} ended"
                time.sleep(0.1)
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def compared(seconds: float, *sides: Asked) -> list[tuple[float, float, float]]:
    """Of each side, over alternating rounds: requests per second (median), median and 99th percentile in seconds."""
    rates: list[list[float]] = [[] for _ in sides]
    spent: list[list[float]] = [[] for _ in sides]
    for side in sides:
        loaded(side, 1.0)
    for _ in range(ROUNDS):
        for place, side in enumerate(sides):
            rate, times = loaded(side, seconds)
            rates[place].append(rate)
            spent[place] += times
    found = []
    for rate, times in zip(rates, spent, strict=True):
        found.append((statistics.median(rate), statistics.median(times), statistics.quantiles(times, n=100)[98]))
    return found


def prepared(folder: Path, accounts: int) -> tuple[str, bytes, list[dict[str, object]], str]:
    """A scored company with a registered champion: an account's id, its answer, its signals, and a key."""
    import polars as pl

    from features.catalogue import CATALOGUE
    from features.matrix import build
    from features.periods import snapshots
    from features.quality import check
    from features.settings import Settings
    from features.simulation import simulate
    from features.sources import open_source
    from features.spine import spine
    from serving.access.keys import Keys
    from serving.scoring import score
    from serving.store import ScoreStore
    from training.outcomes import outcomes
    from training.tracking import Registry
    from training.train import Recipe, history_starts, train

    end = datetime(2026, 1, 1)
    simulate(folder / "company", accounts=accounts, months=30, seed=1, end=end)
    with open_source(folder / "company") as source:
        tables = check(source).tables
    known = outcomes(tables)
    matrix = build(tables, spine(tables, snapshots(history_starts(known, end), end)))
    model = train(matrix, known, Recipe())
    newest = matrix.filter(pl.col("as_of") == end)
    settings = Settings(state=folder)
    registry = Registry(settings.tracking, folder / "artifacts", settings.model)
    registry.register(model, parameters={}, metrics={}, texts={}, tags={}, newest=newest, promote=True)
    with ScoreStore.open(settings.score_store) as store:
        score(tables, model, store, as_of=end, known_at=end, model_name=registry.name, model_version="1")
        key = Keys(store).create("benchmark", "admin", now=datetime.now())[1]  # noqa: DTZ005
    days = (pl.col("renewal_at") - pl.col("as_of")).dt.total_microseconds() / 86_400e6
    vectors = newest.with_columns(days_to_renewal=days).select("account_id", "segment", "term_days", *CATALOGUE)
    return str(newest["account_id"][0]), vectors.head(1).to_dicts(), key, list(model.card.signals)


def measured(accounts: int, seconds: float) -> None:
    from features.settings import Settings

    with tempfile.TemporaryDirectory() as name, ExitStack() as servers:
        folder = Path(name)
        account_id, vectors, key, signals = prepared(folder, accounts)
        ports = [free_port() for _ in range(3)]
        ours, bare, mlflow = (f"http://127.0.0.1:{port}" for port in ports)
        settings = Settings(state=folder, port=ports[0], requests_per_minute=10**8)
        program = SERVED.format(settings=settings.model_dump_json())
        servers.enter_context(running(sys.executable, "-c", program, ready=f"{ours}/healthz"))
        bearer = {"Authorization": f"Bearer {key}"}
        asked = urllib.request.Request(f"{ours}/v1/accounts/{account_id}", headers=bearer)
        answer = urllib.request.urlopen(asked).read()
        (folder / "answer.json").write_bytes(answer)
        path = f"/v1/accounts/{account_id}"
        with running(sys.executable, "-c", BARE.format(port=ports[1]), str(folder / "answer.json"), ready=bare + path):
            read, plain = compared(seconds, Asked(ours, path, bearer), Asked(bare, path, {}))
        told("reads of one account", len(answer), read, "a bare FastAPI route", plain)

        row = {name: vectors[0][name] for name in [*signals, "days_to_renewal", "term_days", "segment"]}
        split = {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}}
        mlflow_cli = str(Path(sys.executable).with_name("mlflow"))
        version = f"models:/{settings.model}@champion"
        os.environ["MLFLOW_TRACKING_URI"] = settings.tracking
        command = (mlflow_cli, "models", "serve", "-m", version, "-p", str(ports[2]), "--env-manager", "local")
        with running(*command, ready=f"{mlflow}/ping"):
            scored, theirs = compared(
                seconds,
                Asked(ours, "/v1/score", bearer, json.dumps(vectors).encode()),
                Asked(mlflow, "/invocations", {}, json.dumps(split).encode()),
            )
        told("scoring of one account", len(json.dumps(vectors)), scored, "mlflow models serve", theirs)


def told(
    what: str, size: int, ours: tuple[float, float, float], other: str, theirs: tuple[float, float, float]
) -> None:
    print(f"{what} ({size:,} bytes, {CONNECTIONS} connections): {ours[0] / theirs[0]:.2f} times {other}")
    for name, (rate, median, worst) in (("healthscore", ours), (other, theirs)):
        print(f"  {name}: {rate:,.0f}/s, median {1000 * median:.2f} ms, p99 {worst / median:.1f} times that")


if __name__ == "__main__":
    if "--load" in sys.argv:
        address, path, headers, body, seconds = json.load(sys.stdin)
        print(json.dumps(load(Asked(address, path, headers, body.encode()), seconds)))
    else:
        numbers = [float(given) for given in sys.argv[1:]]
        measured(int(numbers[0]) if numbers else 400, numbers[1] if len(numbers) > 1 else 3.0)
