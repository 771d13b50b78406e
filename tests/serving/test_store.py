"""A batch is visible whole or not at all, and history only grows; on SQLite and PostgreSQL."""

import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from features.errors import SettingsError
from serving.access import tables as access
from serving.accounts import account_detail, account_page, choices
from serving.errors import BadCursor, NothingPublished, RefusedBatch, StoreTooNew, StoreUnavailable, UnknownAccount
from serving.folding import fold
from serving.listing import AccountQuery, Cursor
from serving.schema import metadata
from serving.scores import AccountScore, Batch, Signal
from serving.store import ScoreStore
from tests.forking import Forking

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]


def ids(store: ScoreStore, **query: object) -> list[str]:
    """The account_ids of a list, over all its pages, forward; and the same backward."""
    asked = AccountQuery.model_validate(query)
    found: list[str] = []
    backward: list[str] = []
    last = page = account_page(store, store.current(), asked, superseded=False)
    while True:
        found += [row.account_id for row in page.accounts]
        last = page
        if page.next_cursor is None:
            break
        page = account_page(
            store, store.current(), asked.model_copy(update={"cursor": page.next_cursor}), superseded=False
        )
    while True:
        backward = [row.account_id for row in last.accounts] + backward
        if last.previous_cursor is None:
            break
        last = account_page(
            store, store.current(), asked.model_copy(update={"cursor": last.previous_cursor}), superseded=False
        )
    assert backward == found
    return found


def test_what_is_published_is_read_back(store: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore]) -> None:
    published = make_batch(len(cast))
    store.publish(published, cast)
    assert store.current() == published
    assert store.batch(published.batch_id) == published
    for expected in cast:
        read = account_detail(store, published, expected.account_id)
        for name in ("name", "owner", "arr", "renewal_at", "health", "band", "risk_30d", "risk_180d", "renewal_risk",
                     "arr_at_risk", "coverage", "base_points", "points"):  # fmt: skip
            assert getattr(read, name) == getattr(expected, name), name
        assert {(each.name, each.value, each.points) for each in read.signals} == {
            (each.name, each.value, each.points) for each in expected.signals
        }
        assert {name: (seen.latest_at, seen.status) for name, seen in read.freshness.items()} == {
            name: (seen.latest_at, seen.status) for name, seen in expected.freshness.items()
        }


def test_an_empty_store_says_what_to_do(store: ScoreStore) -> None:
    with pytest.raises(NothingPublished, match="healthscore score"):
        store.current()
    assert store.batch("none") is None


@pytest.mark.parametrize(
    "moments, current",
    [
        ([(0, 4), (1, 4)], 1),
        ([(1, 4), (0, 4)], 0),  # an older moment scored later is history at once
        ([(0, 4), (0, 9)], 1),  # the same moment, known better
        ([(1, 4), (0, 90)], 0),
    ],
)
def test_the_current_batch_is_the_latest_as_of_then_known_at(
    store: ScoreStore, make_batch: MakeBatch, moments: list[tuple[int, int]], current: int
) -> None:
    published = []
    for day, hours in moments:
        made = make_batch(0, day=day)
        published.append(replace(made, known_at=made.as_of + timedelta(hours=hours)))
        store.publish(published[-1], [])
    assert store.current() == published[current]


