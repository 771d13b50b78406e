"""How long the server takes for a page of a book of 10,000 accounts.

    python tests/benchmarks/pages.py [accounts]
    python tests/benchmarks/pages.py --state mlruns/demo

The second takes the pages of single accounts, which need a model: of the first 40 by name in what `healthscore demo`
left, and of the 10 with the most ARR at risk, about whom most is known.

Processor time of the application in this process, compressed as for a browser, warm, on SQLite: the time on the wall
where nobody else uses the machine. In the first every account has all signals and drivers, and the book has 100 owners.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # LightGBM's threads wait without holding a busy core

import asyncio
import atexit
import gc
import json
import random
import statistics
import sys
import tempfile
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

sys.path[0] = str(Path(__file__).parents[2])  # or serving.py beside this file would be taken for the package

from fastapi import FastAPI  # noqa: E402

from features.book import GROUPINGS, MEASURES  # noqa: E402
from features.catalogue import SIGNALS  # noqa: E402
from features.settings import load_settings  # noqa: E402
from serving.api import create_app  # noqa: E402
from serving.scores import BANDS, AccountScore, Batch, Driver, Freshness, Signal  # noqa: E402
from serving.store import ScoreStore  # noqa: E402
from tests.benchmarks.listing import AS_OF, accounts  # noqa: E402
from training.tracking import Registry  # noqa: E402

ACCOUNTS = 10_000
PATHS = (
    "/",
    "/accounts",
    "/renewals",
    "/renewals?within=365d&capacity=100",
    "/renewals?within=365d&capacity=500",
    "/book",
    "/book?by=segment",
    "/book?by=owner",
)
REPEATS = 15


def detailed(number: int) -> Iterator[AccountScore]:
    """So many accounts at random, with signals, drivers and freshness."""
    rng = random.Random(2)
    freshness = {"tickets": Freshness(AS_OF, "fresh"), "engagements": Freshness(AS_OF, "fresh")}
    for account in accounts(number):
        signals = tuple(Signal(signal.name, rng.uniform(0, 90), rng.gauss(0, 1)) for signal in SIGNALS)
        drivers = [
            Driver(signal.name, signal.dimension, 1.0, signal.unit, 2.0, "peers", -1.0 - place, f"{signal.meaning}: 1")
            for place, signal in enumerate(rng.sample(SIGNALS, 6))
        ]
        yield replace(account, signals=signals, drivers=drivers, freshness=freshness)


def parts(names: list[str]) -> list[dict[str, object]]:
    """A book of these groups, at random."""
    rng = random.Random(3)
    retention = {f"{name}{end}": rng.random() for name in ("nrr", "grr") for end in ("", "_low", "_high")}
    forecast = {
        "accounts": 100, "arr": 1e6, "arr_at_risk": 1e5, "leaving_share": 0.1, "leaving_arr_share": 0.1,
        "reducing_share": 0.1, "expected_arr": 9e5, "expected_arr_low": 8e5, "expected_arr_high": 1e6,
        "bands": dict.fromkeys(BANDS, 33), **retention,
    }  # fmt: skip
    told = {"numerator": 1.0, "denominator": 2.0, "target": 0.5, "status": "met", "trend": "better"}
    return [
        {
            "group": name,
            "forecast": forecast,
            "measures": {each.name: told | {"value": rng.random(), "previous": rng.random()} for each in MEASURES},
        }
        for name in names
    ]


async def answer(app: FastAPI, url: str, accept: str = "text/html", encoding: str = "gzip") -> bytes:
    """The body of an answer, asked for as the server does."""
    path, _, query = url.partition("?")
    headers = {"host": "127.0.0.1", "accept": accept, "accept-encoding": encoding}
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "method": "GET",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message)

    await app(scope, receive, send)
    assert told[0]["status"] == 200, (url, told)
    return b"".join(message.get("body", b"") for message in told)


async def spent(app: FastAPI, path: str) -> list[float]:
    """Milliseconds of a page, again and again."""
    times = []
    for _ in range(REPEATS + 1):
        began = process_time()
        await answer(app, path)
        times.append(1000 * (process_time() - began))
    return times


async def of_accounts(state: Path) -> None:
    """Pages of accounts of a company that is there."""
    settings, _ = load_settings({"state": state})
    registry = Registry(settings.tracking, state / "artifacts", settings.model)
    with ScoreStore.open(settings.score_store) as store:
        app = create_app(store, settings, registry=registry)
        gc.freeze()  # as the server does
        async with app.router.lifespan_context(app):
            for what, query in (("the first by name", "limit=40&sort=name"), ("the most ARR at risk", "limit=10")):
                listed = json.loads(await answer(app, f"/v1/accounts?{query}", "*/*", "identity"))["accounts"]
                medians = [statistics.median((await spent(app, f"/accounts/{a['account_id']}"))[1:]) for a in listed]
                print(f"{what:22}{statistics.median(medians):8.1f} ms, the longest {max(medians):.1f} ms")


async def of_book(number: int) -> None:
    """Pages of a book."""
    with tempfile.TemporaryDirectory() as folder, ScoreStore.open(f"sqlite:///{folder}/scores.db") as store:
        batch = Batch(as_of=AS_OF, known_at=AS_OF, model_name="m", model_version="1", mode="learned",
                      catalogue_digest="d", accounts=number)  # fmt: skip
        book = {by: parts([f"{by} {place}" for place in range(100 if by == "owner" else 4)]) for by in GROUPINGS}
        store.publish(batch, detailed(number), book | {"all": parts(["all"])})
        app = create_app(store)
        gc.freeze()  # as the server does
        for path in PATHS:
            first, *warm = await spent(app, path)
            print(f"{path:42}{statistics.median(warm):8.1f} ms, at best {min(warm):6.1f} ms, the first {first:7.1f} ms")


if __name__ == "__main__":
    atexit.register(gc.unfreeze)
    if sys.argv[1:2] == ["--state"]:
        asyncio.run(of_accounts(Path(sys.argv[2])))
    else:
        asyncio.run(of_book(int(sys.argv[1]) if len(sys.argv) > 1 else ACCOUNTS))
