"""`healthscore simulate` and `check`, and what every verb shares: options, settings, reading a source."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from features.errors import SettingsError
from features.findings import Checked, write_quarantine
from features.periods import moment
from features.progress import progress
from features.quality import check as check_source
from features.report import print_report
from features.settings import Settings, load_settings
from features.simulation import simulate as simulate_company
from features.sources import open_source
from features.state_option import StateOption as StateOption

app = typer.Typer()
out = Console()

SourceOption = Annotated[
    str | None, typer.Option("--source", "-s", help="Folder of exports, or URL of a database.", show_default=False)
]
MappingOption = Annotated[
    Path | None, typer.Option("--mapping", "-m", help="Mapping file; mapping.toml in the folder by default.")
]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Day whose first moment the world is frozen at, UTC."),
]


def in_force(**flags: object) -> Settings:
    """The settings in force, given the flags; the folder of local state is there afterwards."""
    settings, _ = load_settings(flags)
    settings.state.mkdir(parents=True, exist_ok=True)
    return settings


def read(settings: Settings, report: Callable[[str], None]) -> Checked:
    """The checked tables of the source in force, with bad rows written to the state folder's quarantine."""
    if settings.source is None:
        raise SettingsError("no source: give --source, set HEALTHSCORE_SOURCE, or put source in healthscore.toml")
    with open_source(settings.source, settings.mapping) as source:
        checked = check_source(
            source,
            order_lapse_days=settings.order_lapse_days,
            stale_after_days=settings.stale_after_days,
            max_bad_share=settings.max_bad_share,
            progress=report,
        )
    write_quarantine(checked, settings.state / "quarantine")
    return checked


def as_of_or_extract(as_of: datetime | None, checked: Checked) -> datetime:
    """The wanted `as_of`, or the midnight before the data was extracted; never a later one."""
    extracted_at = checked.tables.extracted_at
    if as_of is None:
        return datetime(extracted_at.year, extracted_at.month, extracted_at.day)
    if moment(as_of) > extracted_at:
        raise SettingsError(f"as_of {as_of:%Y-%m-%d} is after the data was extracted, {extracted_at:%Y-%m-%d %H:%M}")
    return as_of


@app.command(epilog="Example: healthscore simulate company --accounts 500 --months 36")
def simulate(
    folder: Annotated[Path, typer.Argument(help="Folder to write the company's exports to.")],
    accounts: Annotated[int, typer.Option(help="Number of accounts.")] = 500,
    months: Annotated[int, typer.Option(help="Months of history.")] = 36,
    seed: Annotated[int | None, typer.Option(help="Seed of all that is random.")] = None,
    clean: Annotated[bool, typer.Option("--clean", help="Leave out the dirty rows.")] = False,
) -> None:
    """Write the exports of a simulated company, with its dirt, its late rows and the truth behind them."""
    settings, _ = load_settings({"seed": seed})
    with progress() as report:
        simulate_company(folder, accounts=accounts, months=months, seed=settings.seed, dirty=not clean, progress=report)
    out.print(f"{accounts:,} accounts in {folder}: healthscore check --source {folder}")


@app.command(epilog="Example: healthscore check --source exports --mapping mapping.toml")
def check(source: SourceOption = None, mapping: MappingOption = None, state: StateOption = None) -> None:
    """Say, table by table, what of a source is usable, what was repaired and what was put in quarantine."""
    settings = in_force(source=source, mapping=mapping, state=state)
    with progress() as report:
        checked = read(settings, report)
    print_report(checked, out)
    if checked.quarantine:
        out.print(f"Quarantined rows, each with its reason: {settings.state / 'quarantine'}")
