"""`healthscore compare`: two model versions beside each other."""

from collections.abc import Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from features.cli import MappingOption, SourceOption, StateOption, in_force, read
from features.progress import progress
from serving.comparing import Agreement, Matured, agreement, matured, proven
from serving.errors import NothingPublished
from serving.scores import BANDS
from serving.store import ScoreStore
from training.intervals import Estimate
from training.receipt import Receipt
from training.tracking import CHALLENGER, CHAMPION, Registry

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore compare champion challenger --source exports")
def compare(
    first: Annotated[str, typer.Argument(help="Alias or number of a model version.")] = CHAMPION,
    second: Annotated[str, typer.Argument(help="Alias or number of another.")] = CHALLENGER,
    source: SourceOption = None,
    mapping: MappingOption = None,
    state: StateOption = None,
) -> None:
    """Compare two model versions: what was proven, today's book, and shadow scores against matured outcomes.

    With a source, shadow scores are held against what has become known since.
    """
    settings = in_force(source=source, mapping=mapping, state=state)
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    models, versions = zip(*(registry.load(version) for version in (first, second)), strict=True)
    names = tuple(
        f"{alias}: version {version.number}" for alias, version in zip((first, second), versions, strict=True)
    )
    receipts = [registry.receipt(version.number) for version in versions]
    told = [proven(Receipt.from_json(found) if found else None) for found in receipts]
    _side_by_side("Proven out of time, at 90 days", names, *told)
    with ScoreStore.open(settings.score_store) as store:
        try:
            _show(agreement(store, *models), names)
        except NothingPublished as error:
            out.print(str(error), highlight=False)
        if settings.source is not None:
            with progress() as report:
                tables = read(settings, report).tables
            one, other = (version.number for version in versions)
            _show_matured(list(matured(store, tables, one, other, settings.grace_days)), names)


def _side_by_side(
    title: str, names: tuple[str, ...], first: Mapping[str, Estimate], second: Mapping[str, Estimate]
) -> None:
    table = Table("figure", *names, title=title, title_justify="left")
    for name in {**first, **second}:
        table.add_row(name.replace("_", " "), *(_figure(of.get(name)) for of in (first, second)))
    if not (first or second):
        out.print(f"{title}: neither was proven")
    else:
        out.print(table)


def _show(found: Agreement, names: tuple[str, ...]) -> None:
    table = Table("", *(f"then {band}" for band in BANDS), title_justify="left")
    table.title = f"Bands of {found.accounts:,} accounts as of {found.as_of:%Y-%m-%d}: {names[0]}, then {names[1]}"
    for band in BANDS:
        table.add_row(band, *(f"{found.bands[band, other]:,}" for other in BANDS))
    out.print(table)
    out.print(
        f"{found.changed:,} accounts change band, with ARR of {found.changed_arr:,.0f}; health moves by "
        f"{found.moved:.1f} points on average, and its order correlates {found.correlation:.2f}",
        highlight=False,
    )


def _show_matured(found: list[Matured], names: tuple[str, ...]) -> None:
    if not found:
        out.print("No shadow scores of the two have matured yet: healthscore run --shadow", highlight=False)
    for each in found:
        title = f"In use, {each.days} days: {each.rows:,} scores, {each.churns:,} churns"
        _side_by_side(
            title, names, *({k: v for k, v in of.items() if v.value == v.value} for of in (each.first, each.second))
        )


def _figure(figure: Estimate | None) -> str:
    if figure is None or figure.value != figure.value:
        return "–"
    return f"{figure.value:.4g}" + ("" if figure.low != figure.low else f" ({figure.low:.4g} to {figure.high:.4g})")
