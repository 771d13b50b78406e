"""Dirty rows, a small number of each kind that a check of data quality should know.

What must be rejected is planted as *extra* rows (a copy with an identity of its own, then broken), and what can be
repaired (odd spellings, time zone offsets, a scale in percent) is changed in place without changing its meaning: a
reader who rejects and repairs what it should ends with the clean tables. Two exceptions: `unknown_category`, where a
reader may keep the copy without the category, and `duplicate_key`, where either content may be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Rule = Literal[
    "malformed_line",
    "missing_value",
    "unparseable",
    "unknown_category",
    "spelling",
    "duplicate_row",
    "duplicate_key",
    "unknown_account",
    "end_before_start",
    "after_extract",
    "outside_contract",
    "out_of_range",
    "mixed_scale",
    "time_zone",
    "stale_table",
]


@dataclass(frozen=True)
class Plant:
    """Break `rows` rows of a table by `rule`: `column` becomes `value` where the rule needs them."""

    rule: Rule
    rows: int
    column: str = ""
    value: str = ""


DIRT: Mapping[str, tuple[Plant, ...]] = {
    "accounts": (
        Plant("duplicate_row", 2),
        Plant("duplicate_key", 1, "name", "Renamed company"),
        Plant("missing_value", 1, "account_id"),
        Plant("malformed_line", 1),
        Plant("time_zone", 5, "created_at"),
    ),
    "contracts": (
        Plant("duplicate_row", 5),
        Plant("duplicate_key", 3, "arr", "1.0"),
        Plant("missing_value", 3, "term_start"),
        Plant("unparseable", 3, "arr", "12k EUR"),
        Plant("out_of_range", 2, "arr", "-1200.0"),
        Plant("unknown_category", 2, "kind", "barter"),
        Plant("unknown_account", 4, "account_id", "A-unknown"),
        Plant("end_before_start", 3, "term_end"),
        Plant("spelling", 6, "kind"),
        Plant("time_zone", 10, "available_at"),
        Plant("malformed_line", 2),
    ),
    "milestones": (
        Plant("unknown_category", 3, "kind", "party"),
        Plant("after_extract", 2, "reached_at"),
        Plant("missing_value", 2, "name", "N/A"),
    ),
    "objectives": (
        Plant("out_of_range", 3, "weight", "-1.0"),
        Plant("duplicate_key", 3, "expected_value", "1.0"),
        Plant("unparseable", 2, "created_at", "31/31/2024"),
    ),
    "engagements": (
        Plant("spelling", 30, "kind"),
        Plant("unknown_category", 6, "kind", "carrier_pigeon"),
        Plant("unknown_account", 8, "account_id", "A-unknown"),
        Plant("after_extract", 4, "engaged_at"),
        Plant("missing_value", 6, "engaged_at", "N/A"),
        Plant("time_zone", 20, "engaged_at"),
    ),
    "tickets": (
        Plant("spelling", 40, "category"),
        Plant("unparseable", 6, "opened_at", "yesterday"),
        Plant("duplicate_row", 10),
        Plant("duplicate_key", 5, "cost", "1.0"),
        Plant("unknown_account", 10, "account_id", "A-unknown"),
        Plant("end_before_start", 8, "closed_at"),
        Plant("after_extract", 4, "opened_at"),
        Plant("out_of_range", 6, "severity", "9"),
        Plant("unknown_category", 6, "channel", "fax"),
        Plant("time_zone", 20, "opened_at"),
        Plant("malformed_line", 3),
    ),
    "surveys": (
        Plant("out_of_range", 5, "score", "99"),
        Plant("unparseable", 4, "score", "great"),
        Plant("spelling", 8, "kind"),
        Plant("missing_value", 4, "responded_at"),
        Plant("malformed_line", 2),
    ),
    "community_threads": (
        Plant("out_of_range", 4, "sentiment", "7.5"),
        Plant("duplicate_row", 4),
        Plant("end_before_start", 3, "resolved_at"),
    ),
    "incidents": (
        Plant("end_before_start", 4, "ended_at"),
        Plant("missing_value", 3, "started_at"),
        Plant("out_of_range", 3, "severity", "0"),
    ),
    "invoices": (
        Plant("duplicate_key", 6, "amount", "1.0"),
        Plant("unparseable", 5, "amount", "one thousand"),
        Plant("end_before_start", 4, "due_at"),
        Plant("missing_value", 4, "due_at"),
        Plant("after_extract", 4, "issued_at"),
        Plant("time_zone", 10, "paid_at"),
    ),
    "usage_daily": (
        Plant("duplicate_row", 20),
        Plant("duplicate_key", 10, "events"),
        Plant("unknown_account", 15, "account_id", "A-unknown"),
        Plant("after_extract", 8, "date"),
        Plant("outside_contract", 12, "date"),
        Plant("missing_value", 10, "account_id"),
        Plant("out_of_range", 10, "active_users"),
    ),
}
"""What is planted at most, by table; small tables get less, so that dirt stays below 2 % of any table."""

IN_PLACE = ("spelling", "time_zone")
PERCENT_CHANNEL = "social"  # its csat is in percent: 20 to 100 for 1 to 5
STALE_DAYS = 60  # the community feed stops so many days before the extract
Planted = dict[str, dict[str, int]]


def amount(plant: Plant, rows: int, name: str) -> int:
    """How many rows a table of so many gets of a plant."""
    return min(plant.rows, rows // (60 * len(DIRT[name])))


def malformed(name: str, rows: int) -> int:
    """How many malformed lines a table of that many rows gets."""
    return sum(amount(plant, rows, name) for plant in DIRT.get(name, ()) if plant.rule == "malformed_line")
