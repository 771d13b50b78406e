from datetime import datetime, timedelta

import polars as pl
import pytest

from features.simulation.clock import clock

END = datetime(2026, 1, 1)
GRACE = timedelta(days=30)


@pytest.fixture(scope="module")
def main(read) -> pl.DataFrame:
    """The main contracts: every account has exactly one at a time."""
    return (
        read("contracts")
        .filter(pl.col("contract_id").str.ends_with("A"))
        .sort("account_id", "term_start", "available_at")
    )


@pytest.fixture(scope="module")
def terms(main: pl.DataFrame) -> pl.DataFrame:
    """One row per term, as last amended."""
    last = [pl.col(column).last() for column in ("term_end", "arr", "seats", "notice_at", "auto_renew")]
    grouped = main.group_by("account_id", "contract_id", "term_start", maintain_order=True)
    return grouped.agg(*last, signed=pl.col("available_at").first(), first_end=pl.col("term_end").first())


def in_force(main: pl.DataFrame, account: str, moment: datetime, known_at: datetime) -> bool:
    """The rule readers follow, spelt out for one account."""
    rows = main.filter((pl.col("account_id") == account) & (pl.col("available_at") <= known_at))
    for _, contract in rows.group_by("contract_id"):
        begun = contract.filter(pl.col("term_start") <= moment).sort("term_start", "available_at")
        if begun.height and begun["term_end"][-1] > moment:
            return True
    return False


def test_terms_follow_one_another(terms: pl.DataFrame) -> None:
    next_start = pl.col("term_start").shift(-1).over("account_id")
    gaps = terms.with_columns(
        gap=(next_start - pl.col("term_end")).dt.total_days(),
        new=pl.col("contract_id").shift(-1).over("account_id") != pl.col("contract_id"),
    ).drop_nulls("gap")
    assert set(gaps.filter(~pl.col("new"))["gap"]) == {0}
    assert gaps.filter("new")["gap"].min() > 30
    assert gaps.filter("new").height > 20


def test_initial_terms_are_signed_before_and_renewals_within_grace(terms: pl.DataFrame) -> None:
    first = terms.unique("contract_id", keep="first", maintain_order=True)
    assert first.filter(pl.col("signed") > pl.col("term_start")).is_empty()
    later = terms.join(first, on=["contract_id", "term_start"], how="anti")
    later = later.filter((pl.col("first_end") - pl.col("term_start")).dt.total_days() > 300)
    delay = later["signed"] - later["term_start"]
    assert delay.max() < GRACE
    assert (delay > timedelta(days=1)).mean() > 0.02
    assert (delay < timedelta(days=-10)).mean() > 0.05


def test_amendments_change_a_term_after_it_was_signed(main: pl.DataFrame) -> None:
    keys = ["contract_id", "term_start"]
    assert main.sort(*keys, "available_at").equals(main.sort(*keys, maintain_order=True))
    amended = main.filter(pl.len().over(keys) > 1)
    assert amended.height > 500
    change = amended.with_columns(step=pl.col("seats") - pl.col("seats").shift(1).over(keys))
    assert change.filter(pl.col("step") > 0).height > 3 * change.filter(pl.col("step") < 0).height > 0


def test_notice_comes_7_to_61_days_ahead_and_is_final(terms: pl.DataFrame) -> None:
    noticed = terms.filter(pl.col("notice_at").is_not_null())
    days = (noticed["term_end"] - noticed["notice_at"]).dt.total_days()
    assert days.min() >= 7
    assert days.max() <= 61
    next_term = terms.select("contract_id", term_end="term_start", renewed=True)
    assert noticed.join(next_term, on=["contract_id", "term_end"]).is_empty()


def test_readers_see_the_churn_the_truth_tells(read, main: pl.DataFrame) -> None:
    truth = read("truth")
    left = truth.drop_nulls("churned_at").unique("account_id", keep="first", maintain_order=True).head(60)
    for account, churned in left.select("account_id", "churned_at").iter_rows():
        assert in_force(main, account, churned - timedelta(minutes=1), END)
        for day in range(31):
            assert not in_force(main, account, churned + timedelta(days=day), END)
    present = truth.filter((pl.col("period_end") == END) & pl.col("churned_at").is_null()).head(60)
    missing = [a for a in present["account_id"] if not in_force(main, a, END - timedelta(days=26), END)]
    newborn = set(main.filter(pl.col("term_start") > END - timedelta(days=26))["account_id"])
    assert not set(missing) - newborn


def test_churn_happens_at_term_ends_mostly(terms: pl.DataFrame) -> None:
    ended = terms.group_by("contract_id", maintain_order=True).last().filter(pl.col("term_end") < END)
    cancelled = ended.filter(pl.col("term_end") < pl.col("first_end")).height / ended.height
    assert 0.05 < cancelled < 0.25


def test_revenue_renews_at_80_to_88_percent_a_year(read, terms: pl.DataFrame) -> None:
    truth = read("truth").filter(pl.col("period_end") < END).sort("period_end")
    arr = terms.select("account_id", "term_start", "arr").sort("term_start")
    book = truth.join_asof(arr, left_on="period_end", right_on="term_start", by="account_id", check_sortedness=False)
    book = book.with_columns(lost=(pl.col("churned_at") <= pl.col("period_end") + timedelta(days=28)).fill_null(False))
    yearly = 13 * (book["arr"] * book["lost"]).sum() / book["arr"].sum()
    assert 0.80 < 1 - yearly < 0.88


def test_contraction_and_expansion_happen_at_renewal(terms: pl.DataFrame) -> None:
    change = terms.with_columns(ratio=pl.col("arr") / pl.col("arr").shift(1).over("contract_id")).drop_nulls("ratio")
    annual = change.filter((pl.col("term_end") - pl.col("term_start")).dt.total_days() > 300)
    assert 0.05 < (annual["ratio"] < 0.99).mean() < 0.25
    assert 0.25 < (annual["ratio"] > 1.01).mean() < 0.75


def test_side_contracts_follow_the_main_one(read, main: pl.DataFrame) -> None:
    side = read("contracts").filter(~pl.col("contract_id").str.ends_with("A"))
    assert set(side["kind"]) == {"subscription", "maintenance", "service"}
    times = ["account_id", "term_start", "term_end", "available_at"]
    assert side.join(main, on=times, how="anti").is_empty()
    assert side.filter(pl.col("kind") != "subscription")["service_level"].null_count() == 0


def test_the_calendar_counts_back_from_the_end() -> None:
    calendar = clock(END, 36)
    assert calendar.periods == 39
    assert calendar.bounds[-1] == END.date()
    assert calendar.regime == 23
