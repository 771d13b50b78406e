"""`--publish-anyway`: a person's word against alarms that hold the scores back."""

import getpass
from dataclasses import dataclass
from typing import Annotated

import typer

from features.errors import SettingsError

PublishAnywayOption = Annotated[
    str | None,
    typer.Option(
        "--publish-anyway",
        metavar="REASON",
        help="Publish whatever alarms hold the scores back, saying why; recorded with who runs the command.",
    ),
]


@dataclass(frozen=True)
class Override:
    """A person who wants the scores published whatever alarms there are, and why."""

    author: str
    reason: str


def override_of(reason: str | None) -> Override | None:
    """The override by the user who runs the command; None where the option isn't given. A reason must say something."""
    if reason is None:
        return None
    if not reason.strip():
        raise SettingsError("--publish-anyway wants a reason: say why the scores are right all the same")
    try:
        user = getpass.getuser()
    except OSError:  # a container whose user has no name
        user = "unknown"
    return Override(user, reason.strip())
