"""`healthscore score`, `serve` and `settings`."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table

from features.book import read_targets
from features.cli import AsOfOption, MappingOption, SourceOption, StateOption, as_of_or_extract, in_force, read
from features.engines import moved_to
from features.errors import SettingsError
from features.fingerprint import fingerprint
from features.progress import progress
from features.settings import load_settings, without_password
from serving import backup_cli, cluster, replay_cli, store_cli
from serving.publish_anyway import PublishAnywayOption, override_of
from serving.scoring import score as score_accounts
from serving.server import serve as serve_forever
from serving.store import ScoreStore
from training.tracking import CHAMPION, Registry

app = typer.Typer()
app.add_typer(replay_cli.app)
app.add_typer(store_cli.app)
app.add_typer(backup_cli.app)
out = Console()


@app.command(epilog="Example: healthscore score --source exports --as-of 2026-01-01")
def score(
    source: SourceOption = None,
    mapping: MappingOption = None,
    as_of: AsOfOption = None,
    model: Annotated[str, typer.Option(help="Alias or version of the registered model.")] = CHAMPION,
    engine: Annotated[Literal["polars", "spark"], typer.Option(help="Engine to score on.")] = "polars",
    spark_remote: Annotated[
        str | None, typer.Option(help="Spark Connect server, for engine spark: sc://host:port.", show_default=False)
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="For engine spark: folder its cluster writes the scores to, as Parquet."),
    ] = None,
    publish: Annotated[bool, typer.Option(help="Publish to the score store; always so without engine spark.")] = True,
    publish_anyway: PublishAnywayOption = None,
    state: StateOption = None,
) -> None:
    """Score every customer as of a day with the champion, and publish the scores in one transaction.

    Where a feed is wrong nothing is published: exit code 8, unless --publish-anyway says why it is right all the same.
    """
    from serving.watching import feed_gate

    if (engine == "spark") != (output is not None):
        raise SettingsError("give --engine spark and --output FOLDER together: the folder is what its cluster writes")
    if engine != "spark" and not publish:
        raise SettingsError("--no-publish needs --engine spark, which leaves the scores in --output")
    override = override_of(publish_anyway)
    settings = in_force(source=source, mapping=mapping, state=state)
    known_at = datetime.now(UTC).replace(tzinfo=None)
    registry = Registry(settings.tracking, settings.state / "artifacts", settings.model)
    targets = read_targets(settings.targets).values if settings.targets else {}
    with progress() as report:
        champion, version = registry.load(model)
        checked = read(settings, report)
        at = as_of_or_extract(as_of, checked)
        about: dict[str, Any] = {
            "as_of": at, "known_at": known_at, "model_name": version.name, "model_version": version.number,
            "data_digest": fingerprint(checked.tables), "targets": targets, "grace_days": settings.grace_days,
        }  # fmt: skip
        gate = partial(
            feed_gate, registry, tables=checked.tables, model=champion, version=version, override=override, at=known_at
        )
        if output is None:
            with ScoreStore.open(settings.score_store) as store:
                about |= {"checked": checked, "quarantine": settings.state / "quarantine"}
                made = score_accounts(checked.tables, champion, store, **about, gate=gate(store), progress=report)
            accounts = made.accounts
        else:
            with moved_to("spark", checked.tables, spark_remote, output.rpartition("/")[0] or ".") as moved:
                scored = cluster.score_on_cluster(moved, champion, at, output, report)
            accounts = scored.accounts
            if publish:
                report(f"published to {accounts:,} accounts' history")
                with ScoreStore.open(settings.score_store) as store:
                    cluster.publish(store, scored, checked.tables, champion, **about, gate=gate(store))
    then = "healthscore serve" if publish else output
    out.print(
        f"{accounts:,} accounts scored as of {at:%Y-%m-%d} by {version.name} version {version.number}: {then}",
        highlight=False,
        soft_wrap=True,
    )


@app.command(epilog="Example: healthscore serve --port 8080")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes that serve, on one store.")] = None,
    state: StateOption = None,
) -> None:
    """Serve the published scores: the API under /v1, its documentation under /docs, and the pages."""
    settings = in_force(host=host, port=port, workers=workers, state=state)
    serve_forever(settings, announce=lambda words: out.print(words, highlight=False, soft_wrap=True))


@app.command(epilog="Example: HEALTHSCORE_GRACE_DAYS=45 healthscore settings")
def settings() -> None:
    """Show the settings in force and where each came from."""
    _, origins = load_settings({})
    table = Table("setting", "value", "from", box=None, pad_edge=False)
    for origin in origins:
        shown = "" if origin.value is None else without_password(str(origin.value))
        table.add_row(origin.name, shown, origin.came_from)
    out.print(table)
