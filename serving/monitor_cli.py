"""`healthscore monitor`: look at the model in use."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.progress import progress
from serving.errors import HeldBack
from serving.store import ScoreStore
from training.monitoring.result import Monitoring
from training.tracking import CHAMPION, Registry

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore monitor --source exports --output monitoring.html")
def monitor(
    version: Annotated[str, typer.Argument(help="Alias or number of the model version.")] = CHAMPION,
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    output: Annotated[Path, typer.Option(help="File to write the page to.")] = Path("monitoring.html"),
    state: StateOption = None,
) -> None:
    """Look at feeds, drift and matured outcomes of the model in use, and say what to do.

    The look is kept in the score store, where /metrics finds it, and in MLflow. Exit code 0 where nothing holds a
    publication back, 8 where something does; warnings alone are 0.
    """
    from serving.watching import monitor as take_look

    settings = in_force(source=source, mapping=mapping, state=state)
    now = datetime.now(UTC).replace(tzinfo=None)
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    with progress() as report, ScoreStore.open(settings.score_store) as store:
        checked = read(settings, report)
        moment = as_of_or_extract(as_of, checked)
        found, page = take_look(registry, store, checked, alias=version, as_of=moment, now=now, report=report)
    output.write_text(page, encoding="utf-8")
    show(found, out)
    out.print(f"The whole of it: {output}", highlight=False)
    if found.held:
        raise typer.Exit(HeldBack.exit_code)


def show(found: Monitoring, console: Console) -> None:
    """Print the advice, the alarms, and published scores against outcomes."""
    console.print(
        f"[bold]{found.model} version {found.version}[/] as of {found.as_of:%Y-%m-%d}, {found.accounts:,} accounts, "
        f"against the year before {found.baseline_of:%Y-%m-%d}",
        highlight=False,
    )
    console.print(f"[bold]To do: {found.advice.action}.[/] {'; '.join(found.advice.reasons)}.", highlight=False)
    for alarm in found.alarms:
        style = "red" if alarm.severity == "stop" else "yellow"
        console.print(f"[{style}]{alarm.severity}[/] {alarm}", highlight=False)
    if not found.alarms:
        console.print("No alarm.")
    entries = [entry for entry in found.matured if entry.segment is None]
    if not entries:
        console.print("No published score is old enough to be held against an outcome.", style="dim")
        return
    table = Table(title="Published scores of the last half year against what happened", title_justify="left")
    for head in ("within", "accounts", "left", "AUC", "expected ÷ actual", "in ARR"):
        table.add_column(head, justify="right")
    for entry in entries:
        figures = (entry.figures[name] for name in ("auc", "expected_to_actual", "expected_to_actual_arr"))
        told = (f"{each.value:.2f} ({each.low:.2f}–{each.high:.2f})" for each in figures)
        table.add_row(f"{entry.days} days", f"{entry.accounts:,}", f"{entry.churns:,}", *told)
    console.print(table)
