"""Any filter with any order shows what a naive reading of the rows shows; nothing out of reach is there."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from features.signal import DIMENSIONS
from serving.accounts import account_detail, account_page, choices
from serving.errors import BadCursor, UnknownAccount
from serving.listing import SORTED, AccountQuery, Cursor
from serving.reach import EVERYTHING, Reach
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

OWNERS = ("Ada Byron", "Ken Osei", None)


@pytest.fixture
def book(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> list[AccountScore]:
    """Eighty accounts with ties and missing values, published."""
    rng = random.Random(5)
    as_of = make_batch(0).as_of

    def some(number: int) -> AccountScore:
        return make_score(
            f"a{number:02d}",
            name=rng.choice(["Éclair", "eclair", "Zeta", "Über"]),
            owner=rng.choice(OWNERS),
            segment=rng.choice(["small", "enterprise", None]),
            region=rng.choice(["EMEA", "APAC"]),
            health=rng.choice([12.5, 36.0, 64.0, 80.0]),
            band=rng.choice(["healthy", "at_risk", "critical"]),
            arr=rng.choice([100.0, 200.0, 300.0]),
            risk_90d=rng.choice([0.1, 0.2]),
            renewal_risk=rng.choice([None, 0.1, 0.5]),
            renewal_at=rng.choice([None, as_of, as_of + timedelta(days=30), as_of + timedelta(days=400)]),
            coverage=rng.choice([0.5, 1.0]),
            points={dimension: rng.choice([-7.5, -1.0, 2.0]) for dimension in DIMENSIONS[:4]},
            expected_arr=rng.choice([None, 90.0, 150.0]),
        )

    rows = [some(number) for number in range(80)]
    store.publish(make_batch(len(rows)), rows)
    return rows


def naive(rows: list[AccountScore], query: dict[str, Any], as_of: Any) -> list[str]:
    """What a list must hold, in order, by the words of the documentation."""

    def value(row: AccountScore, column: str) -> Any:
        return row.points.get(column.removeprefix("points_")) if column.startswith("points_") else getattr(row, column)

    def kept(row: AccountScore) -> bool:
        for name, wanted in query.items():
            if name.endswith("_min") and not ((found := value(row, name[:-4])) is not None and found >= wanted):
                return False
            if name.endswith("_max") and not ((found := value(row, name[:-4])) is not None and found <= wanted):
                return False
            if name in {"owner", "segment", "region", "band"} and getattr(row, name) != wanted:
                return False
            if name == "renewal_within":
                days = timedelta(days=int(wanted.rstrip("d")))
                if row.renewal_at is None or not as_of <= row.renewal_at <= as_of + days:
                    return False
            if name == "points_below":
                dimension, level = wanted.split(":")
                if not (dimension in row.points and row.points[dimension] < float(level)):
                    return False
        return True

    sort = query.get("sort", "-arr_at_risk")
    found = sorted((row for row in rows if kept(row)), key=lambda row: row.account_id)
    column = sort.removeprefix("-")
    folded = {"Éclair": "eclair", "eclair": "eclair", "Zeta": "zeta", "Über": "uber"}
    key = (lambda row: (folded[row.name], row.account_id)) if column == "name" else (lambda row: value(row, column))
    there = [row for row in found if value(row, column) is not None]
    missing = [row for row in found if value(row, column) is None]
    return [row.account_id for row in sorted(there, key=key, reverse=sort.startswith("-")) + missing]


def pages(store: ScoreStore, query: dict[str, Any], reach: Reach = EVERYTHING) -> list[str]:
    asked = AccountQuery.model_validate(query)
    found: list[str] = []
    while True:
        page = account_page(store, store.current(), asked, superseded=False, reach=reach)
        found += [row.account_id for row in page.accounts]
        if page.next_cursor is None:
            assert page.totals.accounts == len(found)
            return found
        asked = asked.model_copy(update={"cursor": page.next_cursor})


QUERIES: list[dict[str, Any]] = [
    {"health_max": 36, "sort": "-arr"},
    {"health_min": 36, "health_max": 64, "owner": "Ken Osei", "sort": "health"},
    {"risk_90d_min": 0.2, "segment": "small", "sort": "renewal_at"},
    {"renewal_risk_min": 0.1, "region": "APAC", "sort": "-renewal_risk"},
    {"renewal_risk_max": 0.1},
    {"arr_min": 200, "arr_max": 200, "band": "critical"},
    {"arr_at_risk_min": 300, "coverage_max": 0.5},
    {"renewal_within": "30d", "sort": "renewal_at"},
    {"renewal_within": "0"},
    {"points_below": "adoption:-1", "sort": "points_adoption"},
    {"points_below": "support:0"},  # nobody has points there
    {"risk_365d_max": 0.29},
    *({"sort": f"{sign}{column}"} for column in SORTED for sign in ("", "-")),
]


def test_every_filter_and_order(store: ScoreStore, book: list[AccountScore]) -> None:
    as_of = store.current().as_of
    for query in QUERIES:
        expected = naive(book, query, as_of)
        for limit in (9, 200):
            assert pages(store, query | {"limit": limit}) == expected, query


def test_filters_keep_something(book: list[AccountScore], store: ScoreStore) -> None:
    kept = [len(naive(book, query, store.current().as_of)) for query in QUERIES[:10]]
    assert all(0 < number < len(book) for number in kept), kept


@pytest.mark.parametrize("owner", ["Ada Byron", "Ken Osei", "Nobody", ""])
def test_only_what_is_in_reach(store: ScoreStore, book: list[AccountScore], owner: str) -> None:
    mine = {row.account_id for row in book if row.owner == owner}
    assert set(pages(store, {"limit": 200}, Reach(owner))) == mine
    assert set(choices(store, store.current(), Reach(owner))["owner"]) == ({owner} if mine else set())
    for row in book:
        if row.account_id in mine:
            assert account_detail(store, store.current(), row.account_id, reach=Reach(owner)).owner == owner
        else:
            with pytest.raises(UnknownAccount):
                account_detail(store, store.current(), row.account_id, reach=Reach(owner))


def test_a_cursor_of_somebody_else_s_account_tells_nothing(store: ScoreStore, book: list[AccountScore]) -> None:
    theirs = next(row.account_id for row in book if row.owner == "Ken Osei")
    query = AccountQuery(cursor=str(Cursor(store.current().batch_id, theirs, False)))
    with pytest.raises(BadCursor):
        account_page(store, store.current(), query, superseded=False, reach=Reach("Ada Byron"))
