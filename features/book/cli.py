"""`healthscore book`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.book.book import book as measure_book
from features.book.catalogue import BOOK
from features.book.targets import NO_TARGETS, read_targets
from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.progress import progress

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore book --source exports --by segment --targets targets.toml")
def book(
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    by: Annotated[
        str | None,
        typer.Option(help="Also by segment, region, channel, owner, product or contract_size.", show_default=False),
    ] = None,
    targets: Annotated[Path | None, typer.Option(help="TOML file with a section \\[targets].")] = None,
    path: Annotated[Path | None, typer.Option("--out", "-o", help="CSV file to write instead.")] = None,
    state: StateOption = None,
) -> None:
    """Measure the whole book at a moment: retention, money, support, community, and whether targets are met."""
    settings = in_force(source=source, mapping=mapping, state=state)
    wanted = read_targets(targets) if targets else NO_TARGETS
    with progress() as report:
        checked = read(settings, report)
        moment = as_of_or_extract(as_of, checked)
        report("measures of the book")
        measures = measure_book(checked.tables, moment, by, wanted, settings.grace_days)
    if path is not None:
        measures.write_csv(path)
        out.print(f"{measures.height:,} measures as of {moment:%Y-%m-%d}: {path}", soft_wrap=True)
        return
    for (group,), rows in measures.group_by("group", maintain_order=True):
        table = Table(title=f"{group}, as of {moment:%Y-%m-%d}", title_justify="left", box=None, pad_edge=False)
        table.add_column("measure")
        for head in ("value", "before", "target"):
            table.add_column(head, justify="right")
        for head in ("unit", "status", "trend"):
            table.add_column(head)
        for row in rows.iter_rows(named=True):
            unit = BOOK[row["measure"]].unit
            shown = [_shown(row[column], unit) for column in ("value", "previous", "target")]
            table.add_row(row["measure"], *shown, unit, row["status"] or "", row["trend"] or "")
        out.print(table)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"
