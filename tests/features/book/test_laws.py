"""Laws that hold for every book of contracts, and a day-by-day count to check the fast one against."""

from datetime import datetime, timedelta

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.book import GROUPINGS, MEASURES, book
from features.book.movements import movements
from features.book.view import YEAR, View
from features.contracts import in_force
from features.tables import ACCOUNTS, CONTRACTS, Tables

ORIGIN = datetime(2024, 1, 1)
AS_OF = datetime(2025, 12, 31)
DAY = timedelta(days=1)
FOREVER = datetime(9999, 1, 1)
COLUMNS = ("account_id", "contract_id", "kind", "product", "service_level", "start", "length", "arr", "known")
KINDS = ("subscription", "subscription", "maintenance", "service", "order", "fixed_term", None)

days = st.integers(0, 80).map(lambda tens: tens * 10)
row = st.tuples(
    st.sampled_from("ABC"),
    st.sampled_from("12"),
    st.sampled_from(KINDS),
    st.sampled_from(("atlas", "beacon", None)),
    st.sampled_from(("standard", "premium", None)),
    days,
    st.one_of(st.none(), st.integers(0, 40).map(lambda tens: tens * 10)),
    st.sampled_from((0.0, 100.0, 100.5, 101.0, 120.0, 300.0)),
    st.one_of(st.none(), days),
)
"""One row of contracts; a contract's number is made unique to its account."""

rows = st.lists(row, max_size=14, unique_by=lambda r: (r[0], r[1], r[5], r[5] if r[8] is None else r[8]))
laws = settings(max_examples=25, deadline=None)


def contracts(rows):
    made = [
        {
            "account_id": account,
            "contract_id": account + number,
            "kind": kind,
            "product": product,
            "service_level": level,
            "term_start": ORIGIN + start * DAY,
            "term_end": None if length is None else ORIGIN + (start + length) * DAY,
            "arr": arr,
            "available_at": None if known is None else ORIGIN + known * DAY,
        }
        for account, number, kind, product, level, start, length, arr, known in rows
    ]
    return pl.DataFrame(made, schema=CONTRACTS.schema)


def tables(frame):
    segments = {"account_id": ["A", "B", "C"], "segment": ["small", "large", None], "owner": ["Ann", "Ann", "Bob"]}
    accounts = pl.DataFrame(segments).select(
        (pl.col(name) if name in segments else pl.lit(None)).cast(kind).alias(name)
        for name, kind in ACCOUNTS.schema.items()
    )
    return Tables(datetime(2030, 1, 1), {"accounts": accounts.lazy(), "contracts": frame.lazy()})


def values(frame):
    return dict(book(tables(frame), AS_OF).select("measure", "value").rows())


@laws
@given(rows)
def test_retention_identities(rows):
    told = values(contracts(rows))
    if told["customer_retention"] is None:
        assert told["nrr"] is None
        return
    assert told["nrr"] == pytest.approx(1 + told["expansion"] - told["contraction"] - told["revenue_churn"])
    assert -1e-9 <= told["grr"] <= min(1, told["nrr"]) + 1e-9
    assert told["customer_retention"] + told["logo_churn"] + told["completed"] == pytest.approx(1)
    assert told["service_margin"] is None


@laws
@given(rows, st.sampled_from(GROUPINGS))
def test_groups_add_up_to_the_whole(rows, by):
    frame = tables(contracts(rows))
    whole = book(frame, AS_OF).select("measure", "numerator", "denominator")
    parts = book(frame, AS_OF, by).group_by("measure").agg(pl.col("numerator", "denominator").sum())
    for measure, *sums in whole.join(parts, on="measure").rows():
        numerator, denominator, of_groups, below = (x or 0.0 for x in sums)
        assert (of_groups, below) == pytest.approx((numerator, denominator)), measure


@laws
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_rows_is_irrelevant(rows, chance):
    mixed = list(rows)
    chance.shuffle(mixed)
    assert values(contracts(mixed)) == pytest.approx(values(contracts(rows)))


@laws
@given(rows)
def test_the_future_is_not_seen(rows):
    frame = contracts(rows)
    known = frame.filter(pl.coalesce("available_at", "term_start") <= AS_OF)
    assert values(known) == pytest.approx(values(frame))


