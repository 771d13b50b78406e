"""What changed in the source since the last look: columns gone or new, types changed, values that no rule knows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from features.findings import Checked
from training.monitoring.alarm import Alarm

ODD = ("unparseable", "unknown_category", "mixed_scale", "out_of_range", "number_format", "date_format")
"""Rules of the check that find values of another kind than a column's."""
MORE = 0.05
"""Share of rows by which such a finding must have grown."""


@dataclass(frozen=True)
class SourceSeen:
    """A source as it was read: `columns`, table to column to type as it came; `odd`, `table.column: rule` to share."""

    columns: Mapping[str, Mapping[str, str]]
    odd: Mapping[str, float]


def seen(checked: Checked) -> SourceSeen:
    """What is to be remembered of a source."""
    odd = {
        f"{finding.table}.{', '.join(finding.columns)}: {finding.rule}": round(finding.share, 5)
        for finding in checked.findings
        if finding.rule in ODD
    }
    return SourceSeen(checked.columns, odd)


def source_alarms(before: SourceSeen, now: SourceSeen) -> Iterator[Alarm]:
    """What has changed. A table that has gone is the feeds' alarm; a new one is welcome."""
    for table in sorted(before.columns.keys() & now.columns.keys()):
        had, has = before.columns[table], now.columns[table]
        for column in sorted(had.keys() - has.keys()):
            yield Alarm(
                "column_gone", "warn", f"{table}.{column}", "the source had it at the last look, and hasn't now",
                "If it was renamed, say so in the mapping file; if it is gone for good, train again without it.",
            )  # fmt: skip
        for column in sorted(has.keys() - had.keys()):
            yield Alarm(
                "column_new", "warn", f"{table}.{column}", "the source didn't have it at the last look",
                "If it is one of the canonical columns under another name, map it.",
            )  # fmt: skip
        for column in sorted(had.keys() & has.keys()):
            if had[column] != has[column]:
                yield Alarm(
                    "type_changed", "warn", f"{table}.{column}", f"its type was {had[column]} and is {has[column]}",
                    "Look at what the check says of it (healthscore check), and at the export.",
                )  # fmt: skip
    for about, share in now.odd.items():
        was = before.odd.get(about, 0.0)
        if share > was + MORE:
            where, rule = about.split(": ")
            yield Alarm(
                "values_changed", "warn", where,
                f"{share:.0%} of the rows are {rule.replace('_', ' ')}, {was:.0%} at the last look",
                "Look at the examples in the check's report (healthscore check), and at the export.",
            )  # fmt: skip
