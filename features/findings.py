"""What a check found: one finding per table, rule and column, and the rows put aside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from features.tables import Tables

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class Example:
    """One row a finding is about. `file` is None where a mapping's select didn't pass `_file` and `_row` on."""

    table: str
    file: str | None
    row: int
    value: str

    @property
    def where(self) -> str:
        """Where to find the row, in words."""
        return f"{self.file} row {self.row}" if self.file else f"row {self.row} of the mapped table {self.table}"

    def __str__(self) -> str:
        return f"{self.where}: {self.value}" if self.value else self.where


@dataclass(frozen=True)
class Finding:
    """What one rule found in one table. `share` is `count` over the rows read, 0 where it isn't about rows."""

    table: str
    rule: str
    columns: tuple[str, ...]
    count: int
    share: float
    example: Example | None
    action: str
    severity: Severity


@dataclass(frozen=True)
class Checked:
    """The outcome of a check: usable tables, what was found, and every row put aside with its reason.

    `rows_read` and `quarantine` are keyed by canonical table, and by `owner.<table>` where rows of the owner's own
    table were put aside before mapping. Per key, rows read = rows usable + rows quarantined; `rows_repaired` are the
    usable ones in which a value was changed. A quarantine frame holds the mapped row as text (null where it was
    missing) and `_file`, `_row`, `rule`, `reason`. `columns` has the columns of each table with the type they came in;
    `unused` where nothing reads them.
    """

    tables: Tables
    findings: tuple[Finding, ...]
    quarantine: Mapping[str, pl.DataFrame]
    rows_read: Mapping[str, int]
    rows_repaired: Mapping[str, int]
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def rows_quarantined(self, name: str) -> int:
        """How many rows of that table were put aside."""
        return self.quarantine[name].height if name in self.quarantine else 0

    def rows_usable(self, name: str) -> int:
        """How many rows of that table can be used."""
        return self.rows_read[name] - self.rows_quarantined(name)


def write_quarantine(checked: Checked, folder: Path) -> tuple[Path, ...]:
    """Write one CSV per table that has quarantined rows into `folder`, made if need be; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, rows in sorted(checked.quarantine.items()):
        if rows.height:
            path = folder / f"{name}.csv"
            rows.write_csv(path)
            written.append(path)
    return tuple(written)
