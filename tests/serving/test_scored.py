"""A simulated company scored for real: what is published can be replayed bit for bit, and comes with its book."""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from features.book import GROUPINGS
from features.catalogue import CATALOGUE
from features.matrix import build
from features.spine import spine
from features.tables import Tables
from serving.accounts import account_detail
from serving.api import create_app
from serving.book import forecast
from serving.erasure import forget
from serving.errors import CannotReplay
from serving.plays import read_plays
from serving.replay import replay
from serving.scoring import score, scored_by
from serving.store import ScoreStore
from training.model import HealthModel

AS_OF = datetime(2026, 1, 1)


def publish(store: ScoreStore, company: tuple[Tables, HealthModel]) -> None:
    tables, model = company
    known_at = AS_OF + timedelta(hours=4)
    score(tables, model, store, as_of=AS_OF, known_at=known_at, model_name="healthscore", model_version="1",
          targets={"nrr": 1.05})  # fmt: skip


@pytest.fixture(scope="module")
def published(company: tuple[Tables, HealthModel], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with its scores."""
    file = tmp_path_factory.mktemp("published") / "scores.db"
    with ScoreStore.open(f"sqlite:///{file}") as store:
        publish(store, company)
    return file


@pytest.fixture
def scored(published: Path, tmp_path: Path) -> Iterator[ScoreStore]:
    """A copy of it."""
    copy = shutil.copy(published, tmp_path / "scores.db")
    with ScoreStore.open(f"sqlite:///{copy}") as store:
        yield store


@pytest.mark.postgres
def test_a_replay_on_postgresql(postgres_url: str, company: tuple[Tables, HealthModel]) -> None:
    with ScoreStore.open(postgres_url) as store:
        publish(store, company)
        assert replay(store, store.current(), company[1]).differences == []


def test_a_replay_is_the_same_bit_for_bit(scored: ScoreStore, company: tuple[Tables, HealthModel]) -> None:
    batch = scored.current()
    found = replay(scored, batch, company[1])
    assert found.differences == []
    assert found.accounts == batch.accounts > 100
    assert found.values > batch.accounts * len(company[1].card.signals)


@pytest.mark.parametrize(
    "tampered, what",
    [
        ("UPDATE scores SET risk_90d = risk_90d * (1 + 1e-15) WHERE account_id = :account", "risk_90d"),
        ("UPDATE score_details SET base_points = base_points + 1 WHERE account_id = :account", "base_points"),
    ],
)
def test_a_replay_finds_what_was_changed(
    scored: ScoreStore, company: tuple[Tables, HealthModel], tampered: str, what: str
) -> None:
    with scored.writing() as connection:
        account = connection.scalar(text("SELECT min(account_id) FROM scores WHERE risk_90d > 0.01"))
        connection.execute(text(tampered), {"account": account})
    (difference,) = replay(scored, scored.current(), company[1]).differences
    assert (difference.account_id, difference.what) == (account, what)
    assert difference.stored != difference.replayed


def test_a_replay_says_what_was_erased_since(scored: ScoreStore, company: tuple[Tables, HealthModel]) -> None:
    with scored.reading() as connection:
        account = str(connection.scalar(text("SELECT min(account_id) FROM scores")))
    forget(scored, account, author="test", now=AS_OF)
    assert replay(scored, scored.current(), company[1]).erased == 1


def test_another_catalogue_can_not_replay(scored: ScoreStore, company: tuple[Tables, HealthModel]) -> None:
    with scored.writing() as connection:
        connection.execute(text("UPDATE batches SET catalogue_digest = 'other'"))
    with pytest.raises(CannotReplay, match="other definitions"):
        replay(scored, scored.current(), company[1])


def test_an_account_comes_with_everything(scored: ScoreStore) -> None:
    batch = scored.current()
    assert batch.code_version is not None
    with scored.reading() as connection:
        account = str(connection.scalar(text("SELECT min(account_id) FROM scores WHERE renewal_at IS NOT NULL")))
    shown = account_detail(scored, batch, account, plays=read_plays())
    assert {signal.name for signal in shown.signals} == set(CATALOGUE)
    assert sum(signal.points for signal in shown.signals) == pytest.approx(
        sum(points for part, points in shown.points.items() if part != "segment")
    )
    clock = {signal.name: signal.value for signal in shown.signals}
    assert shown.days_to_renewal == clock["days_to_renewal"]
    assert shown.term_days == clock["contract_term_days"]
    assert shown.health_low is not None
    assert shown.health_low < shown.health < shown.health_high  # type: ignore[operator]
    worst = sorted(driver.points for driver in shown.drivers or [] if driver.points < 0)[:3]
    assert [reason.points for reason in shown.reasons] == worst
    assert {play.because for play in shown.plays} <= {reason.signal for reason in shown.reasons}


def test_the_book_is_published_with_the_scores(scored: ScoreStore) -> None:
    with TestClient(create_app(scored), base_url="http://127.0.0.1") as client:
        (whole,) = client.get("/v1/book").json()["parts"]
        assert whole["group"] == "all"
        told = {measure["measure"]: measure for measure in whole["measures"]}
        assert told["nrr"]["target"] == 1.05
        assert told["nrr"]["status"] in {"met", "missed"}
        totals = client.get("/v1/accounts?limit=1").json()["totals"]
        assert whole["forecast"]["arr_at_risk"] == pytest.approx(totals["arr_at_risk"])
        assert whole["forecast"]["bands"] == totals["bands"]
        for by in GROUPINGS:
            parts = client.get(f"/v1/book?by={by}").json()["parts"]
            scored_parts = [part["forecast"] for part in parts if part["forecast"]]
            assert sum(part["accounts"] for part in scored_parts) == totals["accounts"], by
            assert sum(part["arr"] for part in scored_parts) == pytest.approx(totals["arr"]), by
        eroded = client.get("/v1/book/erosion").json()
        assert eroded["measured"] is True
        assert eroded["renewal_rate"] == told["renewal_rate"]["value"]
        assert client.get("/v1/book?by=colour").status_code == 422


def test_a_forecast_by_hand(company: tuple[Tables, HealthModel]) -> None:
    model = company[1]
    depth, growth = model.card.contraction_depth, model.card.growth
    rows = pl.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "segment": ["s", "s", None],
            "arr_in_force": [100.0, 300.0, 0.0],
            "risk_365d": [0.5, 0.1, 0.0],
            "arr_at_risk": [50.0, 30.0, 0.0],
            "contraction_risk_365d": [0.0, 0.2, 0.4],
            "band": ["critical", "healthy", "healthy"],
        }
    )
    found = forecast(rows, pl.DataFrame({"account_id": ["a", "b"], "group": ["x", "x"]}), model)
    ends = {name: found["x"].pop(name) for name in list(found["x"]) if name.endswith(("_low", "_high"))}
    left = 100.0 * 0.5 + 300.0 * (0.7 + 0.2 * (1 - depth))
    assert found["x"] == {
        "accounts": 2,
        "arr": 400.0,
        "leaving_share": pytest.approx(0.3),
        "leaving_arr_share": 0.2,
        "reducing_share": 0.1,
        "arr_at_risk": 80.0,
        "expected_arr": pytest.approx(left),
        "nrr": pytest.approx((left + growth * (50.0 + 210.0)) / 400.0),
        "grr": pytest.approx(left / 400.0),
        "bands": {"healthy": 1, "at_risk": 0, "critical": 1},
    }
    for name in ("expected_arr", "nrr", "grr"):
        assert ends[f"{name}_low"] < found["x"][name] < ends[f"{name}_high"]
    assert (found["unknown"]["arr"], found["unknown"]["grr"], found["unknown"]["nrr_low"]) == (0.0, None, None)


def test_what_was_empty_is_filled(scored: ScoreStore) -> None:
    batch = scored.current()
    with scored.reading() as connection:
        accounts = connection.scalars(text("SELECT account_id FROM scores ORDER BY account_id LIMIT 20")).all()
    shown = [account_detail(scored, batch, account) for account in accounts]
    for account in shown:
        assert account.health_low <= account.health <= account.health_high  # type: ignore[operator]
        assert account.contraction_risk is not None
        assert account.expected_arr is not None
        assert account.drivers is not None
        assert {reason.words for reason in account.reasons} <= {driver.words for driver in account.drivers}
    drivers = [driver for account in shown for driver in account.drivers or []]
    assert any(driver.peer_median is not None and driver.peers for driver in drivers)
    assert all(abs(driver.points) >= 0.5 for driver in drivers if driver.unit != "table")


def test_scored_by_keeps_the_order(company: tuple[Tables, HealthModel]) -> None:
    tables, model = company
    matrix = build(tables, spine(tables, [AS_OF]))
    assert scored_by(model, matrix)["account_id"].equals(matrix["account_id"])


def test_the_shipped_plays_answer_every_dimension() -> None:
    named = {dimension for play in read_plays().all for dimension in play.dimensions}
    assert named == {signal.dimension for signal in CATALOGUE.values()}


def test_plays_can_be_copied(tmp_path: Path) -> None:
    copy = tmp_path / "plays.toml"
    copy.write_text((Path(__file__).parents[2] / "serving" / "plays.toml").read_text())
    assert read_plays(copy).all == read_plays().all
