"""`healthscore train`."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.progress import progress
from training.tracking import Registry
from training.versions import Made, make_version

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore train --source exports --as-of 2026-01-01")
def train(
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    promote: Annotated[bool, typer.Option(help="Make it champion even where there is one.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    state: StateOption = None,
) -> None:
    """Train a model on what was known at a moment, prove it out of time, and register it in MLflow."""
    settings = in_force(source=source, mapping=mapping, seed=seed, state=state)
    with progress() as report:
        checked = read(settings, report)
        until = as_of_or_extract(as_of, checked)
        made = make_version(
            checked.tables,
            Registry(settings.tracking, settings.state / "artifacts", settings.model),
            until=until,
            grace_days=settings.grace_days,
            seed=settings.seed,
            promote=promote,
            progress=report,
        )
    show(made, out)


def show(made: Made, console: Console) -> None:
    """Print the version and its proof."""
    version, card = made.version, made.model.card
    console.print(
        f"[bold]{version.name} version {version.number}[/], {version.alias}: {card.trained_on['accounts']:,} accounts, "
        f"{card.trained_on['churns']:,} churns, {len(card.signals)} signals, {card.trained_on['trees']} trees",
        highlight=False,
    )
    if made.proof is None:
        console.print(f"[yellow]Not proven out of time:[/] {made.unproven}", highlight=False)
        return
    table = Table(
        title=f"What a model of {made.proof.as_of:%Y-%m-%d} said, against what happened", title_justify="left"
    )
    heads = ("horizon", "accounts", "churned", "AUC", "Brier", "of the average", "expected ÷ actual", "in ARR")
    for head in heads:
        table.add_column(head, justify="right")
    for days, found in made.proof.figures.items():
        table.add_row(
            f"{days} days",
            f"{found.accounts:,}",
            f"{found.churned:,}",
            f"{found.auc:.3f}",
            f"{found.brier:.4f}",
            f"{found.base_brier:.4f}",
            f"{found.expected_to_actual:.2f}",
            f"{found.expected_to_actual_arr:.2f}",
        )
    console.print(table)
