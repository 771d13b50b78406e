"""`healthscore promote` and `rollback`. Neither waits for what it doesn't use: rolling back is done in a hurry."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from features.settings import load_settings
from features.state_option import StateOption

app = typer.Typer()
out = Console()

ReasonOption = Annotated[str, typer.Option(help="Why, for those who ask later; kept with the version.")]
AuthorOption = Annotated[str | None, typer.Option(help="Who decides; by default the user who runs the command.")]


@app.command(epilog="Example: healthscore promote 7 --reason 'agreed in review' --author ada")
def promote(
    version: Annotated[str, typer.Argument(help="Alias or number of the model version.")],
    reason: ReasonOption,
    author: AuthorOption = None,
    force: Annotated[bool, typer.Option("--force", help="Though floors failed; it is recorded.")] = False,
    state: StateOption = None,
) -> None:
    """Make a model version champion; refused where a floor failed, unless forced."""
    from training.promotion import floors_of
    from training.promotion import promote as promote_version
    from training.tracking import Registry

    settings, _ = load_settings({"state": state})
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    made = promote_version(registry, version, at=_now(), by=author or _user(), reason=reason, force=force)
    for floor in floors_of(made):
        out.print(f"• {floor.outcome}: {floor.sentence}", highlight=False)
    out.print(f"[bold]{made.version.name} version {made.version.number}[/] is champion", highlight=False)


@app.command(epilog="Example: healthscore rollback --reason 'too many false alarms'")
def rollback(reason: ReasonOption = "rolled back", author: AuthorOption = None, state: StateOption = None) -> None:
    """Make the champion before this one champion again, in one step."""
    from training.champions import champions_of

    settings, _ = load_settings({"state": state})
    champions = champions_of(settings.tracking, settings.model)
    before, now = champions.roll_back(at=_now(), by=author or _user(), reason=reason)
    out.print(f"[bold]{settings.model} version {now}[/] is champion again, instead of {before}", highlight=False)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


def _user() -> str:
    return getpass.getuser()
