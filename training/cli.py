"""`healthscore train`, `recalibrate`, `receipt` and `leakage`.

What plots, anchors and search stand on takes a second to import; only the verbs that use it wait for that.
"""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.progress import progress
from features.settings import Settings
from training.errors import NotEnoughTime
from training.leakage import Finding, examine, future_shuffled
from training.receipt import Receipt
from training.scorecard import DEFAULT
from training.scorecard import read as read_scorecard
from training.tracking import CHAMPION, Registry
from training.train import Recipe

if TYPE_CHECKING:
    from training.versions import Made

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore train --source exports --as-of 2026-01-01")
def train(
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    scorecard: Annotated[Path | None, typer.Option(help="The prior; the one that comes with healthscore.")] = None,
    trials: Annotated[int, typer.Option("--search", min=0, help="Sets of LightGBM's parameters to try first.")] = 0,
    promote: Annotated[bool, typer.Option(help="Make it champion in any case.")] = False,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    state: StateOption = None,
) -> None:
    """Train a model on what was known at a moment, prove it out of time, and register it in MLflow."""
    from training.versions import make_version

    settings = in_force(source=source, mapping=mapping, scorecard=scorecard, seed=seed, state=state)
    recipe = Recipe(settings.grace_days, settings.seed, scorecard=read_scorecard(settings.scorecard or DEFAULT))
    with progress() as report:
        checked = read(settings, report)
        until = as_of_or_extract(as_of, checked)
        made = make_version(
            checked.tables,
            registry(settings),
            until=until,
            recipe=recipe,
            trials=trials,
            promote="anyway" if promote else "first",
            progress=report,
        )
    show(made, out)


@app.command(epilog="Example: healthscore recalibrate --source exports --promote")
def recalibrate(
    version: Annotated[str, typer.Argument(help="Alias or number of the model version.")] = CHAMPION,
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Outcomes from here on count; half a year ago.")
    ] = None,
    promote: Annotated[bool, typer.Option(help="Make it champion.")] = False,
    state: StateOption = None,
) -> None:
    """Set a model's level, and its segments', to the newest outcomes; what it learned stays as it is."""
    from training.versions import recalibrate_version

    settings = in_force(source=source, mapping=mapping, state=state)
    with progress() as report:
        checked = read(settings, report)
        made = recalibrate_version(
            checked.tables,
            registry(settings),
            version,
            until=as_of_or_extract(as_of, checked),
            since=since,
            promote="anyway" if promote else "never",
            progress=report,
        )
    on, anew = made.model.card.trained_on["recalibrated"], made.version
    out.print(
        f"[bold]{anew.name} version {anew.number}[/], {anew.alias}: {version} at the level of {on['churns']:,} churns "
        f"since {on['since']:.10}",
        highlight=False,
    )


@app.command(epilog="Example: healthscore leakage --source exports")
def leakage(
    source: SourceOption = None, mapping: MappingOption = None, as_of: AsOfOption = None, state: StateOption = None
) -> None:
    """Look for signals that know the future: ones that tell too well, and ones that change when the future does."""
    from training.versions import history

    settings = in_force(source=source, mapping=mapping, state=state)
    with progress() as report:
        checked = read(settings, report)
        until = as_of_or_extract(as_of, checked)
        known, matrix = history(checked.tables, until, settings.grace_days, report)
        report("signals with the future shuffled")
        middle = matrix["as_of"].unique().sort()[matrix["as_of"].n_unique() // 2]
        found = [*examine(matrix, known), *future_shuffled(checked.tables, middle)]
    alarm(found, out)
    if not found:
        out.print("Nothing knows more than it should.")


@app.command(epilog="Example: healthscore receipt challenger --output receipt.html")
def receipt(
    version: Annotated[str, typer.Argument(help="Alias or number of the model version.")] = CHAMPION,
    output: Annotated[Path, typer.Option(help="File to write the page to.")] = Path("receipt.html"),
    state: StateOption = None,
) -> None:
    """Say what a model version was worth, and write its receipt as a page that can be sent."""
    from training import plots
    from training.receipt_page import page

    settings = in_force(state=state)
    found = registry(settings).receipt(version)
    if found is None:
        raise NotEnoughTime(f"{settings.model}@{version} was registered without a proof: its history was too short")
    proof = Receipt.from_json(found)
    output.write_text(page(proof, plots.drawn(proof), f"{settings.model} {version}"), encoding="utf-8")
    tell(proof, out)
    out.print(f"The whole of it: {output}", highlight=False)


def registry(settings: Settings) -> Registry:
    """The registry in force."""
    return Registry(settings.tracking, settings.state / "artifacts", settings.model)


def show(made: "Made", console: Console) -> None:
    """Print the version and its proof."""
    version, card = made.version, made.model.card
    console.print(
        f"[bold]{version.name} version {version.number}[/], {version.alias}, {card.mode}: "
        f"{card.trained_on['accounts']:,} accounts, {card.trained_on['churns']:,} churns, {len(card.signals)} signals, "
        f"{card.evidence:.0%} learned, the rest scorecard",
        highlight=False,
    )
    alarm(made.alarms, console)
    if made.receipt is None:
        console.print(f"[yellow]Not proven out of time:[/] {made.unproven}", highlight=False)
    else:
        tell(made.receipt, console)
    if made.verdict is not None and not made.verdict.promote:
        console.print(f"[yellow]Stays challenger:[/] {made.verdict.reason}", highlight=False)


def alarm(findings: Sequence[Finding], console: Console) -> None:
    """Print what knows too much."""
    for finding in findings:
        console.print(f"[red]Alarm:[/] {finding}", highlight=False)


def tell(receipt: Receipt, console: Console) -> None:
    """Print the figures of a receipt and its verdict."""
    folds = ", ".join(f"{fold.as_of:%Y-%m-%d}" for fold in receipt.folds)
    table = Table(title=f"What models of {folds} said, against what happened", title_justify="left")
    heads = ("horizon", "accounts", "churned", "AUC", "Brier", "of the average", "expected ÷ actual", "in ARR")
    for head in heads:
        table.add_column(head, justify="right")
    for days in receipt.horizons:
        if entry := receipt.entry(days):
            named = ("auc", "brier", "base_brier", "expected_to_actual", "expected_to_actual_arr")
            figures = [entry.figures[name].value for name in named]
            digits = (3, 4, 4, 2, 2)
            table.add_row(
                f"{days} days",
                f"{entry.accounts:,}",
                f"{entry.churns:,}",
                *(f"{value:.{digit}f}" for value, digit in zip(figures, digits, strict=True)),
            )
    console.print(table)
    for sentence in receipt.verdict:
        console.print(f"• {sentence}", highlight=False)
