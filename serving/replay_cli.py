"""`healthscore replay`."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console

from features.cli import StateOption, in_force
from features.progress import progress
from serving.errors import CannotReplay, ReplayDiffers
from serving.replay import replay as replay_batch
from serving.store import ScoreStore
from training.tracking import Registry

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore replay --as-of 2026-01-01 --known-at 2026-02-01")
def replay(
    as_of: Annotated[datetime, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day the scores are as of.")],
    known_at: Annotated[
        datetime | None,
        typer.Option("--known-at", formats=["%Y-%m-%d"], help="Scores made by the end of this day."),
    ] = None,
    state: StateOption = None,
) -> None:
    """Compute stored scores again from their stored signals and their model version, and compare bit for bit."""
    settings = in_force(state=state)
    with ScoreStore.open(settings.score_store) as store, progress() as report:
        batch = store.at(as_of.date(), None if known_at is None else known_at.date())
        if batch is None or batch.as_of.date() != as_of.date():
            raise CannotReplay(f"no scores as of {as_of:%Y-%m-%d} are stored")
        report(f"model {batch.model_name} version {batch.model_version}")
        registry = Registry(settings.tracking, settings.state / "artifacts", batch.model_name)
        model, _ = registry.load(batch.model_version)
        report(f"replay of {batch.accounts:,} accounts")
        found = replay_batch(store, batch, model)
    if found.differences:
        first = found.differences[0]
        raise ReplayDiffers(
            f"{len(found.differences):,} of {found.values:,} values came out otherwise, the first of them {first.what} "
            f"of account {first.account_id}: stored {first.stored!r}, now {first.replayed!r}"
        )
    erased = f"; {found.erased:,} erased since" if found.erased else ""
    out.print(
        f"{found.accounts:,} accounts, {found.values:,} values as of {batch.as_of:%Y-%m-%d}: "
        f"the same bit for bit{erased}",
        highlight=False,
    )
