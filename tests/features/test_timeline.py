"""Timelines: what each table tells of an account, once it is known, and nothing of later."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from features.timeline import MOST, timelines
from tests.features.small_company import tables

AS_OF = datetime(2025, 6, 1)
A = pl.DataFrame({"account_id": ["a"]})
DAY = timedelta(days=1)


def at(day: float) -> datetime:
    """A moment so many days after `AS_OF`."""
    return AS_OF + day * DAY


def told(rows: dict[str, list[dict[str, Any]]], as_of: datetime = AS_OF) -> list[dict[str, Any]]:
    """The entries of account a as of a moment: days from `AS_OF` for times, without what is missing."""
    rows = {name: [{"account_id": "a"} | row for row in some] for name, some in rows.items()}
    entries = timelines(tables(rows), as_of, A).drop("account_id", "left_out")
    days = entries.with_columns((pl.col(pl.Datetime) - AS_OF).dt.total_seconds() / 86_400)
    return [{name: value for name, value in row.items() if value is not None} for row in days.iter_rows(named=True)]


TICKET = {"ticket_id": "T1", "opened_at": at(-9), "closed_at": at(-2), "category": "defect", "severity": 2}
TOUCH = {"engaged_at": at(-5), "kind": "call", "outcome": "negative", "direction": "inbound", "contact_role": "buyer"}
OBJECTIVE = {"objective_id": "O1", "created_at": at(-90), "due_at": at(30)}
STEP = {"kind": "training", "name": "user course", "planned_at": at(-40), "reached_at": at(-30)}
TERM = {"contract_id": "C1", "term_start": at(-300), "term_end": at(65), "arr": 900.0}


@pytest.mark.parametrize(
    "table, row, entry",
    [
        ("engagements", TOUCH, {"lane": "touches", "kind": "call", "at": -5, "known_at": -5, "outcome": "negative",
                                "direction": "inbound", "contact_role": "buyer"}),
        ("engagements", TOUCH | {"available_at": at(-1)}, {"lane": "touches", "kind": "call", "at": -5, "known_at": -1,
         "outcome": "negative", "direction": "inbound", "contact_role": "buyer"}),
        ("engagements", TOUCH | {"available_at": at(0.5)}, None),
        ("engagements", TOUCH | {"engaged_at": at(1)}, None),
        ("engagements", TOUCH | {"engaged_at": at(-366)}, None),
        ("tickets", TICKET, {"lane": "tickets", "kind": "defect", "at": -9, "known_at": -9, "id": "T1", "ended_at": -2,
                             "severity": 2}),
        ("tickets", TICKET | {"closed_at": at(3), "category": None},
         {"lane": "tickets", "kind": "other", "at": -9, "known_at": -9, "id": "T1", "severity": 2}),
        ("tickets", TICKET | {"opened_at": at(-800), "closed_at": None},
         {"lane": "tickets", "kind": "defect", "at": -800, "known_at": -800, "id": "T1", "severity": 2}),
        ("tickets", TICKET | {"opened_at": at(-800), "closed_at": at(-700)}, None),
        ("objectives", OBJECTIVE,
         {"lane": "plan", "kind": "objective", "at": -90, "known_at": -90, "id": "O1", "due_at": 30}),
        ("objectives", OBJECTIVE | {"created_at": at(1)}, None),
        ("milestones", STEP, {"lane": "plan", "kind": "training", "at": -40, "known_at": -40, "id": "user course",
                              "ended_at": -30, "due_at": -40}),
        ("milestones", STEP | {"planned_at": at(9), "reached_at": None}, None),
        ("milestones", STEP | {"planned_at": at(9), "reached_at": None, "available_at": at(-9)},
         {"lane": "plan", "kind": "training", "at": 9, "known_at": -9, "id": "user course", "due_at": 9}),
        ("milestones", STEP | {"planned_at": None, "reached_at": None}, None),
        ("incidents", {"started_at": at(-3), "severity": 1},
         {"lane": "incidents", "kind": "outage", "at": -3, "known_at": -3, "severity": 1}),
        ("surveys", {"responded_at": at(-7), "kind": "nps", "score": 9.0, "respondent_role": "champion"},
         {"lane": "surveys", "kind": "nps", "at": -7, "known_at": -7, "score": 9, "contact_role": "champion"}),
    ],
)  # fmt: skip
def test_a_row_as_an_entry(table: str, row: dict[str, Any], entry: dict[str, Any] | None) -> None:
    assert told({table: [row]}) == ([] if entry is None else [entry])


SIGNED = {"term_start": at(-300), "available_at": at(-320)}
NEXT = {"contract_id": "C1", "term_start": at(65), "term_end": at(430), "arr": 950.0, "available_at": at(-10)}
SHORTER = TERM | {"term_end": at(20), "available_at": at(-15)}


@pytest.mark.parametrize(
    "rows, expected",
    [
        ([TERM], [("started", -300, None), ("renewal", 65, None)]),
        ([TERM | SIGNED, NEXT], [("started", -300, None), ("renewal", 65, -10), ("renewed", 65, None),
                                 ("renewal", 430, None)]),
        ([TERM, SHORTER], [("started", -300, None), ("amended", -15, None), ("renewal", 20, None),
                           ("renewal", 65, -15)]),
        ([TERM | {"notice_at": at(-4)}], [("started", -300, None), ("notice", -4, None), ("renewal", 65, None)]),
        ([TERM | {"notice_at": at(4)}], [("started", -300, None), ("renewal", 65, None)]),
        ([TERM | {"term_end": None}], [("started", -300, None)]),
        ([TERM | {"available_at": at(1)}], []),
    ],
)  # fmt: skip
def test_a_contract(rows: list[dict[str, Any]], expected: list[tuple[str, float, float | None]]) -> None:
    entries = told({"contracts": rows})
    assert sorted((e["kind"], e["at"], e.get("superseded_at")) for e in entries) == sorted(expected)


def test_the_latest_are_kept_and_the_others_counted() -> None:
    rows = [{"account_id": "a", "engaged_at": at(-number / 2), "kind": "call"} for number in range(MOST + 7)]
    rows.append({"account_id": "b", "engaged_at": at(-1), "kind": "call"})
    entries = timelines(tables({"engagements": rows}), AS_OF, A)
    assert entries["at"].to_list() == [at(-number / 2) for number in reversed(range(MOST))]
    assert set(entries["left_out"]) == {7}
    assert set(entries["account_id"]) == {"a"}, "nobody but who was asked for"


def test_without_tables_there_are_no_entries() -> None:
    assert timelines(tables({}), AS_OF, A).is_empty()
