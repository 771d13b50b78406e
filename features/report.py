"""A check for people to read: what came in, what can be used, and what was done about the rest."""

from rich.console import Console
from rich.table import Table as Grid

from features.findings import Checked, Finding

_STYLES = {"error": "red", "warning": "yellow", "note": "dim"}


def print_report(checked: Checked, console: Console) -> None:
    """Print rows per table, then the findings; 100 columns wide is enough. Tables that aren't there come last."""
    console.print(f"Extracted at {checked.tables.extracted_at:%Y-%m-%d %H:%M} UTC", highlight=False)
    console.print(_rows(checked))
    missing = [finding.table for finding in checked.findings if finding.rule == "missing_table"]
    findings = [finding for finding in checked.findings if finding.rule != "missing_table"]
    if findings:
        console.print(_findings(findings))
    if missing:
        console.print(f"Not brought, their signals are missing: {', '.join(missing)}", style="dim", highlight=False)


def _rows(checked: Checked) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("table")
    for name in ("read", "usable", "quarantined"):
        grid.add_column(name, justify="right")
    for name, read in checked.rows_read.items():
        bad = checked.rows_quarantined(name)
        style = "yellow" if bad else None
        grid.add_row(name, f"{read:,}", f"{read - bad:,}", f"{bad:,}" if bad else "–", style=style)
    return grid


def _findings(findings: list[Finding]) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    grid.add_column("finding", min_width=22, overflow="fold")
    grid.add_column("rows", justify="right", no_wrap=True)
    grid.add_column("share", justify="right", no_wrap=True)
    grid.add_column("example", overflow="fold", ratio=1)
    grid.add_column("what is done", overflow="fold", ratio=1)
    table = ""
    for finding in findings:
        if finding.table != table:
            table = finding.table
            grid.add_row(f"[bold]{table}[/]")
        rows, share = (f"{finding.count:,}", _share(finding.share)) if finding.count else ("", "")
        named = ", ".join(finding.columns)
        example = str(finding.example) if finding.example else named
        if finding.example and finding.columns:
            value = f" = {finding.example.value}" if finding.example.value else ""
            example = f"{finding.example.where}: {named}{value}"
        grid.add_row(
            f"  [{_STYLES[finding.severity]}]{finding.rule}[/]", rows, share, _plain(example), _plain(finding.action)
        )
    return grid


def _share(share: float) -> str:
    return "<0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _plain(text: str) -> str:
    """The owner's text, so that square brackets in it aren't read as styles."""
    return text.replace("[", r"\[")
