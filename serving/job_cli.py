"""`healthscore run`: the job for a schedule."""

import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from datetime import UTC, datetime
from time import monotonic
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, in_force
from features.errors import HealthscoreError
from features.progress import progress
from serving.errors import HeldBack
from serving.job import run as run_job
from serving.publish_anyway import PublishAnywayOption, override_of

app = typer.Typer()


@app.command(epilog="Example: healthscore run --source exports --retrain auto")
def run(
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    retrain: Annotated[
        Literal["auto", "never", "always"] | None, typer.Option(help="Train: by rule (auto), never or always.")
    ] = None,
    shadow: Annotated[bool | None, typer.Option(help="Score with the challenger too, stored apart.")] = None,
    publish_anyway: PublishAnywayOption = None,
    state: StateOption = None,
) -> None:
    """Check, retrain where needed, score and publish: one job for a schedule, safe to run again at any time.

    Prints one line of JSON on standard output; progress goes to standard error.
    """
    began = monotonic()
    try:
        # Whatever a library says on standard output would not be the one line.
        with redirect_stdout(sys.stderr), progress(Console(stderr=True)) as report:
            settings = in_force(source=source, mapping=mapping, retrain=retrain, shadow=shadow, state=state)
            now = datetime.now(UTC).replace(tzinfo=None)
            override = override_of(publish_anyway)
            done = run_job(settings, as_of=as_of, now=now, report=report, override=override)
    except HeldBack as error:
        _say({"outcome": "held", "exit_code": error.exit_code, "error": str(error), "alarms": error.alarms})
        raise
    except HealthscoreError as error:
        _say({"outcome": "failed", "exit_code": error.exit_code, "error": str(error)})
        raise
    _say(asdict(replace(done, seconds=round(monotonic() - began, 1))))


def _say(line: dict[str, Any]) -> None:
    typer.echo(json.dumps(line, ensure_ascii=False, default=_moment))


def _moment(value: datetime) -> str:
    return f"{value.isoformat(timespec='seconds')}Z"
