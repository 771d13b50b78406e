"""`healthscore backup` and `restore`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.cli import StateOption, in_force
from serving.backup import STORE, TRACKING, Kept
from serving.backup import backup as backup_to
from serving.backup import restore as restore_from

app = typer.Typer()
out = Console()

File = Annotated[Path, typer.Argument(help="The backup: one tar file.")]


@app.command(epilog="Example: healthscore backup backups/2026-11-01.tar")
def backup(file: File, state: StateOption = None) -> None:
    """Copy the local score store, tracking database and artefacts into one file, while others go on writing."""
    settings = in_force(state=state)
    _tell(backup_to(settings.state, file, now=datetime.now(UTC).replace(tzinfo=None)), f"copied to {file}")
    for what, address, local in (
        ("score store", settings.score_store, f"sqlite:///{settings.state / STORE}"),
        ("tracking database", settings.tracking, f"sqlite:///{settings.state / TRACKING}"),
    ):
        if address != local:
            out.print(f"The {what} in force lies elsewhere and isn't in it: copy it with its own means", style="yellow")


@app.command(epilog="Example: healthscore restore backups/2026-11-01.tar --state restored")
def restore(file: File, state: StateOption = None) -> None:
    """Put a backup back, into the same folder or another; what is there already is never overwritten."""
    settings = in_force(state=state)
    _tell(restore_from(file, settings.state), f"restored to {settings.state}")


def _tell(kept: Kept, done: str) -> None:
    out.print(f"{', '.join(kept.parts)} {done} ({kept.size / 2**20:.1f} MiB)", highlight=False, soft_wrap=True)
