"""What is forgotten is gone from every table and every file; what is pruned is old; the rest stays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, insert, select
from typer.testing import CliRunner

from serving.access.tables import metadata as access
from serving.accounts import account_detail, account_page
from serving.actions import ActionGiven, take_action
from serving.api import create_app
from serving.erasure import erased_at, forget, held_on
from serving.errors import UnknownAccount
from serving.holdouts import Holdout
from serving.listing import AccountQuery
from serving.opinions import OpinionGiven, give_opinion
from serving.plays import NO_PLAYS
from serving.reach import EVERYTHING
from serving.renewals import RenewalsQuery, draw
from serving.retention import prune
from serving.schema import batches, events, metadata, scores, shadow_scores
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from serving.store_cli import app
from serving.timelines import Timeline
from serving.webhooks import SubscriptionAsked, subscribe

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOW = datetime(2026, 12, 1)
SECRET = "Wolpertinger-4711"


@pytest.fixture
def book(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """Two accounts in three batches, with something of one of them in every table that holds accounts."""
    asked = SubscriptionAsked(url="http://127.0.0.1:9/", kinds=["band_change", "disagreement"])
    subscribe(store, asked, author="local", now=NOW)
    for day, (health, band) in enumerate([(80.0, "healthy"), (20.0, "critical"), (20.0, "critical")]):
        store.publish(
            make_batch(2, day=day),
            [make_score(SECRET, name=SECRET, health=health, band=band), make_score("b")],
            timelines=[Timeline(SECRET, [{"lane": "tickets", "kind": "defect", "id": SECRET}], {})],
        )
    given = OpinionGiven(rating="healthy", reason="x")
    give_opinion(store, SECRET, given, author="ada", now=NOW, reach=EVERYTHING)
    asked = RenewalsQuery(capacity=1)
    never = Holdout(0.0, seed=7)
    draw(store, store.current(), asked, never, reach=EVERYTHING, plays=NO_PLAYS, author="ada", now=NOW)
    take_action(store, SECRET, ActionGiven(play="call", step="started"), author="ada", now=NOW, reach=EVERYTHING)
    risks = {f"risk_{days}d": 0.1 for days in (30, 90, 180, 365)}
    said = {"batch_id": store.current().batch_id, "account_id": SECRET, "model_version": "2"}
    with store.writing() as connection:
        connection.execute(insert(shadow_scores), said | {"health": 50.0, "band": "healthy"} | risks)
    return store


def test_everything_held_can_be_exported(book: ScoreStore) -> None:
    held = held_on(book, SECRET)
    assert {name: len(rows) for name, rows in held.items()} == {
        "scores": 3, "score_details": 3, "shadow_scores": 1, "timelines": 1, "opinions": 1, "actions": 1, "draws": 1,
        "events": 2,
    }  # fmt: skip
    assert set(held) == {table.name for table in metadata.sorted_tables if "account_id" in table.c}, "all are tried"
    with pytest.raises(UnknownAccount):
        held_on(book, "nobody")


def test_what_is_forgotten_is_gone(book: ScoreStore) -> None:
    erased = forget(book, SECRET, author="local", now=NOW)
    assert erased.rows == 3 + 3 + 1 + 1 + 1 + 1 + 1 + 2 + 2  # the last two: the events' deliveries
    with book.reading() as connection:
        for table in metadata.sorted_tables:
            assert SECRET not in repr(connection.execute(select(table)).all()), table.name
    with pytest.raises(UnknownAccount):
        forget(book, SECRET, author="local", now=NOW)
    assert erased_at(book, SECRET) == NOW
    assert erased_at(book, "b") is None


def test_readers_of_before_see_it_no_more(book: ScoreStore) -> None:
    before = book.current()
    assert account_page(book, before, AccountQuery(), superseded=False).totals.accounts == 2
    forget(book, SECRET, author="local", now=NOW)
    after = book.current()
    assert (before.erased, after.erased, after.accounts) == (0, 1, 2)
    assert [row.account_id for row in account_page(book, after, AccountQuery(), superseded=False).accounts] == ["b"]
    with pytest.raises(UnknownAccount):
        account_detail(book, after, SECRET)


def test_not_even_the_files_hold_it(
    sqlite: ScoreStore, tmp_path: Path, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    sqlite.publish(make_batch(2), [make_score(SECRET), make_score("b")])
    assert any(SECRET.encode() in file.read_bytes() for file in tmp_path.glob("scores.db*"))
    forget(sqlite, SECRET, author="local", now=NOW)
    assert not any(SECRET.encode() in file.read_bytes() for file in tmp_path.glob("scores.db*"))
    assert account_detail(sqlite, sqlite.current(), "b").name == "b"


def test_the_etag_changes_with_an_erasure(book: ScoreStore) -> None:
    with TestClient(create_app(book), base_url="http://127.0.0.1") as client:
        known = {"If-None-Match": client.get("/v1/accounts").headers["etag"]}
        assert client.get("/v1/accounts", headers=known).status_code == 304
        forget(book, SECRET, author="local", now=NOW)
        assert client.get("/v1/accounts", headers=known).status_code == 200
        assert client.get(f"/v1/accounts/{SECRET}").status_code == 404
        assert client.get(f"/v1/accounts/{SECRET}/history").status_code == 404
        assert client.get(f"/v1/accounts/{SECRET}/opinions").status_code == 404


@pytest.mark.parametrize("days, left", [(0, 3), (1, 2), (2, 1), (400, 1)])
def test_pruning_keeps_what_is_young_and_what_is_current(
    store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore, days: int, left: int
) -> None:
    made = [make_batch(1, day=day) for day in range(3)]
    for batch in made:
        store.publish(batch, [make_score("a")])
    gone = prune(store, made[0].known_at + timedelta(days=days))
    assert (gone.batches, gone.scores) == (3 - left, 3 - left)
    assert store.current() == made[-1]
    with store.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(batches)) == left
        assert connection.scalar(select(func.count()).select_from(scores)) == left


def test_events_that_wait_are_not_pruned(book: ScoreStore) -> None:
    assert prune(book, NOW + timedelta(days=365)).events == 0
    with book.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(events)) == 2


def test_access_tables_hold_nothing_else_on_accounts() -> None:
    assert [table.name for table in access.sorted_tables if "account_id" in table.c] == ["audit_log"]


def test_the_commands(tmp_path: Path, make_batch: MakeBatch, make_score: MakeScore) -> None:
    with ScoreStore.open(f"sqlite:///{tmp_path / 'scores.db'}") as store:
        store.publish(make_batch(1, day=-900), [make_score("old")])
        store.publish(make_batch(1), [make_score("a")])

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, [*words, "--state", str(tmp_path)], catch_exceptions=False)
        return done.output

    assert '"account_id": "a"' in run("export", "a")
    assert "1 batches with 1 scores" in run("prune", "--older-than", "400d")
    assert "2 rows erased" in run("forget", "a")
    assert "0 delivered, 0 failed" in run("deliver")
    with pytest.raises(UnknownAccount):
        run("export", "a")
