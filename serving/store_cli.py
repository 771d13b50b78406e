"""`healthscore forget`, `export`, `prune` and `deliver`: what is done to the store by hand or by a timer."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import httpx2
import typer
from pydantic_core import to_json
from rich.console import Console

from features.cli import StateOption, in_force
from features.errors import SettingsError
from serving.delivery import TIMEOUT_S, tell_if_stale
from serving.delivery import deliver as deliver_due
from serving.erasure import forget as forget_account
from serving.erasure import held_on
from serving.retention import prune as prune_history
from serving.store import ScoreStore

app = typer.Typer()
out = Console()

Account = Annotated[str, typer.Argument(help="Identifies the account.")]


@app.command(epilog="Example: healthscore forget A-1042")
def forget(account_id: Account, state: StateOption = None) -> None:
    """Erase an account everywhere in the store: scores, signals, opinions, actions, events.

    Take it out of the source first, or the next scores bring it back.
    """
    with ScoreStore.open(in_force(state=state).score_store) as store:
        erased = forget_account(store, account_id, author="command", now=_now())
    out.print(f"{erased.rows:,} rows erased; the entry that says so, without the account, is {erased.erasure_id}")


@app.command(epilog="Example: healthscore export A-1042 > A-1042.json")
def export(account_id: Account, state: StateOption = None) -> None:
    """Print all the store holds on an account, as JSON by table."""
    with ScoreStore.open(in_force(state=state).score_store) as store:
        typer.echo(to_json(held_on(store, account_id), indent=2, inf_nan_mode="null"))


@app.command(epilog="Example: healthscore prune --older-than 730d")
def prune(
    older_than: Annotated[str, typer.Option(help="Age in days from which scores and sent events go, such as 730d.")],
    state: StateOption = None,
) -> None:
    """Remove history older than it may be kept; the current scores stay, however old they are."""
    days = older_than.removesuffix("d")
    if not (days.isascii() and days.isdigit() and 0 < len(days) <= 5):
        raise SettingsError(f"--older-than is {older_than!r}: give days, such as 730d")
    with ScoreStore.open(in_force(state=state).score_store) as store:
        gone = prune_history(store, _now() - timedelta(days=int(days)))
    out.print(f"{gone.batches:,} batches with {gone.scores:,} scores and {gone.events:,} events removed")


@app.command(epilog="Example: healthscore deliver")
def deliver(state: StateOption = None) -> None:
    """Post to webhooks whatever is due; the server does the same while it runs."""
    settings = in_force(state=state)
    with ScoreStore.open(settings.score_store) as store, httpx2.Client(timeout=TIMEOUT_S) as client:
        tell_if_stale(store, _now(), timedelta(days=settings.stale_after_days))
        done = deliver_due(store, client, _now)
    out.print(f"{done.delivered:,} delivered, {done.failed:,} failed and tried again later")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
