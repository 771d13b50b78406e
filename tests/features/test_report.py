"""The report fits 100 columns and shows the owner's text as it is."""

from datetime import datetime
from io import StringIO
from pathlib import Path

from rich.console import Console

from features.quality import check
from features.report import print_report
from features.sources import open_source


def test_a_report(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,[red]\na,1\n")
    (tmp_path / "contracts.csv").write_text("contract_id,account_id,term_start,arr\nc,a,2024-01-01,1\n")
    (tmp_path / "tickets.csv").write_text("ticket_id,account_id,opened_at\n1,[bold],2024-05-20\n2,a,2024-05-20\n")
    console = Console(width=100, file=StringIO(), record=True)
    with open_source(tmp_path) as source:
        print_report(check(source, extracted_at=datetime(2024, 6, 1)), console)
    text = console.export_text()
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "Extracted at 2024-06-01 00:00 UTC" in lines
    assert "tickets 2 1 1" in lines
    assert "unknown_account 1 50.0 % tickets.csv row 1: account_id = [bold] quarantined" in lines
    assert any(line.startswith("unknown_column [red] ignored") for line in lines)
    assert lines[-2].startswith("Not brought, their signals are missing: usage_daily, milestones")
