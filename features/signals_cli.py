"""`healthscore signals`, and what it says of the catalogue."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.catalogue import CATALOGUE, SIGNALS
from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.engines import Engine, moved_to, write
from features.errors import SettingsError
from features.mapping import near
from features.matrix import build
from features.periods import snapshots
from features.progress import progress
from features.signal import Signal
from features.spine import spine

app = typer.Typer()
verbs = typer.Typer(invoke_without_command=True)
app.add_typer(verbs, name="signals")
out = Console()

_DIRECTIONS = {1: "more is better", -1: "less is better", None: "too little and too much can both be bad"}


def _days(text: str) -> int:
    number = text.removesuffix("d")
    if not number.isdecimal() or int(number) < 1:
        raise typer.BadParameter("write days, such as 28d")
    return int(number)


@verbs.callback(epilog="Example: healthscore signals --source exports --since 2025-01-01 --every 28d --engine duckdb")
def signals(
    context: typer.Context,
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Also build every snapshot back to this day.")
    ] = None,
    every: Annotated[int, typer.Option(parser=_days, metavar="DAYS", help="Time between snapshots.")] = "28d",  # type: ignore[assignment]
    to: Annotated[
        str, typer.Option("--out", "-o", help="Parquet file to write; from engine spark a folder its cluster writes.")
    ] = "signals.parquet",
    engine: Annotated[Engine, typer.Option(help="Engine to build them on.")] = "polars",
    spark_remote: Annotated[
        str | None, typer.Option(help="Spark Connect server, for engine spark: sc://host:port.", show_default=False)
    ] = None,
    spark_scratch: Annotated[
        str | None,
        typer.Option(help="Folder Spark's cluster can write, for what lies between.", show_default="that of --out"),
    ] = None,
    state: StateOption = None,
) -> None:
    """Build every signal of every customer at a moment, or at several, and write them as Parquet."""
    if context.invoked_subcommand is not None:
        return
    settings = in_force(source=source, mapping=mapping, state=state)
    with progress() as report:
        checked = read(settings, report)
        last = as_of_or_extract(as_of, checked)
        moments = snapshots(since, last, every) if since else [last]
        with moved_to(engine, checked.tables, spark_remote, spark_scratch or _folder(to)) as tables:
            rows = write(build(tables, spine(tables, moments), progress=report), to)
    which = f"{len(moments)} snapshot{'s' if len(moments) > 1 else ''} up to {last:%Y-%m-%d}"
    out.print(f"{rows:,} rows, {which}: {to}", soft_wrap=True)


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."


@verbs.command("list", epilog="Example: healthscore signals list --dimension support")
def list_signals(
    dimension: Annotated[str | None, typer.Option(help="Only signals of this dimension.", show_default=False)] = None,
) -> None:
    """List the signals with their dimension, unit, direction and meaning."""
    found = [signal for signal in SIGNALS if dimension in (None, signal.dimension)]
    if not found:
        known = dict.fromkeys(signal.dimension for signal in SIGNALS)
        raise SettingsError(f"--dimension {dimension} is none of {', '.join(known)}")
    table = Table("signal", "dimension", "unit", "", "meaning", box=None, pad_edge=False)
    for signal in found:
        table.add_row(signal.name, signal.dimension, signal.unit, _arrow(signal), signal.meaning)
    out.print(table)
    out.print(f"{len(found)} signals; ↑ more is better, ↓ less is better", style="dim", highlight=False)


@verbs.command("describe", epilog="Example: healthscore signals describe defect_rate_84d")
def describe_signal(name: Annotated[str, typer.Argument(help="Name of the signal.")]) -> None:
    """Say all that is declared of one signal."""
    signal = CATALOGUE.get(name)
    if signal is None:
        raise SettingsError(f"there is no signal {name}{near(name, CATALOGUE)}; healthscore signals list shows all")
    columns = sorted({f"{m.measure.table}.{column}" for m in signal.measures for column in m.measure.at})
    bounds = f"{'−∞' if signal.lower is None else signal.lower:g} to {'∞' if signal.upper is None else signal.upper}"
    table = Table(show_header=False, box=None, pad_edge=False)
    for label, value in (
        ("signal", signal.name),
        ("meaning", signal.meaning),
        ("dimension", signal.dimension),
        ("unit", signal.unit),
        ("bounds", bounds),
        ("direction", _DIRECTIONS[signal.direction]),
        ("made of", ", ".join(part if isinstance(part, str) else part.column for part in signal.of)),
        ("tables", ", ".join(signal.tables)),
        ("known when", ", ".join(columns) or "its contracts are known"),
        ("in the model", "yes" if signal.in_model else "no"),
    ):
        table.add_row(label, value)
    out.print(table)


def _arrow(signal: Signal) -> str:
    return {1: "↑", -1: "↓", None: ""}[signal.direction]
