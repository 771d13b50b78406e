"""The report of the data, as the scoring job makes it."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from features.catalogue import SIGNALS
from features.findings import Checked, Finding, Severity
from features.freshness import USUAL_SILENCE_DAYS, Feed
from features.signal import DIMENSIONS
from features.tables import TABLES

TENTHS = 10
_GRAVEST_FIRST: Sequence[Severity] = ("error", "warning", "note")


def data_report(
    scored: pl.DataFrame, sources: Sequence[Feed], as_of: datetime, checked: Checked | None, quarantine: Path | None
) -> dict[str, Any]:
    """What `serving.data_report.DataReport` shows, but for the words of the rules.

    `scored` is the matrix of the accounts with their scores; `quarantine` the folder of the rows put aside.
    """
    return {
        "check": None if checked is None else _check(checked, quarantine),
        "sources": [_source(feed, scored["account_id"], as_of) for feed in sources],
        "coverage": {
            "mean": scored["coverage"].clip(0.0, 1.0).mean(),
            "tenths": _tenths(scored["coverage"]),
            "dimensions": [_dimension(name, scored) for name in DIMENSIONS],
        },
    }


def _check(checked: Checked, quarantine: Path | None) -> dict[str, Any]:
    return {
        "extracted_at": checked.tables.extracted_at.isoformat(),
        "quarantine": str(quarantine) if quarantine is not None and checked.quarantine else None,
        "absent": [finding.table for finding in checked.findings if finding.rule == "missing_table"],
        "tables": [
            {
                "table": name,
                "read": read,
                "usable": checked.rows_usable(name),
                "repaired": checked.rows_repaired.get(name, 0),
                "quarantined": checked.rows_quarantined(name),
                "findings": [_finding(found) for found in _of_table(checked.findings, name)],
            }
            for name, read in checked.rows_read.items()
        ],
    }


def _of_table(findings: Sequence[Finding], table: str) -> list[Finding]:
    found = [finding for finding in findings if finding.table == table]
    return sorted(found, key=lambda finding: (_GRAVEST_FIRST.index(finding.severity), -finding.count))


def _finding(finding: Finding) -> dict[str, Any]:
    """A finding with the place of its example, and without its value, which may be of a person."""
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "columns": list(finding.columns),
        "rows": finding.count,
        "share": finding.share,
        "first": finding.example.where if finding.example else None,
        "done": finding.action,
    }


def _source(feed: Feed, accounts: pl.Series, as_of: datetime) -> dict[str, Any]:
    there = int(accounts.is_in(list(feed.by_account)).sum())
    return {
        "table": feed.table,
        "status": feed.status,
        "latest_at": feed.latest_at.isoformat() if feed.latest_at else None,
        "days_old": (as_of - feed.latest_at).days if feed.latest_at else None,
        "within_days": TABLES[feed.table].silent_after or USUAL_SILENCE_DAYS,
        "accounts": there,
        "share": there / len(accounts),
    }


def _tenths(coverage: pl.Series) -> list[int]:
    tenth = (coverage.clip(0.0, 1.0) * TENTHS).floor().clip(0, TENTHS - 1)
    return [int((tenth == number).sum()) for number in range(TENTHS)]


def _dimension(name: str, scored: pl.DataFrame) -> dict[str, Any]:
    known = scored.select(pl.col(signal.name).is_not_null() for signal in SIGNALS if signal.dimension == name)
    accounts = int(known.select(pl.any_horizontal(pl.all()).sum()).item())
    return {
        "dimension": name,
        "signals": known.width,
        "accounts": accounts,
        "share": accounts / scored.height,
        "known": known.select(pl.mean_horizontal(pl.all()).mean()).item(),
    }
