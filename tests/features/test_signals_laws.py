"""Laws of the signals on random companies: no future, no order, no neighbours, no invented zeros, no broken bounds."""

import random
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from features.catalogue import CATALOGUE, SIGNALS
from features.matrix import build
from features.spine import spine
from features.tables import TABLES
from tests.features.oracle import known
from tests.features.small_company import END, Row, Rows, complete, contracts, random_company, random_row, tables

AS_OF = END - timedelta(days=200)
NAMES = [signal.name for signal in SIGNALS]
law = settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a seed has nothing to shrink
    suppress_health_check=list(HealthCheck),
)
seeds = st.integers(0, 10_000)


def matrix(rows: Rows, *moments: datetime) -> pl.DataFrame:
    company = tables(rows)
    return build(company, spine(company, moments))


def times(table: str) -> list[str]:
    return [c.name for c in TABLES[table].columns if c.type in ("time", "date") and c.name != "available_at"]


def is_future(table: str, row: Row) -> bool:
    """Whether nothing of the row was known at AS_OF."""
    if row["available_at"] is not None and row["available_at"] > AS_OF:
        return True
    if table == "accounts":
        return False
    if table == "contracts":
        return row["available_at"] is None and row["term_start"] > AS_OF
    moments = [known(row, time) for time in times(table)]
    return all(moment is None or moment > AS_OF for moment in moments)


def at_random(draw: random.Random) -> datetime:
    """A time after AS_OF, often by one microsecond."""
    return AS_OF + timedelta(microseconds=1 if draw.random() < 0.3 else draw.randrange(1, 200 * 86_400 * 10**6))


def with_other_future(rows: Rows, draw: random.Random) -> Rows:
    """The same rows as known at AS_OF, with another future: rows added, changed and deleted in every table."""
    other: Rows = {}
    for table, some in rows.items():
        kept = []
        for row in some:
            if is_future(table, row):
                if draw.random() < 0.5:
                    kept.append(changed_altogether(table, row, draw))
            else:
                kept.append(with_other_later_facts(table, row, draw))
        other[table] = kept + [row for row in added(table, rows, draw) if is_future(table, row)]
    return complete(other)


def changed_altogether(table: str, row: Row, draw: random.Random) -> Row:
    late = at_random(draw)
    if table == "accounts":
        return {**row, "segment": draw.choice(("small", "large", "huge")), "available_at": late}
    if table == "contracts":
        return {**row, "arr": draw.random() * 1e4, "seats": 99, "term_end": at_random(draw), "available_at": late}
    new = random_row(table, row["account_id"], draw.randrange(10**9), draw)
    return {**new, "available_at": late}


def with_other_later_facts(table: str, row: Row, draw: random.Random) -> Row:
    """What hadn't happened happens at another time or never, and tells something else."""
    if table == "accounts":
        return row
    other = dict(row)
    later = ["notice_at"] if table == "contracts" else times(table)
    for time in later:
        value = row[time]
        happened = value is not None and (known({"available_at": None, time: value}, time) or AS_OF) <= AS_OF
        if happened or TABLES[table].column(time).type == "date":
            continue
        if not TABLES[table].column(time).required:
            other[time] = draw.choice((None, at_random(draw)))
        for column in TABLES[table].columns:
            if column.known_with == time:
                other[column.name] = random_row(table, "", 0, draw)[column.name]
    return other


def added(table: str, rows: Rows, draw: random.Random) -> list[Row]:
    """New rows of known and of new accounts; those that happened before AS_OF became known after it."""
    account = draw.choice(rows["accounts"])["account_id"]
    if table == "accounts":
        return [{"account_id": f"new{draw.random()}", "segment": "small", "available_at": at_random(draw)}]
    if table == "contracts":
        new = [*contracts(account, draw), *contracts(f"new{draw.random()}", draw)]
        return [{**row, "available_at": at_random(draw)} for row in new]
    new = [random_row(table, account, draw.randrange(10**9), draw) for _ in range(8)]
    return [{**row, "available_at": at_random(draw)} if draw.random() < 0.6 else row for row in new]


@given(seeds, seeds)
@law
def test_the_future_changes_no_signal(seed: int, other: int) -> None:
    rows = random_company(seed, accounts=12, rows_each=15)
    assert matrix(rows, AS_OF).equals(matrix(with_other_future(rows, random.Random(other)), AS_OF))


