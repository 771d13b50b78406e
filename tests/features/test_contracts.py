from datetime import datetime

import narwhals as nw
import polars as pl
import pytest

from features.contracts import in_force
from features.tables import CONTRACTS

NEW_YEAR, APRIL, JULY, NEXT_YEAR, LATER = (
    datetime(2024, 1, 1),
    datetime(2024, 4, 1),
    datetime(2024, 7, 1),
    datetime(2025, 1, 1),
    datetime(2026, 1, 1),
)


def contract(
    start: datetime,
    end: datetime | None,
    arr: float = 1000.0,
    known: datetime | None = None,
    contract_id: str = "C1",
    **more: object,
) -> dict[str, object]:
    row = {"contract_id": contract_id, "account_id": "A", "term_start": start, "term_end": end, "arr": arr}
    return row | {"available_at": known, "kind": "subscription", "product": "one"} | more


def facts(rows: list[dict[str, object]], at: datetime, known_by: datetime | None = None) -> dict[str, object] | None:
    contracts = pl.LazyFrame(rows, schema=CONTRACTS.schema)
    moments = pl.LazyFrame({"at": [at], "known_by": [known_by or at]}, schema_overrides=dict.fromkeys(["at"], TIME))
    found: pl.LazyFrame = in_force(nw.from_native(contracts), nw.from_native(moments)).to_native()
    known = found.collect().to_dicts()
    assert len(known) < 2
    return known[0] if known else None


TIME = pl.Datetime("us")


@pytest.mark.parametrize(
    "at, there",
    [
        (datetime(2023, 12, 31, 23, 59, 59, 999999), False),
        (NEW_YEAR, True),
        (datetime(2024, 12, 31, 23, 59, 59, 999999), True),
        (NEXT_YEAR, False),
    ],
)
def test_a_term_holds_from_its_first_moment_until_its_end(at: datetime, there: bool) -> None:
    assert (facts([contract(NEW_YEAR, NEXT_YEAR)], at) is not None) == there


def test_an_amendment_counts_once_it_is_known() -> None:
    rows = [contract(NEW_YEAR, NEXT_YEAR, 1000.0), contract(APRIL, NEXT_YEAR, 1500.0, known=JULY)]
    assert [facts(rows, at)["arr"] for at in (APRIL, datetime(2024, 6, 30), JULY)] == [1000.0, 1000.0, 1500.0]
    assert facts(rows, APRIL, known_by=JULY)["arr"] == 1500.0


def test_a_renewal_signed_ahead_moves_the_renewal_date_and_not_the_arr() -> None:
    rows = [contract(NEW_YEAR, NEXT_YEAR), contract(NEXT_YEAR, LATER, 1300.0, known=JULY)]
    before, after = facts(rows, APRIL), facts(rows, JULY)
    assert (before["renewal_at"], before["arr"], before["term_days"]) == (NEXT_YEAR, 1000.0, 366.0)
    assert (after["renewal_at"], after["arr"], after["term_days"]) == (LATER, 1000.0, 365.0)


def test_a_cancellation_in_mid_term_is_not_foreseen() -> None:
    rows = [contract(NEW_YEAR, NEXT_YEAR), contract(NEW_YEAR, JULY, known=datetime(2024, 6, 15))]
    assert facts(rows, APRIL)["renewal_at"] == NEXT_YEAR
    assert facts(rows, datetime(2024, 6, 20))["renewal_at"] == JULY
    assert facts(rows, JULY) is None


def test_an_open_ended_contract_has_no_renewal() -> None:
    found = facts([contract(NEW_YEAR, None)], LATER)
    assert found is not None
    assert (found["renewal_at"], found["term_days"]) == (None, None)


def test_several_contracts_add_up_and_the_largest_decides_the_renewal() -> None:
    rows = [
        contract(NEW_YEAR, NEXT_YEAR, 1000.0, seats=10, auto_renew=True),
        contract(APRIL, LATER, 3000.0, contract_id="C2", product="two", seats=None, auto_renew=False),
    ]
    found = facts(rows, JULY)
    assert (
        found
        | {
            "arr": 4000.0,
            "seats": 10.0,
            "contracts": 2,
            "products": 2,
            "renewal_at": LATER,
            "auto_renew": 0.0,
            "customer_since": NEW_YEAR,
        }
        == found
    )


def test_a_returning_customer_is_away_between_and_a_customer_since_the_first_time() -> None:
    rows = [contract(NEW_YEAR, APRIL), contract(JULY, NEXT_YEAR, contract_id="C2")]
    assert facts(rows, datetime(2024, 5, 1)) is None
    assert facts(rows, JULY)["customer_since"] == NEW_YEAR


def test_notice_counts_once_given() -> None:
    rows = [contract(NEW_YEAR, NEXT_YEAR, notice_at=JULY)]
    assert [facts(rows, at)["notice"] for at in (APRIL, JULY)] == [0.0, 1.0]


def test_seats_that_nobody_counts_are_missing() -> None:
    assert facts([contract(NEW_YEAR, NEXT_YEAR)], APRIL)["seats"] is None


@pytest.mark.parametrize(
    "products, ended, count",
    [(["one"], [], 1), (["one", None], [], 2), ([None], [], 1), (["one"], ["two"], 1), (["one", None], ["two"], 2)],
)
def test_products_in_force_are_counted_those_without_a_name_as_one(
    products: list[str | None], ended: list[str], count: int
) -> None:
    rows = [contract(NEW_YEAR, end, product=p) for end, some in ((NEXT_YEAR, products), (APRIL, ended)) for p in some]
    rows = [row | {"contract_id": f"C{number}"} for number, row in enumerate(rows)]
    assert facts(rows, JULY)["products"] == count


def test_terms_begun_after_the_first_are_renewals_and_amendments_are_not() -> None:
    rows = [
        contract(NEW_YEAR, NEXT_YEAR),
        contract(NEW_YEAR, NEXT_YEAR, 1500.0, known=APRIL),
        contract(NEXT_YEAR, LATER, known=JULY),
    ]
    assert [facts(rows, at)["renewals"] for at in (APRIL, JULY, NEXT_YEAR)] == [0, 0, 1]


def test_only_the_facts_asked_for_are_made() -> None:
    contracts = pl.LazyFrame([contract(NEW_YEAR, NEXT_YEAR)], schema=CONTRACTS.schema)
    moments = pl.LazyFrame({"at": [JULY], "known_by": [JULY]}, schema=dict.fromkeys(["at", "known_by"], TIME))
    found = in_force(nw.from_native(contracts), nw.from_native(moments), ["seats", "arr"])
    assert found.collect_schema().names() == ["account_id", "at", "arr", "seats"]
