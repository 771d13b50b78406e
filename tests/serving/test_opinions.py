"""Opinions and actions only add up; the queue holds what stands and disagrees."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.errors import BadParameter, UnknownAccount
from serving.opinions import OpinionGiven, disagreements, give_opinion, opinions_of
from serving.reach import EVERYTHING, Reach
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOW = datetime(2026, 11, 3, 9)


@pytest.fixture
def book(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """Three accounts: two at risk, one healthy that is Ken's."""
    store.publish(
        make_batch(3),
        [make_score("a"), make_score("b", arr=9000.0), make_score("k", owner="Ken Osei", health=80.0, band="healthy")],
    )
    return store


@pytest.fixture
def client(book: ScoreStore) -> Iterator[TestClient]:
    """The service on it, on 3 November."""
    with TestClient(create_app(book, clock=lambda: NOW), base_url="http://127.0.0.1") as client:
        yield client


def say(
    store: ScoreStore, account: str, rating: Any, *, author: str = "ada", day: int = 0, days: int | None = None
) -> None:
    now = NOW + timedelta(days=day)
    expires_at = None if days is None else now + timedelta(days=days)
    given = OpinionGiven(rating=rating, reason="I know them.", expires_at=expires_at)
    give_opinion(store, account, given, author=author, now=now, reach=EVERYTHING)


def queue(store: ScoreStore, day: int = 0, reach: Reach = EVERYTHING) -> list[tuple[str, str]]:
    now = NOW + timedelta(days=day)
    found = disagreements(store, store.current(), now=now, reach=reach, limit=10).disagreements
    return [(each.account_id, each.opinion.rating) for each in found]


def test_the_queue_holds_the_latest_standing_opinions_that_disagree(book: ScoreStore) -> None:
    say(book, "a", "critical", days=10)
    say(book, "b", "at_risk")  # agrees
    say(book, "k", "critical", author="ken", day=1)
    assert queue(book, day=2) == [("a", "critical"), ("k", "critical")]
    assert queue(book, day=2, reach=Reach("Ken Osei")) == [("k", "critical")]
    assert queue(book, day=11) == [("k", "critical")], "the first has ended"
    say(book, "b", "healthy", author="ken", day=3)
    assert queue(book, day=4) == [("b", "healthy"), ("a", "critical"), ("k", "critical")], "the most ARR first"
    say(book, "k", "healthy", author="ken", day=5)  # a change of mind takes the place of the earlier one
    assert queue(book, day=6) == [("b", "healthy"), ("a", "critical")]
    assert [each.rating for each in opinions_of(book, "k", reach=EVERYTHING).opinions] == ["healthy", "critical"]


def test_the_score_that_moves_to_the_opinion_ends_the_disagreement(
    book: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    say(book, "a", "critical")
    book.publish(make_batch(1, day=7), [make_score("a", health=20.0, band="critical")])
    assert queue(book, day=8) == []
    (kept,) = opinions_of(book, "a", reach=EVERYTHING).opinions
    assert (kept.band, kept.health) == ("at_risk", 47.75), "the score it was stated beside stays with it"


def test_an_opinion_must_not_have_ended(book: ScoreStore) -> None:
    with pytest.raises(BadParameter) as raised:
        say(book, "a", "critical", days=0)
    assert raised.value.field == "expires_at"


@pytest.mark.parametrize("account, reach", [("nobody", EVERYTHING), ("a\x00", EVERYTHING), ("a", Reach("Ken Osei"))])
def test_only_on_accounts_in_reach(book: ScoreStore, account: str, reach: Reach) -> None:
    given = OpinionGiven(rating="critical", reason="x")
    with pytest.raises(UnknownAccount):
        give_opinion(book, account, given, author="ada", now=NOW, reach=reach)
    with pytest.raises(UnknownAccount):
        opinions_of(book, account, reach=reach)


def test_opinions_over_http_are_shown_beside_the_score(client: TestClient) -> None:
    before = client.get("/v1/accounts/a")
    given = {"rating": "critical", "reason": " The sponsor has left. ", "expires_at": "2026-12-01T00:00:00Z"}
    made = client.post("/v1/accounts/a/opinions", json=given)
    assert made.status_code == 201
    opinion = made.json()
    assert (opinion["author"], opinion["stated_at"], opinion["reason"]) == (
        "local", "2026-11-03T09:00:00Z", "The sponsor has left.",
    )  # fmt: skip
    after = client.get("/v1/accounts/a", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200, "another opinion is another answer"
    assert after.json()["opinions"] == [opinion]
    assert after.json()["health"] == before.json()["health"]
    assert client.get("/v1/accounts/a/opinions").json()["opinions"] == [opinion]
    assert [each["opinion"] for each in client.get("/v1/disagreements").json()["disagreements"]] == [opinion]


def test_an_opinion_that_has_ended_is_a_conflict(client: TestClient) -> None:
    answer = client.post(
        "/v1/accounts/a/opinions", json={"rating": "critical", "reason": "x", "expires_at": "2020-01-01"}
    )
    assert answer.status_code == 409
    assert [wrong["field"] for wrong in answer.json()["errors"]] == ["expires_at"]


def test_actions_over_http(client: TestClient) -> None:
    steps = [
        {"play": "success_plan_review", "step": "started"},
        {"play": "success_plan_review", "step": "done", "note": "They want a roadmap."},
        {"play": "success_plan_review", "step": "outcome", "outcome": "helped"},
    ]
    made = [client.post("/v1/accounts/a/actions", json=step).json() for step in steps]
    assert [(each["band"], each["author"]) for each in made] == [("at_risk", "local")] * 3
    kept = client.get("/v1/accounts/a/actions").json()["actions"]
    assert sorted(each["step"] for each in kept) == ["done", "outcome", "started"]
    assert client.get("/v1/accounts/nobody/actions").status_code == 404


@pytest.mark.parametrize(
    "path, body, field",
    [
        ("opinions", {"rating": "green", "reason": "x"}, "rating"),
        ("opinions", {"rating": "critical", "reason": ""}, "reason"),
        ("opinions", {"rating": "critical", "reason": "x" * 2001}, "reason"),
        ("opinions", {"rating": "critical", "reason": "a\x00b"}, "reason"),
        ("opinions", {"rating": "critical", "reason": "x", "colour": 1}, "colour"),
        ("opinions", {"rating": "critical", "reason": "x", "expires_at": "soon"}, "expires_at"),
        ("actions", {"play": "p", "step": "begun"}, "step"),
        ("actions", {"play": "p", "step": "outcome"}, "body"),
        ("actions", {"play": "p", "step": "done", "outcome": "helped"}, "body"),
    ],
)
def test_a_wrong_field_is_named(client: TestClient, path: str, body: dict[str, object], field: str) -> None:
    answer = client.post(f"/v1/accounts/a/{path}", json=body)
    assert answer.status_code == 422
    assert [wrong["field"] for wrong in answer.json()["errors"]] == [field]