@given(seeds)
@law
def test_training_sees_what_scoring_saw(seed: int) -> None:
    """The matrix of a later extract has, for an earlier moment, what a scoring job made at that moment."""
    rows = random_company(seed, accounts=12, rows_each=15)
    then = {name: [_as_it_was(name, row) for row in some if not is_future(name, row)] for name, some in rows.items()}
    trained = matrix(rows, AS_OF - timedelta(days=28), AS_OF, AS_OF + timedelta(days=56), END)
    assert trained.filter(pl.col("as_of") == AS_OF).equals(matrix(then, AS_OF))


def _as_it_was(table: str, row: Row) -> Row:
    """Without the facts that came after AS_OF."""
    if table in ("accounts", "contracts"):
        late = row.get("notice_at") is not None and row["notice_at"] > AS_OF
        return {**row, "notice_at": None} if late else row
    gone = {time for time in times(table) if TABLES[table].column(time).type == "time"}
    gone = {time for time in gone if row[time] is not None and row[time] > AS_OF}
    gone = {time for time in gone if not TABLES[table].column(time).required}
    gone |= {column.name for column in TABLES[table].columns if column.known_with in gone}
    return {name: None if name in gone else value for name, value in row.items()}


@given(seeds)
@law
def test_the_order_of_rows_is_irrelevant(seed: int) -> None:
    rows = random_company(seed, accounts=12, rows_each=15)
    draw = random.Random(seed)
    shuffled = {name: draw.sample(some, len(some)) for name, some in rows.items()}
    assert matrix(rows, END).equals(matrix(shuffled, END))


@given(seeds)
@law
def test_snapshots_together_are_the_snapshots_one_by_one(seed: int) -> None:
    """On one grid and on others, a period, a day and years apart."""
    rows = random_company(seed, accounts=8, rows_each=15)
    moments = [END - timedelta(days=days) for days in (0, 1, 28, 84, 500)]
    alone = pl.concat([matrix(rows, at) for at in moments]).sort("as_of", "account_id")
    assert matrix(rows, *moments).equals(alone)


@given(seeds)
@law
def test_an_account_alone_is_the_account_among_all(seed: int) -> None:
    """Also the comparisons with peers, whose peers are all customers and not the rows asked for."""
    company = tables(random_company(seed, accounts=12, rows_each=15))
    whole = spine(company, [END])
    one = whole.sample(1, seed=seed)
    assert build(company, one).equals(build(company, whole).join(one, on=["account_id", "as_of"], how="semi"))


@given(seeds)
@law
def test_bounds_hold(seed: int) -> None:
    made = matrix(random_company(seed, accounts=16, rows_each=25), END, END - timedelta(days=300))
    for signal in SIGNALS:
        values = made[signal.name].drop_nulls()
        assert not values.is_nan().any(), signal.name
        assert values.is_finite().all(), signal.name
        assert signal.lower is None or (values >= signal.lower).all(), signal.name
        assert signal.upper is None or (values <= signal.upper).all(), signal.name


ROWS = random_company(5, accounts=8, rows_each=40)


@pytest.fixture(scope="module")
def whole() -> pl.DataFrame:
    return matrix(ROWS, END)


@pytest.mark.parametrize("gone", [name for name in ROWS if not TABLES[name].required])
def test_without_a_table_its_signals_are_missing_and_the_others_stay(whole: pl.DataFrame, gone: str) -> None:
    left = matrix({name: some for name, some in ROWS.items() if name != gone}, END)
    for name in NAMES:
        if gone in CATALOGUE[name].tables:
            assert left[name].null_count() == left.height, name
        else:
            assert left[name].equals(whole[name]), name


def test_an_empty_table_that_is_fed_by_nobody_is_missing_too() -> None:
    made = matrix({**ROWS, "tickets": []}, END)
    assert made["tickets_84d"].null_count() == made.height


@pytest.mark.parametrize("name", ["touches_84d", "first_response_median_84d", "onboarding_steps_ahead", "arr"])
def test_a_signal_alone_is_the_signal_among_all(whole: pl.DataFrame, name: str) -> None:
    company = tables(ROWS)
    alone: Any = build(company, spine(company, [END]), [CATALOGUE[name]])
    assert alone[name].equals(whole[name])
