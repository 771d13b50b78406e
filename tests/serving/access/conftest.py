"""The service on the cast, with a key for each role, and a clock that a test may turn."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from features.settings import Settings
from serving.access.keys import Keys
from serving.access.roles import Role
from serving.api import create_app
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

NOW = datetime(2026, 11, 2)
OWNERS: dict[Role, str | None] = {"csm": "Ada Byron", "renewals": None, "job": None, "admin": None}
DATA = {"check": None, "sources": [], "coverage": {"mean": 0.9, "tenths": [0] * 9 + [6], "dimensions": []}}
"""What came in, of which nothing is told."""


@dataclass
class Clock:
    """The time, which stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """See `Clock`."""
    return Clock()


@pytest.fixture
def published(sqlite: ScoreStore, make_batch: Callable[..., Batch], cast: list[AccountScore]) -> ScoreStore:
    """A store that holds the cast, and no key."""
    sqlite.publish(make_batch(len(cast)), cast)
    return sqlite


@pytest.fixture(scope="module")
def unchanging(
    tmp_path_factory: pytest.TempPathFactory, make_batch: Callable[..., Batch], cast: list[AccountScore]
) -> Iterator[ScoreStore]:
    """The same, and a batch before it, by a version that is registered; for the tests of a file that write nothing."""
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('store') / 'scores.db'}") as opened:
        for day in (-28, 0):
            opened.publish(make_batch(len(cast), day=day, version="1"), cast, data=DATA)
        yield opened


@pytest.fixture(scope="module")
def roles(unchanging: ScoreStore) -> dict[Role, str]:
    """A key for each role, in the unchanging store; the csm is Ada Byron."""
    keys = Keys(unchanging)
    return {role: keys.create(role, role, now=NOW, owner=owner)[1] for role, owner in OWNERS.items()}


@pytest.fixture
def client_of(clock: Clock) -> Iterator[Callable[..., TestClient]]:
    """Makes a client of the service on a store, with some settings changed, that remembers no caller.

    Leaving a client (`client.__exit__()`) stops its service, as SIGTERM would.
    """
    with ExitStack() as clients:

        def make(
            store: ScoreStore, *, extend: Callable[[FastAPI], None] = lambda _: None, **settings: object
        ) -> TestClient:
            app = create_app(store, Settings.model_validate({"identity_cache_s": 0} | settings), clock=clock)
            extend(app)
            client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
            return clients.enter_context(client)

        yield make
