"""The data beside the scores: what the check found, how fresh each source is, how much of the book the signals tell of.

Made by the scoring job and kept with its batch. It holds counts and places, and no value of any row.
"""

from typing import Any

from pydantic import Field
from sqlalchemy import select

from features.findings import Severity
from features.rules import RULES
from serving.examples import example
from serving.read_models import BatchShown, Shown, Utc
from serving.schema import data_reports
from serving.scores import Batch, Status
from serving.store import ScoreStore


class FindingShown(Shown):
    """What one rule found in one table."""

    rule: str = Field(description="The rule, or the name of a condition of the mapping.", examples=["unparseable"])
    meaning: str = Field(description="What it looks for.", examples=["a value is not of its column's type"])
    severity: Severity = Field(description="error, warning or note.", examples=["error"])
    columns: list[str] = Field(description="The columns it is about.", examples=[["amount"]])
    rows: int = Field(description="Rows found; 0 where it isn't about rows.", examples=[5])
    share: float = Field(description="Rows found over rows read.", examples=[0.0009])
    first: str | None = Field(description="Where the first of them is.", examples=["invoices.csv row 5417"])
    done: str = Field(description="What was done about it.", examples=["quarantined"])
    to_do: str | None = Field(
        description="What can be done at the source; null where nothing needs to be.",
        examples=["write it in its column's type"],
    )


class TableShown(Shown):
    """One table as it was read: rows read are those usable and those quarantined."""

    table: str = Field(
        description="Canonical table, or `owner.` and one of the company's own before the mapping.",
        examples=["invoices"],
    )
    read: int = Field(description="Rows read.", examples=[5430])
    usable: int = Field(description="Rows that can be used, repaired ones among them.", examples=[5407])
    repaired: int = Field(description="Usable rows in which a value was changed.", examples=[10])
    quarantined: int = Field(description="Rows put aside.", examples=[23])
    findings: list[FindingShown] = Field(description="What was found, the gravest first.")


class CheckShown(Shown):
    """What was found when the tables that were scored had been read."""

    extracted_at: Utc = Field(description="When the data was extracted.", examples=["2026-10-30T04:00:00Z"])
    quarantine: str | None = Field(
        description="Folder on the machine that scored with a file per table of the rows put aside, each with its "
        "reasons; null where none were.",
        examples=["mlruns/quarantine"],
    )
    absent: list[str] = Field(description="Tables that weren't brought.", examples=[["surveys"]])
    tables: list[TableShown] = Field(description="Tables that were read.")

    @property
    def read(self) -> int:
        """Rows read of all tables."""
        return sum(table.read for table in self.tables)

    @property
    def usable(self) -> int:
        """Rows of all tables that can be used."""
        return sum(table.usable for table in self.tables)

    @property
    def quarantined(self) -> int:
        """Rows of all tables put aside."""
        return sum(table.quarantined for table in self.tables)


class SourceShown(Shown):
    """One source of signals, as it was known at the moment that was scored."""

    table: str = Field(description="Canonical table.", examples=["usage_daily"])
    status: Status = Field(description="Whether it is fresh, has gone stale or is missing.", examples=["fresh"])
    latest_at: Utc | None = Field(description="Its newest row; null if none.", examples=["2026-10-30T00:00:00Z"])
    days_old: int | None = Field(description="Days from that to as_of.", examples=[2])
    within_days: int = Field(description="A row is expected at least this often, days.", examples=[14])
    accounts: int = Field(description="Accounts scored that have a row in it.", examples=[118])
    share: float = Field(description="That, of all accounts scored.", examples=[0.983])


class DimensionCovered(Shown):
    """How much is known of one dimension of health."""

    dimension: str = Field(description="The dimension.", examples=["adoption"])
    signals: int = Field(description="Signals it has.", examples=[21])
    accounts: int = Field(description="Accounts of which at least one of them is known.", examples=[118])
    share: float = Field(description="That, of all accounts scored.", examples=[0.983])
    known: float = Field(description="Share of the signals that are known, on average.", examples=[0.91])


class CoverageShown(Shown):
    """How much of the book the signals tell of; an account's coverage is that in its score."""

    mean: float | None = Field(description="Coverage of an account, on average.", examples=[0.86])
    tenths: list[int] = Field(
        description="Accounts by coverage, in tenths from 0 to 1.", examples=[[0, 0, 0, 0, 2, 4, 11, 18, 52, 33]]
    )
    dimensions: list[DimensionCovered]


class DataReport(Shown):
    """All of it, as it is kept with a batch."""

    check: CheckShown | None = Field(
        None, description="What the check found; null where the scores were made without one.",
        examples=[example(CheckShown)],
    )  # fmt: skip
    sources: list[SourceShown] = Field(description="Every source of signals.")
    coverage: CoverageShown


class DataShown(DataReport):
    """The data the current scores rest on."""

    batch: BatchShown


def data_shown(store: ScoreStore, batch: Batch) -> DataShown | None:
    """The report of a batch; None where it was published without one."""
    with store.reading() as connection:
        kept = connection.scalar(select(data_reports.c.report).where(data_reports.c.batch_id == batch.batch_id))
    return None if kept is None else DataShown(batch=BatchShown.model_validate(batch), **_told(kept))


def _told(kept: dict[str, Any]) -> dict[str, Any]:
    """A report with the words of the rules, which aren't kept."""
    for table in (kept["check"] or {"tables": []})["tables"]:
        for finding in table["findings"]:
            finding |= _words(finding["rule"])
    return kept


def _words(name: str) -> dict[str, str | None]:
    rule = RULES.get(name)
    if rule is None:
        condition = f"the condition `{name}` of the mapping file"
        return {"meaning": condition, "to_do": "correct these rows at the source, or change the condition"}
    return {"meaning": rule.meaning, "to_do": rule.to_do or None}
