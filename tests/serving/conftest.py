"""A store on each database, a small book of accounts to publish, and a small company with a registered model."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from features.matrix import build
from features.periods import snapshots
from features.quality import check
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from features.tables import Tables
from serving.scores import AccountScore, Batch, Freshness, Signal
from serving.store import ScoreStore
from tests.sharing import made_once
from training.model import HealthModel
from training.outcomes import outcomes
from training.tracking import Registry
from training.train import Recipe, history_starts, train

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


@pytest.fixture(scope="session")
def _empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, made once: every test that wants one takes a copy."""
    file = tmp_path_factory.mktemp("empty") / "scores.db"
    ScoreStore.open(f"sqlite:///{file}").close()
    return file


@pytest.fixture
def _file(tmp_path: Path, _empty: Path) -> str:
    return f"sqlite:///{shutil.copy(_empty, tmp_path / 'scores.db')}"


@pytest.fixture(scope="session")
def _store_on_postgresql(make_database: Callable[[], str]) -> tuple[str, str]:
    """A store on PostgreSQL, and what empties it: a database and its tables take most of a second to make."""
    url = make_database()
    ScoreStore.open(url).close()
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        numbers = connection.execute("SELECT sequencename FROM pg_sequences")
        steps = [
            "SET session_replication_role = replica",  # or the audit log, which only grows, would refuse
            *(f'DELETE FROM "{table}"' for (table,) in tables),
            *(f'ALTER SEQUENCE "{sequence}" RESTART' for (sequence,) in numbers),
            f"INSERT INTO alembic_version VALUES ('{revision[0] if revision else ''}')",
        ]
    return url, "; ".join(steps)


@pytest.fixture
def _emptied(_store_on_postgresql: tuple[str, str]) -> str:
    """The URL of an empty store on PostgreSQL, the same for every test that wants one."""
    url, emptying = _store_on_postgresql
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        connection.execute(emptying)
    return url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty store, on each database."""
    return str(request.getfixturevalue("_emptied" if request.param == "postgresql" else "_file"))


@pytest.fixture
def store(url: str) -> Iterator[ScoreStore]:
    """An empty store, on each database."""
    with ScoreStore.open(url) as opened:
        yield opened


@pytest.fixture
def sqlite(_file: str) -> Iterator[ScoreStore]:
    """An empty store on SQLite, for what doesn't depend on the database."""
    with ScoreStore.open(_file) as opened:
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


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tables, HealthModel]:
    """A small company and a model of it as of 2026."""
    return made_once(tmp_path_factory, "serving-company", _company)


def _company(folder: Path) -> tuple[Tables, HealthModel]:
    simulate(folder, accounts=250, months=24, seed=3)
    with open_source(folder) as source:
        tables = check(source).tables
    as_of = datetime(2026, 1, 1)
    known = outcomes(tables)
    matrix = build(tables, spine(tables, snapshots(history_starts(known, as_of), as_of)))
    return tables, train(matrix, known, Recipe())


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory, company: tuple[Tables, HealthModel]) -> Registry:
    """A real registry of the model `churn`.

    Version 1 is champion and proven; version 2 is of another level; version 3 was trained with other signals. Whoever
    changes it takes a copy of its database.
    """
    return made_once(tmp_path_factory, "registry", lambda folder: _registry(folder, *company))


def _registry(folder: Path, tables: Tables, model: HealthModel) -> Registry:
    made = Registry(f"sqlite:///{folder / 'mlflow.db'}", folder / "artifacts", "churn")
    newest = build(tables, spine(tables, [datetime(2026, 1, 1)])).head(5)
    churn = replace(model.churn, calibration=replace(model.churn.calibration, intercept=0.25))
    for version, texts in (
        (model, {"receipt.json": '{"verdict": ["It tells churners apart."]}', "receipt.html": "<h1>Receipt</h1>"}),
        (replace(model, churn=churn), {}),
        (replace(model, card=replace(model.card, catalogue_digest="other")), {}),
    ):
        made.register(
            version, parameters={}, metrics={}, texts=texts, tags={"data_digest": "0a1b"}, newest=newest,
            promote=bool(texts),
        )  # fmt: skip
    return made
