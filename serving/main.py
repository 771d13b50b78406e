"""The composition root: one command, `healthscore`, made of each package's verbs."""

import sys

import typer
from rich.console import Console

import features.book.cli
import features.cli
import features.signals_cli
import serving.access.cli
import serving.cli
import serving.demo
import serving.effects_cli
import training.cli
import training.effects
from features.errors import HealthscoreError

app = typer.Typer(
    name="healthscore",
    help="Customer health and churn-risk scores from what a company already knows about its accounts.",
    epilog="Exit codes: 0 done, 1 a defect of ours, 2 wrong usage or settings, 3 the data can't be used, "
    "4 not enough history, 5 a registry, store or port is unavailable.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
)
for verbs in (
    features.cli.app,
    features.signals_cli.app,
    features.book.cli.app,
    training.cli.app,
    serving.cli.app,
    serving.access.cli.app,
    serving.effects_cli.verbs(training.effects.measure),
    serving.demo.app,
):
    app.add_typer(verbs)


def main() -> None:
    """Run the command line; an error raised on purpose becomes one message and its exit code."""
    try:
        app()
    except HealthscoreError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