def test_a_batch_is_invisible_until_committed(
    url: str, store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    old = make_batch(1)
    store.publish(old, [make_score("a", health=10.0)])
    seen = []
    with ScoreStore.open(url) as other:

        def scoring() -> Iterator[AccountScore]:
            for number in range(5_000):
                if number in {1, 4_999}:
                    seen.append((other.current(), ids(other)))
                yield make_score(f"b{number}")

        store.publish(make_batch(5_000, day=1), scoring())
        assert seen == [(old, ["a"])] * 2
        assert other.current().accounts == 5_000


def test_a_publish_that_fails_leaves_nothing(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    old = make_batch(1)
    store.publish(old, [make_score("a")])

    def failing() -> Iterator[AccountScore]:
        yield from (make_score(f"b{number}") for number in range(3_000))
        raise ZeroDivisionError

    new = make_batch(3_000, day=1)
    with pytest.raises(ZeroDivisionError):
        store.publish(new, failing())
    assert store.current() == old
    assert store.batch(new.batch_id) is None
    store.publish(new, [make_score(f"b{number}") for number in range(3_000)])
    assert store.current() == new


KILLED = """
import os, signal
from datetime import datetime
from tests.serving.conftest import batch, score
from serving.store import ScoreStore

def scoring():
    for number in range(6000):
        if number == 5000:
            os.kill(os.getpid(), signal.SIGKILL)
        yield score(f"b{{number}}")

ScoreStore.open({url!r}).publish(batch(6000, day=1), scoring())
"""


def test_a_publish_killed_in_the_middle_leaves_the_old_batch(
    url: str, store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore, forking: Forking
) -> None:
    old = make_batch(1)
    store.publish(old, [make_score("a")])
    killed = forking.run(KILLED.format(url=url))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with ScoreStore.open(url) as reopened:
        assert reopened.current() == old
        assert ids(reopened) == ["a"]
        reopened.publish(make_batch(1, day=1), [make_score("c")])
        assert ids(reopened) == ["c"]


def test_readers_see_one_batch_or_the_other_while_it_is_published(
    store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    store.publish(make_batch(400), [make_score(f"a{number}", arr=1.0) for number in range(400)])
    done = threading.Event()
    seen: list[tuple[int, int, float, str]] = []
    failures: list[BaseException] = []

    def read() -> None:
        try:
            while not done.is_set():
                current = store.current()
                page = account_page(store, current, AccountQuery(limit=1), superseded=False)
                totals = page.totals
                seen.append((current.accounts, totals.accounts, totals.arr, page.accounts[0].account_id[0]))
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        for day, letter in ((1, "b"), (2, "c"), (3, "d")):
            many = 400 * (day + 1)
            store.publish(
                make_batch(many, day=day), (make_score(f"{letter}{number}", arr=1.0) for number in range(many))
            )
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not failures
    whole = {(n, n, float(n), letter) for n, letter in ((400, "a"), (800, "b"), (1200, "c"), (1600, "d"))}
    assert set(seen) <= whole
    assert seen


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"health": 100.5}, "scores_health"),
        ({"band": "green"}, "scores_band"),
        ({"risk_90d": 1.5}, "scores_risks"),
        ({"renewal_risk": -0.1}, "scores_risks"),
        ({"coverage": 2.0}, "scores_coverage"),
        ({"health": float("nan")}, "health"),
        ({"account_id": "a"}, "account_id|scores_pkey"),
    ],
)
def test_a_batch_that_contradicts_itself_is_refused(
    store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore, changes: dict[str, object], says: str
) -> None:
    with pytest.raises(RefusedBatch, match=says):
        store.publish(make_batch(2), [make_score("a"), replace(make_score("b"), **changes)])  # type: ignore[arg-type]
    with pytest.raises(NothingPublished):
        store.current()


def test_the_number_of_scores_is_checked(store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    with pytest.raises(RefusedBatch, match="2 accounts brings 1 score"):
        store.publish(make_batch(2), [make_score("a")])


def test_history_is_not_overwritten(store: ScoreStore, make_batch: MakeBatch) -> None:
    store.publish(make_batch(0), [])
    with pytest.raises(RefusedBatch, match="2026-11-01"):
        store.publish(make_batch(0), [])


def test_paging_over_ties_shows_every_account_once(
    store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    book = [
        make_score(
            f"a{number:03d}",
            name=f"Name {number % 3}",
            health=float(number % 4),
            arr=float(number % 2),
            renewal_at=None if number % 5 == 0 else datetime(2027, 1, 1 + number % 3),
        )
        for number in range(60)
    ]
    store.publish(make_batch(60), book)
    for key in ("health", "arr", "arr_at_risk", "renewal_at", "name", "risk_90d", "risk_365d"):
        for sign in ("", "-"):
            expected = sorted(book, key=lambda row: row.account_id)
            present = [row for row in expected if getattr(row, key) is not None]
            if key == "name":
                present.sort(key=lambda row: f"{row.name} {row.account_id}", reverse=bool(sign))
            else:
                present.sort(key=lambda row: getattr(row, key), reverse=bool(sign))
            missing = [row for row in expected if getattr(row, key) is None]
            want = [row.account_id for row in present + missing]
            for limit in (7, 60, 200):
                assert ids(store, sort=sign + key, limit=limit) == want, (sign + key, limit)


@pytest.mark.parametrize(
    "query, expected",
    [
        ({}, ["fade", "newborn", "quiet", "returned", "thrive", "boundary/1"]),
        ({"band": "healthy"}, ["thrive", "boundary/1"]),
        ({"region": "APAC"}, ["fade"]),
        ({"segment": "small", "owner": "Ada Byron"}, ["newborn"]),
        ({"owner": "Ken Osei", "band": "critical"}, []),
        ({"q": "ELAN"}, ["newborn"]),
        ({"q": "NÉWB"}, ["newborn"]),
        ({"q": "boundary/"}, ["boundary/1"]),
        ({"q": "%"}, []),
        ({"q": "_"}, []),
        ({"q": " "}, ["fade", "newborn", "quiet", "returned", "thrive", "boundary/1"]),
        ({"sort": "health"}, ["fade", "newborn", "quiet", "returned", "thrive", "boundary/1"]),
        ({"sort": "name"}, ["boundary/1", "newborn", "fade", "quiet", "returned", "thrive"]),
        ({"sort": "renewal_at"}, ["fade", "boundary/1", "returned", "thrive", "newborn", "quiet"]),
        ({"sort": "-renewal_at"}, ["boundary/1", "returned", "thrive", "fade", "newborn", "quiet"]),
    ],
)
def test_filters_and_orders(
    store: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore], query: dict[str, object], expected: list[str]
) -> None:
    store.publish(make_batch(len(cast)), cast)
    assert ids(store, limit=2, **query) == expected
    totals = account_page(store, store.current(), AccountQuery.model_validate(query), superseded=False).totals
    kept = [row for row in cast if row.account_id in expected]
    assert totals.accounts == len(kept) == sum(totals.bands.values())
    assert (totals.arr, totals.arr_at_risk) == (sum(row.arr for row in kept), sum(row.arr_at_risk for row in kept))


def test_choices_are_what_occurs(store: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore]) -> None:
    store.publish(make_batch(len(cast)), cast)
    assert choices(store, store.current()) == {
        "owner": ["Ada Byron", "Ken Osei"],
        "segment": ["enterprise", "small"],
        "region": ["APAC", "EMEA"],
    }


