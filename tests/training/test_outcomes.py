"""Outcomes on books a reader can work out by hand."""

from datetime import datetime

import polars as pl
import pytest

from features.tables import Tables
from training.outcomes import outcomes


def day(text: str | None) -> datetime | None:
    return datetime.strptime(text, "%Y-%m-%d") if text else None  # noqa: DTZ007


def rows(*lines: str) -> list[tuple[object, ...]]:
    """`account contract start end known [kind]` per line, `-` for missing."""
    parsed = []
    for line in lines:
        account, contract, start, end, known, *kind = (None if word == "-" else word for word in line.split())
        parsed.append((account, contract, day(start), day(end), day(known), *kind))
    return parsed


@pytest.mark.parametrize(
    "name, lines, lives",
    [
        ("stays", ["a 1 2024-01-01 2025-06-01 -"], [("2024-01-01", None, False)]),
        ("open-ended", ["a 1 2024-01-01 - -"], [("2024-01-01", None, False)]),
        ("left at the end of the term", ["a 1 2023-01-01 2024-01-01 -"], [("2023-01-01", "2024-01-01", False)]),
        (
            "renewed under the same contract",
            ["a 1 2023-01-01 2024-01-01 -", "a 1 2024-01-01 2025-01-01 2023-12-20"],
            [("2023-01-01", None, False)],
        ),
        (
            "renewed late, within the grace",
            ["a 1 2023-01-01 2024-01-01 -", "a 2 2024-01-31 2024-06-01 -"],
            [("2023-01-01", "2024-06-01", False)],
        ),
        (
            "returned after the grace",
            ["a 1 2023-01-01 2024-01-01 -", "a 2 2024-02-01 2024-06-01 -"],
            [("2023-01-01", "2024-01-01", False), ("2024-02-01", "2024-06-01", False)],
        ),
        (
            "cancelled in mid-term",
            ["a 1 2024-01-01 2025-01-01 2024-01-01", "a 1 2024-01-01 2024-05-10 2024-05-01"],
            [("2024-01-01", "2024-05-10", False)],
        ),
        (
            "one contract of two lapses",
            ["a 1 2023-01-01 2024-01-01 -", "a 2 2023-06-01 2025-06-01 -"],
            [("2023-01-01", None, False)],
        ),
        ("ended too late to tell", ["a 1 2024-01-01 2024-12-15 -"], [("2024-01-01", None, False)]),
        ("ended on the last day that tells", ["a 1 2024-01-01 2024-12-02 -"], [("2024-01-01", "2024-12-02", False)]),
        (
            "a fixed term runs out",
            ["a 1 2024-01-01 2024-06-01 - fixed_term"],
            [("2024-01-01", "2024-06-01", True)],
        ),
        (
            "a fixed term is broken off",
            ["a 1 2024-01-01 2024-06-01 2024-01-01 fixed_term", "a 1 2024-01-01 2024-03-01 2024-03-01 fixed_term"],
            [("2024-01-01", "2024-03-01", False)],
        ),
        (
            "a subscription ends with a fixed term",
            ["a 1 2024-01-01 2024-06-01 - fixed_term", "a 2 2024-01-01 2024-06-01 -"],
            [("2024-01-01", "2024-06-01", False)],
        ),
    ],
)
def test_lives(contracts, name: str, lines: list[str], lives: list[tuple[str, str | None, bool]]) -> None:
    found = outcomes(contracts(*rows(*lines))).lives
    expected = [("a", day(start), day(end), completed) for start, end, completed in lives]
    assert [row if row[2] else (*row[:3], False) for row in found.rows()] == expected


def test_who_pays_nothing_is_no_customer(contracts) -> None:
    tables = contracts(*rows("a 1 2023-01-01 2024-01-01 -", "a 1 2024-01-01 - -"))
    free = pl.when(pl.col("term_end").is_null()).then(0.0).otherwise("arr").alias("arr")
    tables = Tables(tables.extracted_at, dict(tables.frames) | {"contracts": tables["contracts"].with_columns(free)})
    assert outcomes(tables).lives["ended_at"].to_list() == [datetime(2024, 1, 1)]


