"""Retention, NRR and GRR of books a reader can add up; the year runs from 2025-01-01 to 2025-12-31."""

from datetime import datetime

import polars as pl
import pytest

from features.book import book
from features.errors import UnusableData

HEAD = "account_id contract_id kind term_start term_end arr available_at\n"
SUB = "subscription"
NAMES = ("customer_retention", "logo_churn", "nrr", "grr", "expansion", "contraction", "revenue_churn")

BOOKS = {
    "all stay as they are": (
        """
        Thrive t1 subscription 2024-06-01 - 100 -
        Quiet  q1 subscription 2024-06-01 - 300 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "one grows, one shrinks, one leaves, one is new": (
        """
        Thrive  t1 subscription 2024-06-01 2025-06-01 100 -
        Thrive  t1 subscription 2025-06-01 2026-06-01 150 -
        Fade    f1 subscription 2024-06-01 2025-06-01 200 -
        Fade    f1 subscription 2025-06-01 2026-06-01 120 -
        Quiet   q1 subscription 2024-06-01 2025-06-01 100 -
        Newborn n1 subscription 2025-06-01 2026-06-01 999 -
        """,
        (2 / 3, 1 / 3, 270 / 400, 220 / 400, 50 / 400, 80 / 400, 100 / 400),
    ),
    "left and came back within the year: a customer at both ends": (
        """
        Returned r1 subscription 2024-06-01 2025-03-01 100 -
        Returned r2 subscription 2025-09-01 2026-09-01 100 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "came back smaller: that is contraction": (
        """
        Returned r1 subscription 2024-06-01 2025-03-01 100 -
        Returned r2 subscription 2025-09-01 2026-09-01  60 -
        """,
        (1, 0, 0.6, 0.6, 0, 0.4, 0),
    ),
    "a year ago in a gap of 20 days that was then closed: a customer, at what it paid before": (
        """
        Backfill b1 subscription 2023-12-20 2024-12-20 100 -
        Backfill b1 subscription 2025-01-09 2026-01-09 100 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "a year ago in a gap of exactly the grace period": (
        """
        Boundary b1 subscription 2023-12-20 2024-12-20 100 -
        Boundary b1 subscription 2025-01-19 2026-01-19 100 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "a year ago in a gap one day longer: no customer then, new since": (
        """
        Boundary b1 subscription 2023-12-20 2024-12-20 100 -
        Boundary b1 subscription 2025-01-20 2026-01-20 100 -
        """,
        (None,) * 7,
    ),
    "ended 29 days ago: not churned yet, held at what it paid": (
        "Boundary b1 subscription 2024-12-02 2025-12-02 100 -",
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "ended 30 days ago: any return now comes after the grace period": (
        "Boundary b1 subscription 2024-12-01 2025-12-01 100 -",
        (0, 1, 0, 0, 0, 0, 1),
    ),
    "one of two contracts lapses, the other grows: accounts net": (
        """
        Thrive t1 subscription 2024-06-01 2025-06-01 100 -
        Thrive t2 subscription 2024-06-01 2025-06-01 100 -
        Thrive t2 subscription 2025-06-01 2026-06-01 250 -
        """,
        (1, 0, 1.25, 1, 0.25, 0, 0),
    ),
    "GRR does not net one account's loss with another's gain": (
        """
        Thrive t1 subscription 2024-06-01 2025-06-01 100 -
        Thrive t1 subscription 2025-06-01 2026-06-01 200 -
        Fade   f1 subscription 2024-06-01 2025-06-01 100 -
        Fade   f1 subscription 2025-06-01 2026-06-01  50 -
        """,
        (1, 0, 1.25, 0.75, 0.5, 0.25, 0),
    ),
    "a price amended in mid-term holds from when it became known": (
        """
        Thrive t1 subscription 2024-06-01 2026-06-01 100 2024-05-20
        Thrive t1 subscription 2024-06-01 2026-06-01 130 2025-08-01
        """,
        (1, 0, 1.3, 1, 0.3, 0, 0),
    ),
    "an amendment with a start of its own takes over from there": (
        """
        Fade f1 subscription 2024-06-01 2026-06-01 100 2024-05-20
        Fade f1 subscription 2025-08-01 2026-06-01  80 2025-08-01
        """,
        (1, 0, 0.8, 0.8, 0, 0.2, 0),
    ),
    "an end moved forward by an amendment is churn": (
        """
        Fade f1 subscription 2024-06-01 2026-06-01 100 2024-05-20
        Fade f1 subscription 2024-06-01 2025-08-01 100 2025-07-01
        """,
        (0, 1, 0, 0, 0, 0, 1),
    ),
    "a term booked late was there at the start, at the first price known": (
        "Backfill b1 subscription 2024-12-15 2026-12-15 100 2025-02-10",
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "an end learnt late: it had left before the start": (
        """
        Backfill b1 subscription 2024-01-01 2026-01-01 100 2024-01-01
        Backfill b1 subscription 2024-01-01 2024-11-01 100 2025-02-01
        Thrive   t1 subscription 2024-01-01 2026-06-01 100 2024-01-01
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "what became known after as_of counts nothing": (
        """
        Fade f1 subscription 2024-06-01 2026-06-01 100 2024-05-20
        Fade f1 subscription 2024-06-01 2025-08-01 100 2026-01-01
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "a perpetual licence with revenue stays when its maintenance lapses": (
        """
        Quiet licence order       2023-06-01 -          100 -
        Quiet care    maintenance 2024-06-01 2025-06-01  20 -
        """,
        (1, 0, 100 / 120, 100 / 120, 0, 20 / 120, 0),
    ),
    "so does one booked as a fixed term without end": (
        """
        Quiet licence fixed_term  2023-06-01 -          100 -
        Quiet care    maintenance 2024-06-01 2025-06-01  20 -
        """,
        (1, 0, 100 / 120, 100 / 120, 0, 20 / 120, 0),
    ),
    "a perpetual licence that brings no revenue makes no customer": (
        """
        Quiet licence order       2023-06-01 -            0 -
        Quiet care    maintenance 2024-06-01 2025-06-01  20 -
        """,
        (0, 1, 0, 0, 0, 0, 1),
    ),
    "a change of exactly 1 % is none": (
        """
        Boundary b1 subscription 2024-06-01 2025-06-01 1000 -
        Boundary b1 subscription 2025-06-01 2026-06-01 1010 -
        Quiet    q1 subscription 2024-06-01 2025-06-01 1000 -
        Quiet    q1 subscription 2025-06-01 2026-06-01  990 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "a change of more than 1 % counts whole": (
        """
        Boundary b1 subscription 2024-06-01 2025-06-01 1000 -
        Boundary b1 subscription 2025-06-01 2026-06-01 1011 -
        Quiet    q1 subscription 2024-06-01 2025-06-01 1000 -
        Quiet    q1 subscription 2025-06-01 2026-06-01  989 -
        """,
        (1, 0, 1, 1989 / 2000, 11 / 2000, 11 / 2000, 0),
    ),
    "a project that ran to its planned end is no churn": (
        """
        Quiet  p1 fixed_term   2024-06-01 2025-06-01 100 -
        Thrive t1 subscription 2024-06-01 -          100 -
        """,
        (0.5, 0, 1, 1, 0, 0, 0),
    ),
    "a project that ended early is": (
        """
        Fade   p1 fixed_term   2024-06-01 2025-06-01 100 2024-06-01
        Fade   p1 fixed_term   2024-06-01 2025-03-01 100 2025-02-01
        Thrive t1 subscription 2024-06-01 -          100 -
        """,
        (0.5, 0.5, 0.5, 0.5, 0, 0, 0.5),
    ),
    "one that stops being paid before its end has not run to plan": (
        """
        Fade   p1 fixed_term   2024-06-01 2026-06-01 100 2024-06-01
        Fade   p1 fixed_term   2024-06-01 2026-06-01   0 2025-03-01
        """,
        (0, 1, 0, 0, 0, 0, 1),
    ),
    "a project after a project is no expansion": (
        """
        Thrive t1 subscription 2024-06-01 -          100 -
        Thrive p1 fixed_term   2024-06-01 2025-06-01 100 -
        Thrive p2 fixed_term   2025-07-01 2026-06-01 300 -
        """,
        (1, 0, 1, 1, 0, 0, 0),
    ),
    "no customers a year ago: undefined, not zero": (
        "Newborn n1 subscription 2025-06-01 - 100 -",
        (None,) * 7,
    ),
}


@pytest.mark.parametrize("rows, expected", BOOKS.values(), ids=BOOKS.keys())
def test_hand_computed(told, rows, expected):
    values = told(contracts=HEAD + rows.strip())
    assert [values[name] for name in NAMES] == pytest.approx(expected)


@pytest.mark.parametrize("grace_days, retained", [(0, 0), (10, 0), (29, 0), (30, 1), (90, 1)])
def test_the_grace_period_is_an_argument(told, grace_days, retained):
    contracts = HEAD + "Boundary b1 subscription 2024-12-02 2025-12-02 100 -"
    assert told(contracts=contracts, grace_days=grace_days)["customer_retention"] == retained


def test_counts_and_money_now(told):
    values = told(
        contracts=HEAD
        + """Thrive t1 subscription 2024-06-01 - 100 -
             Thrive t2 maintenance  2024-06-01 -  20 -
             Quiet  q1 order        2025-10-01 2026-01-10 80 -
             Fade   f1 subscription 2024-01-01 2025-01-01 500 -"""
    )
    assert (values["customers"], values["arr"]) == (2, 200)
    assert values["recurring_revenue_rate"] == 120 / 200


def test_the_kind_is_optional_and_the_recurring_rate_then_missing(told):
    values = told(contracts=HEAD + "Thrive t1 - 2024-06-01 - 100 -")
    assert values["recurring_revenue_rate"] is None
    assert values["nrr"] == 1


def test_several_currencies_are_refused_where_the_tables_say_so(make):
    tables = make(contracts=HEAD + "Thrive t1 subscription 2024-06-01 - 100 -\nFade f1 subscription 2024-06-01 - 1 -")
    mixed = tables["contracts"].with_columns(currency=pl.Series(["EUR", "USD"]))
    with pytest.raises(UnusableData, match="contracts is in EUR, USD: convert"):
        book(type(tables)(tables.extracted_at, {**tables.frames, "contracts": mixed}), datetime(2025, 12, 31))
    one = tables["contracts"].with_columns(currency=pl.lit("EUR"))
    assert not book(
        type(tables)(tables.extracted_at, {**tables.frames, "contracts": one}), datetime(2025, 12, 31)
    ).is_empty()