def test_unknown_accounts_and_cursors(store: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore]) -> None:
    store.publish(make_batch(len(cast)), cast)
    current = store.current()
    for account_id in ("nobody", "", "a\x00b", "THRIVE"):
        with pytest.raises(UnknownAccount):
            account_detail(store, current, account_id)
    for cursor in (
        "",
        "x",
        "é",
        str(Cursor("a", "b\x00", False)),
        "bnVsbA",
        str(Cursor(current.batch_id, "no", False)),
    ):
        with pytest.raises(BadCursor):
            account_page(store, current, AccountQuery.model_construct(cursor=cursor), superseded=False)


def test_the_tables_are_what_the_migrations_make(store: ScoreStore) -> None:
    with store.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), [metadata, access.metadata]) == []


def test_opening_again_changes_nothing(url: str, store: ScoreStore, make_batch: MakeBatch) -> None:
    store.publish(make_batch(0), [])
    with ScoreStore.open(url) as again:
        assert again.current() == store.current()


def test_opening_at_once_makes_the_tables_once(url: str) -> None:
    failures: list[BaseException] = []

    def open_it() -> None:
        try:
            ScoreStore.open(url).close()
        except BaseException as error:
            failures.append(error)

    openers = [threading.Thread(target=open_it) for _ in range(4)]
    for opener in openers:
        opener.start()
    for opener in openers:
        opener.join()
    assert failures == []


def test_a_store_of_a_later_program_is_refused(url: str, store: ScoreStore) -> None:
    with store._engine.connect().execution_options(writes=True) as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StoreTooNew, match="upgrade healthscore"):
        ScoreStore.open(url)


def test_missing_numbers_of_signals_become_null(
    store: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    store.publish(make_batch(1), [make_score("a", signals=[Signal("x_last_28d", float("nan"), 0.0)])])
    assert account_detail(store, store.current(), "a").signals[0].value is None


@pytest.mark.parametrize(
    "url",
    ["", "scores.db", "mysql://host/db", "sqlite://", "sqlite:///:memory:", "postgresql+asyncpg://host/db"],
)
def test_only_two_kinds_of_store(url: str) -> None:
    with pytest.raises(SettingsError, match="sqlite:///"):
        ScoreStore.open(url)


@pytest.mark.parametrize(
    "url, secret",
    [
        ("sqlite:////nowhere/at/all/scores.db", None),
        ("postgresql://someone:hunter2@127.0.0.1:1/scores", "hunter2"),
    ],
)
def test_a_store_that_does_not_answer(url: str, secret: str | None) -> None:
    with pytest.raises(StoreUnavailable) as raised:
        ScoreStore.open(url)
    assert raised.value.exit_code == 5
    assert secret is None or secret not in str(raised.value)


@pytest.mark.postgres
def test_a_plain_postgresql_url_will_do(postgres_url: str) -> None:
    with ScoreStore.open(postgres_url.replace("+psycopg", "")) as opened, pytest.raises(NothingPublished):
        opened.current()


@pytest.mark.parametrize("words, folded", [("Élan", "elan"), ("STRASSE ß", "strasse ss"), ("Ａ１", "a1")])
def test_fold(words: str, folded: str) -> None:
    assert fold(words) == folded
