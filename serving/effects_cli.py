"""`healthscore worklist`, `release` and `effects`: whom to work on, whom to leave alone, and what that told."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer
from rich.console import Console
from rich.table import Table

from features.cli import MappingOption, SourceOption, StateOption, in_force, read
from features.errors import SettingsError
from features.progress import progress
from features.tables import Tables
from serving.effects import NOT_AN_EFFECT, Effects, keep_effects
from serving.holdouts import Holdout, drawn_rows, tried
from serving.holdouts import release as release_account
from serving.plays import SHIPPED, read_plays
from serving.reach import Reach
from serving.renewals import RenewalsQuery, Worklist, draw
from serving.renewals import worklist as worklist_of
from serving.store import ScoreStore

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Measure = Callable[[Tables, pl.DataFrame, Mapping[str, int], int], "DataclassInstance"]
"""From checked tables, what was drawn, what was tried and the days of grace to `training.effects.Measured`."""

out = Console()


def verbs(measure: Measure) -> typer.Typer:
    """The verbs; `measure` tells effects from outcomes, which serving doesn't know."""
    app = typer.Typer()
    app.command(epilog="Example: healthscore worklist --within 90d --capacity 50 --holdout 0.1")(worklist)
    app.command(epilog="Example: healthscore release A-1042")(release)

    @app.command(epilog="Example: healthscore effects --source exports")
    def effects(
        source: SourceOption = None,
        mapping: MappingOption = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON, as the API answers.")] = False,
        state: StateOption = None,
    ) -> None:
        """Measure what plays achieve, against accounts held out by chance, and keep it for the API and the pages."""
        settings = in_force(source=source, mapping=mapping, state=state)
        with progress() as report, ScoreStore.open(settings.score_store) as store:
            checked = read(settings, report)
            report("effects")
            found = asdict(measure(checked.tables, drawn_rows(store), tried(store), settings.grace_days))
            kept = keep_effects(store, found["effects"], observed_until=found["observed_until"], measured_at=_now())
        if as_json:
            typer.echo(kept.model_dump_json(indent=2))
        else:
            _tell(kept)

    return app


def worklist(
    within: Annotated[str, typer.Option(help="Renewals at most so many days after the scores' as_of.")] = "90d",
    capacity: Annotated[int, typer.Option(min=1, max=500, help="Accounts that can be worked on.")] = 25,
    holdout: Annotated[
        float | None, typer.Option(help="Share to leave alone, drawn by chance; 0: draw for nobody.", show_default="0")
    ] = None,
    holdout_up_to_arr: Annotated[
        float | None, typer.Option(help="Hold out no account with more ARR than this.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.", show_default="7")] = None,
    owner: Annotated[str | None, typer.Option(help="Only accounts of this owner.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON, as the API answers.")] = False,
    state: StateOption = None,
) -> None:
    """List the renewals to work on, and draw by chance which of them are left alone so that effects can be told.

    What was drawn for a renewal stays so until it has passed; the pages and the API show it.
    """
    settings = in_force(holdout=holdout, holdout_up_to_arr=holdout_up_to_arr, seed=seed, state=state)
    plays, reach = read_plays(settings.plays or SHIPPED), Reach(owner)
    query = RenewalsQuery(within=f"{_days(within)}d", capacity=capacity)
    with ScoreStore.open(settings.score_store) as store:
        batch = store.current()
        if settings.holdout:
            drawing = Holdout(settings.holdout, settings.seed, settings.holdout_up_to_arr)
            draw(store, batch, query, drawing, reach=reach, plays=plays, author="command", now=_now())
        listed = worklist_of(store, batch, query, reach=reach, plays=plays)
    if as_json:
        typer.echo(listed.model_dump_json(indent=2))
    else:
        _show(listed)


def release(
    account_id: Annotated[str, typer.Argument(help="Identifies the account.")], state: StateOption = None
) -> None:
    """Let a held-out account be worked on after all. It goes on counting as held out, so effects only look smaller."""
    with ScoreStore.open(in_force(state=state).score_store) as store:
        until = release_account(store, account_id, now=_now())
    out.print(f"{account_id} may be worked on; it was held out until its renewal on {until:%Y-%m-%d}", highlight=False)


def _show(listed: Worklist) -> None:
    table = Table(box=None, pad_edge=False)
    for head in ("renews", "account", "owner"):
        table.add_column(head)
    for head in ("ARR", "risk", "expected loss"):
        table.add_column(head, justify="right")
    table.add_column("what to do")
    for row in listed.renewals:
        todo = "held out" if row.held_out else row.play.name if row.play else ""
        figures = (f"{row.arr:,.0f}", f"{row.renewal_risk:.0%}", f"{row.expected_loss:,.0f}")
        style = "dim" if row.held_out else None
        table.add_row(f"{row.renewal_at:%Y-%m-%d}", row.name, row.owner or "", *figures, todo, style=style)
    out.print(table)
    held_out = sum(row.held_out for row in listed.renewals)
    share = "" if listed.covered_share is None else f", {listed.covered_share:.0%} of the expected loss"
    out.print(
        f"{listed.covered.accounts:,} of {listed.due.accounts:,} renewals within {listed.within_days} days{share}; "
        f"{held_out:,} held out",
        highlight=False,
    )


def _tell(found: Effects) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("play")
    for head in ("worked on", "lost", "held out", "lost", "waiting"):
        table.add_column(head, justify="right")
    for effect in found.effects:
        sides = (effect.worked.accounts, effect.worked.lost, effect.held_out.accounts, effect.held_out.lost)
        table.add_row(effect.play or "all plays", *(f"{number:,}" for number in (*sides, effect.waiting)))
    out.print(table)
    for effect in found.effects:
        out.print(f"• {effect.play or 'all plays'}: {effect.words}", highlight=False, soft_wrap=True)
    out.print(NOT_AN_EFFECT, style="dim")


def _days(text: str) -> int:
    days = text.removesuffix("d")
    if not (days.isascii() and days.isdigit() and 0 < len(days) <= 4):
        raise SettingsError(f"--within is {text!r}: give days, such as 90d")
    return int(days)


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
