"""`healthscore demo`: a simulated company from its exports to a served page, by the same verbs a user has."""

from pathlib import Path
from shlex import join
from typing import Annotated

import typer
from rich.console import Console

import features.cli
import serving.cli
import training.cli
from features.settings import load_settings
from serving.accounts import account_page
from serving.listing import AccountQuery
from serving.store import ScoreStore

app = typer.Typer()
out = Console()


@app.command(epilog="Example: healthscore demo --accounts 2000 --port 8080")
def demo(
    accounts: Annotated[int, typer.Option(min=200, help="Number of accounts.")] = 1500,
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to serve on.")] = None,
    serve: Annotated[bool, typer.Option(help="Serve the scores at the end.")] = True,
    state: Annotated[Path, typer.Option(help="Folder of the demo's own state.")] = Path("mlruns/demo"),
) -> None:
    """Simulate a company, check its exports, train, score, and serve the API and the pages."""
    company = state / "company"
    settings, _ = load_settings({"host": host, "port": port, "state": state})
    _say("simulate", str(company), "--accounts", str(accounts))
    features.cli.simulate(company, accounts=accounts)
    _say("check", "--source", str(company), "--state", str(state))
    features.cli.check(source=str(company), state=state)
    _say("train", "--source", str(company), "--promote", "--state", str(state))
    training.cli.train(source=str(company), promote=True, state=state)
    _say("score", "--source", str(company), "--state", str(state))
    serving.cli.score(source=str(company), state=state)
    with ScoreStore.open(settings.score_store) as store:
        page = account_page(store, store.current(), AccountQuery(limit=1), superseded=False)
    address = f"http://{settings.host}:{settings.port}"
    out.print(f"\n[bold]Look at {address}/[/] and {address}/docs, or ask:", highlight=False)
    for path in ("/v1/accounts?limit=3", f"/v1/accounts/{page.accounts[0].account_id}", "/readyz"):
        out.print(f"  curl '{address}{path}'", highlight=False, soft_wrap=True)
    if serve:
        _say("serve", "--state", str(state))
        serving.cli.serve(host=host, port=port, state=state)


def _say(*words: str) -> None:
    out.print(f"\n[bold cyan]$ {join(['healthscore', *words])}[/]", highlight=False, soft_wrap=True)
