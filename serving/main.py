"""The composition root: one command, `healthscore`, made of each package's verbs."""

import gc
import os
import sys

# Read when LightGBM is imported: its threads then wait for each other without holding a core that others want, which
# makes training several times faster on a machine that does anything else.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# Read when NumPy is: its products here are long and thin, and more threads only wait for the memory. Training on 2,000
# accounts took 71 instead of 80 seconds on two cores, and 96 instead of 135 of all threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer
from rich.console import Console

from features.errors import HealthscoreError


def main() -> None:
    """Run the command line; an error raised on purpose becomes one message and its exit code."""
    try:
        command_line(sys.argv[1] if len(sys.argv) > 1 else None)()
    except HealthscoreError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)


def command_line(verb: str | None) -> typer.Typer:
    """The verbs, all of them but where the one that is wanted can't wait for what the others import."""
    if verb == "rollback":
        gc.disable()  # it ends at once, and all it imports stays: to look for garbage in that takes a fifth of its time
        from training.promotion_cli import app
    else:
        from serving.verbs import app
    return app


def __getattr__(name: str) -> typer.Typer:
    if name == "app":
        return command_line(None)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
