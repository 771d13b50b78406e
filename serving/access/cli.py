"""`healthscore keys …` and `healthscore audit`."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.table import Table

from features.cli import StateOption, in_force
from serving.access.keys import ApiKey, Keys
from serving.access.roles import SCOPES, Role, Scope
from serving.audit import AuditLog
from serving.errors import BadKey
from serving.store import ScoreStore

app = typer.Typer()
keys = typer.Typer(name="keys", help="API keys: make, show, end and replace them.", no_args_is_help=True)
app.add_typer(keys)
out = Console()

KeyId = Annotated[str, typer.Argument(help="Id of the key, the part between hs_ and the next _.")]


@keys.command(epilog="Example: healthscore keys create 'CRM sync' --role renewals --days 90")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    role: Annotated[Role, typer.Option(help="What its holder is.")],
    owner: Annotated[
        str | None, typer.Option(help="For csm: whose accounts it sees, as in the accounts' owner.")
    ] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Only this of what the role may do; repeat it.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never where missing.")] = None,
    state: StateOption = None,
) -> None:
    """Make an API key. It is shown once and can't be shown again."""
    now = _now()
    with ScoreStore.open(in_force(state=state).score_store) as store:
        key, text = Keys(store).create(
            name,
            role,
            now=now,
            owner=owner,
            scopes=None if scope is None else _scopes(scope),
            expires_at=None if days is None else now + timedelta(days=days),
        )
    _show_once(key, text)


@keys.command(name="list", epilog="Example: healthscore keys list")
def show(state: StateOption = None) -> None:
    """Show every key, without the keys themselves."""
    now = _now()
    table = Table("id", "name", "role", "owner", "scopes", "state", "expires", "last used", box=None, pad_edge=False)
    with ScoreStore.open(in_force(state=state).score_store) as store:
        for key in Keys(store).all():
            table.add_row(
                key.key_id, key.name, key.role, key.owner or "", " ".join(sorted(key.scopes)), key.state(now),
                _minute(key.expires_at), _minute(key.last_used_at),
            )  # fmt: skip
    out.print(table)


@keys.command(epilog="Example: healthscore keys revoke 3f9a0c12be45")
def revoke(key_id: KeyId, state: StateOption = None) -> None:
    """End a key for good, within seconds."""
    with ScoreStore.open(in_force(state=state).score_store) as store:
        key = Keys(store).revoke(key_id, now=_now())
    out.print(f"{key.key_id} ({key.name}) is revoked", highlight=False)


@keys.command(epilog="Example: healthscore keys rotate 3f9a0c12be45 --overlap-hours 24")
def rotate(
    key_id: KeyId,
    overlap_hours: Annotated[float, typer.Option(min=0, help="Hours that the old key still works.")] = 0,
    state: StateOption = None,
) -> None:
    """Make a key that may do the same as another, and end the other."""
    now = _now()
    with ScoreStore.open(in_force(state=state).score_store) as store:
        made, text = Keys(store).rotate(key_id, now=now, old_until=now + timedelta(hours=overlap_hours))
    _show_once(made, text)


@app.command(epilog="Example: healthscore audit --account A-1042 --since 2026-01-01")
def audit(
    account: Annotated[str | None, typer.Option(help="Only this account.")] = None,
    who: Annotated[str | None, typer.Option(help="Only this caller, such as key:3f9a0c12be45.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only from this time on, UTC.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the latest.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line.")] = False,
    state: StateOption = None,
) -> None:
    """Show who read or changed what, the latest first."""
    with ScoreStore.open(in_force(state=state).score_store) as store:
        entries = AuditLog(store).entries(account_id=account, who=who, since=since, limit=limit)
    if as_json:
        for entry in entries:
            typer.echo(json.dumps(entry._asdict() | {"at": f"{entry.at.isoformat()}Z"}, ensure_ascii=False))
        return
    table = Table("at", "who", "what", "account", "result", "request", box=None, pad_edge=False)
    for entry in entries:
        table.add_row(
            f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.who, entry.what, entry.account_id or "", str(entry.result),
            entry.request_id or "",
        )  # fmt: skip
    out.print(table)


def _scopes(names: list[str]) -> frozenset[Scope]:
    if unknown := [name for name in names if name not in SCOPES]:
        raise BadKey(f"there is no scope {', '.join(unknown)}: choose from {', '.join(get_args(Scope))}")
    return frozenset(scope for scope in SCOPES if scope in names)


def _show_once(key: ApiKey, text: str) -> None:
    until = "" if key.expires_at is None else f" until {key.expires_at:%Y-%m-%d %H:%M} UTC"
    out.print(f"{key.key_id} ({key.name}) is a key of role {key.role}{until}. Keep it now, it isn't shown again:")
    typer.echo(text)


def _minute(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d %H:%M}"


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