def test_only_what_was_known_counts(contracts) -> None:
    tables = contracts(*rows("a 1 2024-01-01 2025-01-01 2024-01-01", "a 1 2024-01-01 2024-03-01 2024-05-01"))
    assert outcomes(tables, until=datetime(2024, 4, 15)).lives["ended_at"].to_list() == [None]
    assert outcomes(tables, until=datetime(2024, 6, 1)).lives["ended_at"].to_list() == [datetime(2024, 3, 1)]


def test_outcomes_of_a_spine(contracts) -> None:
    tables = contracts(*rows("a 1 2023-01-01 2024-01-01 -", "a 2 2024-03-01 2024-06-01 -", "b 3 2024-01-01 - -"))
    spine = pl.DataFrame(
        {
            "account_id": ["a", "a", "a", "b"],
            "as_of": [datetime(2023, 12, 31), datetime(2024, 1, 1), datetime(2024, 4, 1), datetime(2024, 4, 1)],
        }
    )
    assert outcomes(tables).of(spine).select("account_id", "as_of", "churned_at").rows() == [
        ("a", datetime(2023, 12, 31), datetime(2024, 1, 1)),
        # at 2024-01-01 the first life is over: nothing is left to predict
        ("a", datetime(2024, 4, 1), datetime(2024, 6, 1)),
        ("b", datetime(2024, 4, 1), None),
    ]


@pytest.mark.parametrize(
    "name, terms, contracted, expanded, renewed",
    [
        ("one term", [("1", "2023-01-01", None, 100)], None, None, None),
        (
            "renewed at the same price",
            [("1", "2022-07-01", "2023-07-01", 100), ("1", "2023-07-01", "2024-07-01", 100)],
            None,
            None,
            "2023-07-01",
        ),
        (
            "renewed for less",
            [("1", "2022-07-01", "2023-07-01", 100), ("1", "2023-07-01", "2024-07-01", 60)],
            ("2023-07-01", 0.6),
            None,
            "2023-07-01",
        ),
        (
            "renewed for hardly less",
            [("1", "2022-07-01", "2023-07-01", 100), ("1", "2023-07-01", "2024-07-01", 99.5)],
            None,
            None,
            "2023-07-01",
        ),
        (
            "one contract of two ends",
            [("1", "2022-07-01", "2023-07-01", 40), ("2", "2022-07-01", "2024-07-01", 60)],
            ("2023-07-01", 0.6),
            None,
            None,
        ),
        (
            "one contract of two renewed late is no contraction",
            [
                ("1", "2022-07-01", "2023-07-01", 40),
                ("1", "2023-07-20", "2024-07-01", 40),
                ("2", "2022-07-01", "2024-07-01", 60),
            ],
            None,
            None,
            "2023-07-20",
        ),
        (
            "a second contract",
            [("1", "2022-07-01", "2024-07-01", 100), ("2", "2023-06-01", "2024-07-01", 50)],
            None,
            ("2023-06-01", 1.5),
            None,
        ),
        (
            "a second contract for three weeks is no expansion",
            [("1", "2022-07-01", "2024-07-01", 100), ("2", "2023-06-01", "2023-06-21", 50)],
            None,
            None,
            None,
        ),
        ("leaving is no contraction", [("1", "2022-07-01", "2023-07-01", 100)], None, None, None),
    ],
)
def test_what_stays_may_pay_less_or_more_and_renew(contracts, name, terms, contracted, expanded, renewed) -> None:
    tables = contracts(*[("a", contract, day(start), day(end), None) for contract, start, end, _ in terms])
    arr = pl.Series("arr", [float(term[3]) for term in terms])
    with_arr = tables["contracts"].collect().with_columns(arr).lazy()
    tables = Tables(tables.extracted_at, dict(tables.frames) | {"contracts": with_arr})
    spine = pl.DataFrame({"account_id": ["a"], "as_of": [datetime(2023, 2, 1)], "arr_in_force": [100.0]})
    found = outcomes(tables).of(spine).row(0, named=True)
    assert (found["contracted_at"], found["contracted_to"]) == (
        (day(contracted[0]), pytest.approx(contracted[1])) if contracted else (None, None)
    )
    assert (found["expanded_at"], found["expanded_to"]) == (
        (day(expanded[0]), pytest.approx(expanded[1])) if expanded else (None, None)
    )
    assert found["renewed_at"] == day(renewed)
