"""The rows of one table on their way through the rules: what is still usable, what was found, what was put aside."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from features.findings import Example, Finding, Severity
from features.rules import RULES
from features.sources import Mapped
from features.tables import TABLES, Table

_HIDDEN = {"user_id"}
"""Columns that never leave the roll-up, not even into quarantine."""


@dataclass(frozen=True)
class _Reason:
    rule: str
    reason: str
    rows: pl.Series


@dataclass
class Ledger:
    """One table being checked.

    `raw`: the mapped rows as they came. `frame`: the same rows with exactly the declared columns and types; a rule that
    repairs puts a new column in. `bad`: boolean, the rows quarantined so far; `repaired`: those in which a value was
    changed; both hold no nulls.
    """

    table: Table
    raw: pl.DataFrame
    malformed: pl.DataFrame
    frame: pl.DataFrame
    bad: pl.Series
    repaired: pl.Series
    findings: list[Finding] = field(default_factory=list)
    _reasons: list[_Reason] = field(default_factory=list)

    @classmethod
    def open(cls, mapped: Mapped) -> "Ledger":
        """Begin with the rows of a mapped table; `frame` has no column yet."""
        height = mapped.frame.height
        none = pl.repeat(False, height, dtype=pl.Boolean, eager=True)
        ledger = cls(TABLES[mapped.table], mapped.frame, mapped.malformed, pl.DataFrame(), none, none)
        if mapped.malformed.height:
            first = mapped.malformed.row(0, named=True)
            example = Example(ledger.name, first["_file"], first["_row"], first["_line"] or "")
            ledger.note("malformed_line", (), mapped.malformed.height, RULES["malformed_line"].then, example)
        return ledger

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def rows_read(self) -> int:
        """Rows of the mapped table and malformed lines."""
        return self.raw.height + self.malformed.height

    @property
    def rows_repaired(self) -> int:
        """Rows that can be used, with a value changed."""
        return int((self.repaired & ~self.bad).sum())

    def put(self, column: str, values: pl.Series) -> None:
        """Set a column of `frame`."""
        values = values.alias(column)
        self.frame = self.frame.with_columns(values) if self.frame.width else values.to_frame()

    def quarantine(
        self, rule: str, columns: tuple[str, ...], rows: pl.Series, reason: str, severity: Severity | None = None
    ) -> None:
        """Put rows aside; `rows` is a boolean mask, null meaning no."""
        hits = rows.arg_true()
        if len(hits):
            self.bad = self.bad | rows.fill_null(False)
            self._reasons.append(_Reason(rule, reason, hits))
            self._find(rule, columns, hits, "quarantined", severity)

    def repair(self, rule: str, column: str, rows: pl.Series, action: str, values: pl.Series | None = None) -> None:
        """Note that a column was changed where the mask says so; `values` is the whole new column, if not set yet."""
        hits = rows.arg_true()
        if len(hits):
            if values is not None:
                self.put(column, values)
            self.repaired = self.repaired | rows.fill_null(False)
            self._find(rule, (column,), hits, action)

    def blank(self, rule: str, column: str, rows: pl.Series, why: str = "") -> None:
        """Set a column to missing where the mask says so."""
        values = self.frame[column].set(rows.fill_null(False), None)
        self.repair(rule, column, rows, f"set to missing{why}", values)

    def keep(self, rule: str, columns: tuple[str, ...], rows: pl.Series, action: str = "kept") -> None:
        """Report rows that stay as they are."""
        hits = rows.arg_true()
        if len(hits):
            self._find(rule, columns, hits, action)

    def note(
        self, rule: str, columns: tuple[str, ...], count: int, action: str, example: Example | None = None
    ) -> None:
        """Report something that isn't about rows of the mapped table."""
        share = count / self.rows_read if self.rows_read else 0.0
        self.findings.append(Finding(self.name, rule, columns, count, share, example, action, RULES[rule].severity))

    def usable(self) -> pl.DataFrame:
        """The rows not put aside, with the declared columns."""
        return self.frame.filter(~self.bad) if self.bad.any() else self.frame

    def quarantined(self) -> pl.DataFrame:
        """The rows put aside, as text, each once, with all its rules and reasons."""
        malformed = self.malformed.with_columns(rule=pl.lit("malformed_line"))
        if not self._reasons:
            return malformed.select("_file", "_row", "rule", "reason", "_line") if malformed.height else pl.DataFrame()
        reasons = pl.concat(
            pl.DataFrame({"_index": hit.rows}).with_columns(rule=pl.lit(hit.rule), reason=pl.lit(hit.reason))
            for hit in self._reasons
        )
        joined = reasons.group_by("_index", maintain_order=True).agg(
            pl.col("rule").unique(maintain_order=True).str.join("; "), pl.col("reason").str.join("; ")
        )
        joined = joined.sort("_index")
        shown = [name for name in self.raw.columns if not name.startswith("_rule ") and name not in _HIDDEN]
        rows = as_text(self.raw.select(shown)[joined["_index"]])
        rows = rows.hstack(joined.select("rule", "reason"))
        rows = pl.concat([rows, malformed], how="diagonal") if malformed.height else rows
        last = [name for name in ("_line",) if name in rows.columns]
        first = ["_file", "_row", "rule", "reason"]
        return rows.select(*first, *(name for name in rows.columns if name not in (*first, *last)), *last)

    def _find(
        self, rule: str, columns: tuple[str, ...], hits: pl.Series, action: str, severity: Severity | None = None
    ) -> None:
        first = int(hits[0])
        row = self.raw.row(first, named=True)
        value = ", ".join(_shown(row.get(column)) for column in columns if column not in _HIDDEN)
        example = Example(self.name, row["_file"], row["_row"], value)
        severity = severity or RULES[rule].severity
        share = len(hits) / self.rows_read
        self.findings.append(Finding(self.name, rule, columns, len(hits), share, example, action, severity))


def as_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Every column but `_row` as text, nested ones included."""
    texts: Mapping[str, pl.Series] = {
        name: rows[name].cast(pl.String)
        if not rows[name].dtype.is_nested() and rows[name].dtype not in (pl.Object, pl.Binary)
        else pl.Series(name, [None if value is None else str(value) for value in rows[name]], pl.String)
        for name in rows.columns
        if name != "_row"
    }
    return rows.select("_row").with_columns(list(texts.values()))


def _shown(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
