"""Hold-outs: drawn by chance once, kept, shown, never of large accounts nor of those with a play under way."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete
from typer.testing import CliRunner

from features.quality import check
from features.simulation import simulate
from features.sources import open_source
from features.spine import spine
from serving.actions import ActionGiven, take_action
from serving.api import create_app
from serving.erasure import forget
from serving.errors import UnknownAccount
from serving.holdouts import Holdout, drawn_rows, release
from serving.main import app
from serving.plays import read_plays
from serving.reach import EVERYTHING, Reach
from serving.renewals import RenewalsQuery, Worklist, draw, worklist
from serving.schema import draws
from serving.scores import AccountScore, Batch, Signal
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOW = datetime(2026, 11, 2)
HALF = Holdout(0.5, seed=7)
SILENT = (Signal("touches_84d", 0.0, -6.5),)


@pytest.fixture
def due(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """A hundred renewals, the largest expected loss first in the order of their names."""
    batch = make_batch(100)
    renewal_at = batch.as_of + timedelta(days=60)
    store.publish(
        batch,
        [
            make_score(f"a{n:02d}", renewal_at=renewal_at, arr=10_000.0 - n, renewal_risk=0.25, signals=SILENT)
            for n in range(100)
        ],
    )
    return store


def drawn(store: ScoreStore, holdout: Holdout = HALF, *, capacity: int = 20, reach: Reach = EVERYTHING) -> Worklist:
    """The worklist after drawing for it."""
    asked, plays, batch = RenewalsQuery(capacity=capacity), read_plays(), store.current()
    draw(store, batch, asked, holdout, reach=reach, plays=plays, author="command", now=NOW)
    return worklist(store, batch, asked, reach=reach, plays=plays)


def held_out(listed: Worklist) -> list[str]:
    return [row.account_id for row in listed.renewals if row.held_out]


def test_held_out_accounts_are_shown_among_those_to_work_on(due: ScoreStore) -> None:
    listed = drawn(due)
    assert [row.account_id for row in listed.renewals] == sorted(row.account_id for row in listed.renewals)
    assert sum(not row.held_out for row in listed.renewals) == listed.covered.accounts == 20
    assert len(held_out(listed)) == pytest.approx(20, abs=15)
    assert drawn_rows(due).height == len(listed.renewals)
    assert set(drawn_rows(due)["play"]) == {"call_silent_customer"}, "what was recommended is kept with the draw"


def test_a_second_call_changes_nothing(due: ScoreStore) -> None:
    first = drawn(due)
    assert drawn(due) == first
    assert held_out(drawn(due, Holdout(0.1, seed=99))) == held_out(first)
    longer = held_out(drawn(due, capacity=40))
    assert longer[: len(held_out(first))] == held_out(first)
    assert len(longer) > len(held_out(first))


def test_the_draw_is_the_seeds_and_no_others(due: ScoreStore) -> None:
    first = held_out(drawn(due))
    for seed, same in ((7, True), (8, False)):
        with due.writing() as connection:
            connection.execute(delete(draws))
        assert (held_out(drawn(due, Holdout(0.5, seed))) == first) is same


def test_the_share_is_held() -> None:
    for share in (0.0, 0.1, 0.5):
        taken = sum(Holdout(share, 7).takes(f"a{number}", NOW) for number in range(20_000))
        assert taken / 20_000 == pytest.approx(share, abs=0.01)


def test_large_accounts_and_those_being_worked_on_are_never_held_out(due: ScoreStore) -> None:
    everyone = Holdout(1.0, seed=7, up_to_arr=9_995.0)  # a05 and those after it
    for account, steps in (("a05", ["started"]), ("a06", ["started", "done"]), ("a07", ["done"])):
        for number, step in enumerate(steps):
            given = ActionGiven.model_validate({"play": "call", "step": step})
            take_action(due, account, given, author="ada", now=NOW - timedelta(days=9 - number), reach=EVERYTHING)
    listed = drawn(due, everyone, capacity=6)
    assert [row.account_id for row in listed.renewals if not row.held_out] == ["a00", "a01", "a02", "a03", "a04", "a05"]
    assert drawn(due, everyone, capacity=7).renewals[-1].account_id == "a99"
    assert drawn_rows(due)["account_id"].to_list() == [f"a{n:02d}" for n in range(6, 100)]


def test_after_its_renewal_an_account_is_drawn_for_again(
    due: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    drawn(due, Holdout(1.0, seed=7))
    for day, renewals in ((60, 100), (61, 200)):
        batch = make_batch(100, day=day)
        again = [make_score(f"a{n:02d}", renewal_at=batch.as_of + timedelta(days=30), arr=1.0) for n in range(100)]
        due.publish(batch, again)
        assert len(held_out(drawn(due, Holdout(1.0, seed=7)))) == 100
        assert drawn_rows(due).height == renewals


def test_a_release_is_kept_and_the_draw_too(due: ScoreStore) -> None:
    first = held_out(drawn(due))[0]
    assert release(due, first, now=NOW) == due.current().as_of + timedelta(days=60)
    assert first not in held_out(drawn(due))
    assert drawn_rows(due).filter(account_id=first)["held_out"].to_list() == [True]
    for account in (first, "nobody"):
        with pytest.raises(UnknownAccount, match="isn't held out"):
            release(due, account, now=NOW)


def test_what_was_done_since_is_told_by_side(due: ScoreStore) -> None:
    listed = drawn(due)
    for row in listed.renewals[:3]:
        given = ActionGiven(play="call", step="started")
        take_action(due, row.account_id, given, author="ada", now=NOW + timedelta(days=1), reach=EVERYTHING)
    assert drawn_rows(due).filter("acted_on")["account_id"].to_list() == [r.account_id for r in listed.renewals[:3]]


def test_over_http_and_on_the_pages(due: ScoreStore) -> None:
    with TestClient(create_app(due), base_url="http://127.0.0.1") as client:
        path = "/v1/renewals?capacity=20"
        before = client.get(path)
        detail = client.get("/v1/accounts/a00").json()
        assert not any(row["held_out"] for row in before.json()["renewals"])
        first = held_out(drawn(due))[0]
        after = client.get(path, headers={"If-None-Match": before.headers["etag"]})
        assert [row["account_id"] for row in after.json()["renewals"] if row["held_out"]] == held_out(drawn(due))
        assert client.get(path, headers={"If-None-Match": after.headers["etag"]}).status_code == 304
        told = client.get(f"/v1/accounts/{first}").json()
        assert (detail["held_out_until"], told["held_out_until"]) == (None, "2026-12-31T00:00:00Z")
        assert "Held out" in client.get(f"/accounts/{first}").text
        assert ("Held out" in client.get("/").text) == any(row.held_out for row in drawn(due, capacity=6).renewals)
        release(due, first, now=NOW)
        assert client.get(f"/v1/accounts/{first}").json()["held_out_until"] is None
        forget(due, first, author="local", now=NOW)
        assert first not in drawn_rows(due)["account_id"]


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, make_batch: MakeBatch, make_score: MakeScore) -> Path:
    """A simulated company and a store with a score, half a year before its end, of everyone who was a customer then."""
    folder, as_of = tmp_path_factory.mktemp("company"), datetime(2025, 7, 1)
    simulate(folder / "exports", accounts=400, months=24, seed=3)
    with open_source(folder / "exports") as source:
        customers = spine(check(source).tables, [as_of])["account_id"].to_list()
    about = {"renewal_at": as_of + timedelta(days=80), "renewal_risk": 0.2, "signals": SILENT}
    with ScoreStore.open(f"sqlite:///{folder / 'scores.db'}") as store:
        batch = make_batch(len(customers), as_of=as_of, known_at=as_of)
        store.publish(batch, [make_score(each, **about) for each in customers])
    return folder


def run(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(app, [*words, "--state", str(folder)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_commands_from_the_draw_to_the_effect(scored: Path) -> None:
    with (
        ScoreStore.open(f"sqlite:///{scored / 'scores.db'}") as store,
        TestClient(create_app(store), base_url="http://127.0.0.1") as client,
    ):
        assert client.get("/v1/effects").json()["effects"] == []
        nothing = run(scored, "effects", "--source", str(scored / "exports"))
        assert "all plays: unknown: no account was held out at random" in nothing
        listed = json.loads(run(scored, "worklist", "--capacity", "400", "--holdout", "0.3", "--json"))
        assert listed["covered"]["accounts"] < listed["due"]["accounts"]
        shown = run(scored, "worklist", "--capacity", "400").splitlines()
        assert sum(line.endswith("held out") for line in map(str.rstrip, shown[1:-1])) > 50
        told = json.loads(run(scored, "effects", "--source", str(scored / "exports"), "--json"))
        whole, call = told["effects"]
        assert (whole["play"], call["play"]) == (None, "call_silent_customer")
        assert whole["worked"]["accounts"] + whole["held_out"]["accounts"] > 200
        assert whole["accounts"]["kept"]["low"] < whole["accounts"]["kept"]["value"] < whole["accounts"]["kept"]["high"]
        assert client.get("/v1/effects").json() == told
        play = client.get("/v1/renewals").json()["renewals"][0]["play"]
        assert (play["id"], play["effect"]) == (call["play"], call["words"])


@pytest.mark.parametrize(
    "words, says",
    [
        (["worklist", "--within", "soon"], "--within"),
        (["worklist", "--holdout", "0.9"], "--holdout"),
        (["worklist", "--holdout", "0.1", "--holdout-up-to-arr", "-1"], "--holdout-up-to-arr"),
    ],
)
def test_wrong_usage_is_one_message(scored: Path, words: list[str], says: str) -> None:
    done = CliRunner().invoke(app, [*words, "--state", str(scored)])
    assert says in str(done.exception)
