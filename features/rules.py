"""The data quality rules, declared once: name, meaning and what is done with the rows it finds.

The table in `features/README.md` is made from this. A mapping's own `quarantine` conditions come on top, under the
names given there. (pandera was considered for these: it can't repair, quarantine with a reason, or cite file and row.)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from features.findings import Severity


@dataclass(frozen=True)
class Rule:
    """One rule. `then` says what is done; a finding repeats it in the words of its case.

    `to_do` is what the owner of the data can do about it; empty where nothing needs to be done.
    """

    name: str
    meaning: str
    then: str
    severity: Severity
    to_do: str


RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            "missing_table",
            "the source has no such table",
            "required: stop; optional: its signals are missing",
            "note",
            "export it, or name it in the mapping file",
        ),
        Rule(
            "empty_table",
            "the table has no rows",
            "kept: its counts are zero",
            "warning",
            "see whether the export left its rows out",
        ),
        Rule(
            "stale_table",
            "the latest event is more than 28 days older than the extract",
            "kept",
            "warning",
            "see whether the export still runs",
        ),
        Rule(
            "missing_column",
            "a required column is not there",
            "required table: stop; optional: left out",
            "error",
            "name the owner's column in the mapping file",
        ),
        Rule(
            "unknown_column",
            "a column the table doesn't declare",
            "ignored",
            "note",
            "map it where it holds one of the table's columns",
        ),
        Rule(
            "malformed_line",
            "a line of a file that can't be split into its columns",
            "quarantined",
            "error",
            "correct quotes and separators where the file is written",
        ),
        Rule("missing_value", "a required column is empty", "quarantined", "error", "fill it in at the source"),
        Rule(
            "unparseable",
            "a value is not of its column's type",
            "required: quarantined; optional: missing",
            "error",
            "write it in its column's type",
        ),
        Rule("time_zone", "a time carries an offset", "converted to UTC", "note", ""),
        Rule(
            "number_format", "thousands separators, a decimal comma or a currency sign", "read as a number", "note", ""
        ),
        Rule(
            "date_format",
            "day/month/year or month/day/year, the same throughout the column",
            "read as a date",
            "note",
            "",
        ),
        Rule("spelling", "an allowed value in another case or with other separators", "canonical spelling", "note", ""),
        Rule(
            "unknown_category",
            "a value that is not among those allowed",
            "required: quarantined; optional: `other` where allowed, else missing",
            "warning",
            "translate it in the mapping file, under `values`",
        ),
        Rule(
            "out_of_range",
            "a number outside its bounds",
            "required: quarantined; optional: missing",
            "warning",
            "correct it at the source",
        ),
        Rule(
            "mixed_scale",
            "1 % or more lie outside the bounds and nearly all of those fit another common scale",
            "required: quarantined; optional: missing",
            "error",
            "bring it to one scale in the mapping file",
        ),
        Rule(
            "end_before_start",
            "an end lies before its start",
            "quarantined, or the end alone set to missing",
            "error",
            "correct the times at the source",
        ),
        Rule(
            "after_extract",
            "it happened or became known after the extract was made",
            "event or `available_at`: quarantined; optional fact: missing",
            "error",
            "correct the time, or say when the export was made (`extracted_at`)",
        ),
        Rule(
            "unknown_account",
            "the account is not in accounts",
            "quarantined; optional: missing",
            "error",
            "export that account too, or correct its id",
        ),
        Rule(
            "duplicate_row",
            "the whole row is there already",
            "one kept, others quarantined",
            "warning",
            "leave the copy out of the export",
        ),
        Rule(
            "duplicate_key",
            "the same key with other content",
            "last known kept, others quarantined",
            "error",
            "make the key unique, or bring `available_at`",
        ),
        Rule(
            "outside_contract",
            "it happened while the account had no contract",
            "kept",
            "note",
            "bring the contract of that time, if there was one",
        ),
        Rule(
            "order_lapse",
            "an order without an end",
            "term_end set to term_start and the lapse",
            "note",
            "bring the order's end, if it has one",
        ),
        Rule("rolled_up", "usage events, counted per account, day and product", "usage_daily", "note", ""),
        Rule(
            "rolled_up_twice",
            "events for an account, day and product that usage_daily has too",
            "usage_daily kept, events left out",
            "warning",
            "bring usage once, by day or by event",
        ),
        Rule(
            "extracted_at_assumed",
            "nobody said when the extract was made",
            "the latest plausible time",
            "warning",
            "say when the export was made (`extracted_at` in the mapping file)",
        ),
    )
}
"""Every built-in rule by name."""