@laws
@given(rows)
def test_movements_are_those_of_a_count_day_by_day(rows):
    told = movements(View(tables(contracts(rows)), AS_OF, 30)).sort("account_id")
    expected = [line for account in "ABC" if (line := by_hand(contracts(rows), account))]
    columns = ("account_id", "start", "expansion", "contraction", "lost", "stayed", "completed")
    assert told.select(columns).rows() == [pytest.approx(line) for line in expected]


@laws
@given(rows)
def test_the_arr_in_force_is_that_of_the_signals(rows):
    frame = contracts(rows)
    moments = pl.LazyFrame(
        {"at": [AS_OF], "known_by": [AS_OF]}, schema_overrides=dict.fromkeys(("at", "known_by"), pl.Datetime("us"))
    )
    signals = in_force(nw.from_native(frame.lazy()), nw.from_native(moments)).select("account_id", "arr").to_native()
    view = View(tables(frame), AS_OF, grace_days=0)
    paying = signals.filter(pl.col("arr") > 0).sort("account_id").collect()
    assert view.customers.select("account_id", "arr").sort("account_id").rows() == paying.rows()


def by_hand(frame, account):
    """(account, start, expansion, contraction, lost, stayed, completed), or None for no customer a year ago."""
    mine = [r for r in frame.rows(named=True) if r["account_id"] == account]
    for r in mine:
        r["known"] = r["available_at"] or r["term_start"]
    mine = [r for r in mine if r["known"] <= AS_OF]
    then, now = counting(mine, AS_OF - YEAR), counting(mine, AS_OF)
    if not then:
        return None
    start = sum(r["arr"] for r in then.values())
    done = {number for number, r in then.items() if number not in now and ran_to_plan(mine, number)}
    end = sum(r["arr"] for number, r in now.items() if r["kind"] != "fixed_term" or number in then)
    end += sum(then[number]["arr"] for number in done)
    change = end - start if now and abs(end - start) > 0.01 * start + 1e-6 else 0
    completed = not now and done == set(then)
    return (account, start, max(change, 0), max(-change, 0), 0 if now else start - end, bool(now), completed)


def counting(mine, at):
    """The rows that count at `at` by contract number: those in force, or in a gap those in force the day before it."""
    if running := paying(mine, at):
        return running
    for back in range(1, 31):
        left = at - (back - 1) * DAY
        if held := paying(mine, left - DAY):
            returns = [ahead for ahead in range(1, 1500) if paying(mine, at + ahead * DAY)][:1]
            closed = bool(returns) and at + returns[0] * DAY - left <= 30 * DAY
            return held if closed or AS_OF - left < 30 * DAY else {}
    return {}


def paying(mine, at):
    found = {}
    for number in {r["contract_id"] for r in mine}:
        begun = [r for r in mine if r["contract_id"] == number and r["term_start"] <= at]
        if not begun:
            continue
        versions = versions_of(begun, max(r["term_start"] for r in begun))
        if (versions[-1]["term_end"] or FOREVER) > at:
            priced = [r for r in versions if r["known"] <= at] or versions[:1]
            if priced[-1]["arr"] > 0:
                found[number] = priced[-1]
    return found


def versions_of(rows, term_start):
    return sorted((r for r in rows if r["term_start"] == term_start), key=lambda r: r["known"])


def ran_to_plan(mine, number):
    """Whether the contract's last term that was ever in force is a fixed one that ended by now, as first planned."""
    theirs = [r for r in mine if r["contract_id"] == number]
    starts = sorted({r["term_start"] for r in theirs})
    for begin, after in reversed(list(zip(starts, [*starts[1:], FOREVER], strict=True))):
        versions = versions_of(theirs, begin)
        end = versions[-1]["term_end"] or FOREVER
        if end > begin and after > begin:
            planned = versions[0]["term_end"] or FOREVER
            last = [r for r in versions if max(r["known"], begin) < min(end, after)] or versions[:1]
            return min(end, after) <= AS_OF and end >= planned and last[-1]["kind"] == "fixed_term"
    return False


def test_every_measure_is_told():
    assert set(values(contracts([]))) == {measure.name for measure in MEASURES}
