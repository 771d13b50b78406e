"""A store on each database, and a small book of accounts to publish."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from serving.scores import AccountScore, Batch, Freshness, Signal
from serving.store import ScoreStore

AS_OF = datetime(2026, 11, 1)


def score(account_id: str, **changes: object) -> AccountScore:
    """An account of middling health, with some fields changed."""
    values: dict[str, object] = {
        "account_id": account_id,
        "name": account_id,
        "segment": "enterprise",
        "region": "EMEA",
        "owner": "Ada Byron",
        "arr": 1000.0,
        "renewal_at": AS_OF + timedelta(days=90),
        "health": 47.75,
        "band": "at_risk",
        "risk_30d": 0.03125,
        "risk_90d": 0.1,
        "risk_180d": 0.2,
        "risk_365d": 0.3,
        "renewal_risk": 0.25,
        "arr_at_risk": 300.0,
        "coverage": 0.9,
        "base_points": 52.0,
        "points": {"adoption": -6.5, "support": 2.25},
        "signals": (Signal("tickets_count_84d", None, 2.25), Signal("active_users_mean_84d", 3.5, -6.5)),
        "freshness": {"tickets": Freshness(None, "missing"), "usage_daily": Freshness(AS_OF, "fresh")},
    }
    return AccountScore(**(values | changes))  # type: ignore[arg-type]


CAST = [
    score("thrive", name="Thrive", health=91.5, band="healthy", arr=5000.0, arr_at_risk=50.0, risk_90d=0.004,
          risk_365d=0.01, owner="Ken Osei"),
    score("fade", name="Fade", health=12.25, band="critical", arr=2000.0, arr_at_risk=1600.0, risk_90d=0.4,
          risk_365d=0.8, renewal_at=AS_OF + timedelta(days=20), region="APAC"),
    score("quiet", name="Quiet & <Sons>", segment=None, region=None, owner=None, renewal_at=None, renewal_risk=None),
    score("newborn", name="Élan Newborn", coverage=0.25, renewal_at=None, renewal_risk=None, segment="small"),
    score("boundary/1", name="=Boundary", health=100.0, band="healthy", risk_90d=0.0, risk_365d=0.0, arr_at_risk=0.0,
          base_points=90.0, points={"adoption": 25.0}),
    score("returned", name="Returned"),
]  # fmt: skip


def batch(accounts: int, *, day: int = 0, version: str = "7", **changes: object) -> Batch:
    """A batch of so many accounts, known four hours after its `as_of`."""
    as_of = AS_OF + timedelta(days=day)
    values: dict[str, object] = {
        "as_of": as_of,
        "known_at": as_of + timedelta(hours=4),
        "model_name": "churn",
        "model_version": version,
        "mode": "learned",
        "catalogue_digest": "ab12",
        "accounts": accounts,
    }
    return Batch(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on each database."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'scores.db'}"


@pytest.fixture
def store(url: str) -> Iterator[ScoreStore]:
    """An empty store, on each database."""
    with ScoreStore.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[ScoreStore]:
    """An empty store on SQLite, for what doesn't depend on the database."""
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as opened:
        yield opened


@pytest.fixture(scope="session")
def make_score() -> Callable[..., AccountScore]:
    """See `score`."""
    return score


@pytest.fixture(scope="session")
def make_batch() -> Callable[..., Batch]:
    """See `batch`."""
    return batch


@pytest.fixture(scope="session")
def cast() -> list[AccountScore]:
    """Six accounts: with every band, ties, missing values, and names that must be escaped."""
    return list(CAST)
