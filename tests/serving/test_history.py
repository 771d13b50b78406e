"""History is bi-temporal: what the score was as of a day, and what was known of it on a day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient

from serving.accounts import account_page, batch_of
from serving.api import create_app
from serving.errors import BadParameter, UnknownAccount
from serving.history import account_history
from serving.listing import AccountQuery
from serving.reach import EVERYTHING, Reach
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

NOVEMBER = datetime(2026, 11, 1)
PUBLISHED = [  # as of, known at, health: the second look at 1 November came late
    (NOVEMBER, NOVEMBER + timedelta(hours=4), 60.0),
    (NOVEMBER + timedelta(days=7), NOVEMBER + timedelta(days=7, hours=4), 55.0),
    (NOVEMBER, NOVEMBER + timedelta(days=9), 40.0),
    (NOVEMBER + timedelta(days=14), NOVEMBER + timedelta(days=14, hours=4), 50.0),
]


@pytest.fixture
def told(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> ScoreStore:
    """A store that has published those."""
    for number, (as_of, known_at, health) in enumerate(PUBLISHED):
        batch = make_batch(2, as_of=as_of, known_at=known_at, version=str(number))
        store.publish(batch, [make_score("a", health=health), make_score("b", owner="Ken Osei")])
    return store


@pytest.mark.parametrize(
    "known_at, expected",
    [
        (None, [("01", 60.0), ("01", 40.0), ("08", 55.0), ("15", 50.0)]),
        (date(2026, 10, 31), []),
        (date(2026, 11, 1), [("01", 60.0)]),
        (date(2026, 11, 8), [("01", 60.0), ("08", 55.0)]),
        (date(2026, 11, 9), [("01", 60.0), ("08", 55.0)]),
        (date(2026, 11, 10), [("01", 40.0), ("08", 55.0)]),
        (date(2026, 11, 30), [("01", 40.0), ("08", 55.0), ("15", 50.0)]),
    ],
)
def test_an_account_s_history(told: ScoreStore, known_at: date | None, expected: list[tuple[str, float]]) -> None:
    points = account_history(told, "a", reach=EVERYTHING, known_at=known_at).points
    assert [(f"{point.as_of:%d}", point.health) for point in points] == expected


def test_history_names_the_model(told: ScoreStore) -> None:
    points = account_history(told, "a", reach=EVERYTHING).points
    assert [(point.model_version, point.mode) for point in points] == [(version, "learned") for version in "0213"]


@pytest.mark.parametrize(
    "query, version",
    [
        ({}, "3"),
        ({"as_of": "2026-11-14"}, "1"),
        ({"as_of": "2026-11-07"}, "2"),  # 1 November, as is known by now
        ({"as_of": "2026-11-07", "known_at": "2026-11-09"}, "0"),
        ({"known_at": "2026-11-14"}, "1"),
        ({"known_at": "2026-11-01"}, "0"),
    ],
)
def test_a_list_as_of_a_day_and_as_known_on_a_day(told: ScoreStore, query: dict[str, object], version: str) -> None:
    asked = AccountQuery.model_validate(query)
    batch = batch_of(told, asked)
    assert batch.model_version == version
    page = account_page(told, batch, asked, superseded=False)
    (health,) = (row.health for row in page.accounts if row.account_id == "a")
    assert health == PUBLISHED[int(version)][2]


@pytest.mark.parametrize("query, field", [({"as_of": "2026-10-31"}, "as_of"), ({"known_at": "2026-10-31"}, "known_at")])
def test_before_all_scores(told: ScoreStore, query: dict[str, object], field: str) -> None:
    with pytest.raises(BadParameter, match="later day") as raised:
        batch_of(told, AccountQuery.model_validate(query))
    assert raised.value.field == field


def test_history_is_the_latest_owner_s(told: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    assert account_history(told, "b", reach=Reach("Ken Osei")).points
    with pytest.raises(UnknownAccount):
        account_history(told, "a", reach=Reach("Ken Osei"))
    later = make_batch(1, day=30)
    told.publish(later, [make_score("a", owner="Ken Osei")])
    assert len(account_history(told, "a", reach=Reach("Ken Osei")).points) == 5
    with pytest.raises(UnknownAccount):
        account_history(told, "a", reach=Reach("Ada Byron"))
    assert account_history(told, "b", reach=Reach("Ken Osei")).points, "who is gone from the book keeps its history"


def test_over_http(told: ScoreStore) -> None:
    with TestClient(create_app(told), base_url="http://127.0.0.1") as client:
        body = client.get("/v1/accounts/a/history?known_at=2026-11-01").json()
        assert [(point["as_of"], point["known_at"]) for point in body["points"]] == [
            ("2026-11-01T00:00:00Z", "2026-11-01T04:00:00Z")
        ]
        assert client.get("/v1/accounts/nobody/history").status_code == 404
        assert client.get("/v1/accounts/a/history?known_at=soon").status_code == 422
        listed = client.get("/v1/accounts?as_of=2026-11-14&limit=1")
        assert listed.json()["batch"]["model_version"] == "1"
        assert client.get(listed.links["next"]["url"]).json()["batch"]["model_version"] == "1"


def test_a_column_that_is_stored_is_shown(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    given = {"health_low": 40.5, "health_high": 52.25, "contraction_risk": 0.1, "expected_arr": 812.5}
    batch = replace(make_batch(1), code_version="0.1.0", data_digest="abc")
    store.publish(batch, [make_score("a", **given)])
    assert store.current() == batch
    (row,) = account_page(store, batch, AccountQuery(), superseded=False).accounts
    assert {name: getattr(row, name) for name in given} == given
