"""Hold-outs: which accounts of a worklist are left alone, by chance, so that it can be told what working on others did.

Each renewal is drawn for once, before anything is done about it, and stays on its side until it has passed: a hash of
seed, account and renewal says which side, so the same seed gives the same draw on any machine and in any order. Large
accounts can be kept out of it, and an account with which a play is under way is.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, insert, select, update

from serving.errors import UnknownAccount
from serving.schema import actions, draws
from serving.store import ScoreStore


@dataclass(frozen=True)
class Holdout:
    """The share of a worklist's accounts to hold out, none of them with more ARR than `up_to_arr`."""

    share: float
    seed: int
    up_to_arr: float | None = None

    def takes(self, account_id: str, renewal_at: datetime) -> bool:
        """Whether the account is held out at this renewal."""
        digest = sha256(f"{self.seed}/{renewal_at:%Y-%m-%d}/{account_id}".encode()).digest()
        return int.from_bytes(digest[:8]) < self.share * 2**64

    def concerns(self, arr: float) -> bool:
        """Whether an account of that ARR is drawn for at all."""
        return self.up_to_arr is None or arr <= self.up_to_arr


def standing(connection: Connection, as_of: datetime) -> dict[str, bool]:
    """Whether each account drawn for is held out, until its renewal has passed or it was released."""
    query = select(draws.c.account_id, draws.c.held_out & draws.c.released_at.is_(None))
    query = query.where(draws.c.renewal_at >= as_of).order_by(draws.c.renewal_at.desc())
    return {account_id: bool(held_out) for account_id, held_out in connection.execute(query)}


def held_out_until(connection: Connection, account_id: str, as_of: datetime) -> datetime | None:
    """The renewal until which an account is held out, None where it isn't."""
    held_out = draws.c.held_out & draws.c.released_at.is_(None)
    query = select(draws.c.renewal_at).where(draws.c.account_id == account_id, draws.c.renewal_at >= as_of, held_out)
    until: datetime | None = connection.scalar(query.order_by(draws.c.renewal_at).limit(1))
    return until


def under_way(connection: Connection) -> set[str]:
    """The accounts with a play that was started and is neither done nor has an outcome."""
    query = select(actions.c.account_id, actions.c.play, actions.c.step).order_by(actions.c.taken_at)
    steps = {(account_id, play): step for account_id, play, step in connection.execute(query)}
    return {account_id for (account_id, _), step in steps.items() if step == "started"}


def keep(connection: Connection, drawn: Collection[Mapping[str, Any]]) -> None:
    """Keep what was drawn; each is a row of `draws`."""
    if drawn:
        connection.execute(insert(draws), list(drawn))


def release(store: ScoreStore, account_id: str, *, now: datetime) -> datetime:
    """Let a held-out account be worked on; until which renewal it was held out. It still counts as held out.

    Raises UnknownAccount where it isn't held out.
    """
    with store.writing() as connection:
        until = held_out_until(connection, account_id, now)
        if until is None:
            raise UnknownAccount(f"{account_id!r} isn't held out")
        mine = (draws.c.account_id == account_id) & (draws.c.renewal_at == until)
        connection.execute(update(draws).where(mine).values(released_at=now))
    return until


def drawn_rows(store: ScoreStore) -> pl.DataFrame:
    """Every renewal drawn for, as `training.effects` reads them."""
    names = ("account_id", "as_of", "renewal_at", "held_out", "share", "play", "renewal_risk", "arr")
    acted_on = (
        select(func.count() > 0)
        .where(
            actions.c.account_id == draws.c.account_id,
            actions.c.taken_at.between(draws.c.drawn_at, draws.c.renewal_at),
        )
        .scalar_subquery()
    )
    moment = pl.Datetime("us")
    kinds: Any = (pl.String, moment, moment, pl.Boolean, pl.Float64, pl.String, pl.Float64, pl.Float64, pl.Boolean)
    query = select(*(draws.c[name] for name in names), acted_on).order_by(draws.c.renewal_at, draws.c.account_id)
    with store.reading() as connection:
        rows = [(*row[:-1], bool(row[-1])) for row in connection.execute(query)]
    return pl.DataFrame(rows, dict(zip((*names, "acted_on"), kinds, strict=True)), orient="row")


def tried(store: ScoreStore) -> dict[str, int]:
    """With how many accounts each play was recorded, whoever chose them."""
    query = select(actions.c.play, func.count(actions.c.account_id.distinct()).label("accounts")).group_by(
        actions.c.play
    )
    with store.reading() as connection:
        return {row.play: row.accounts for row in connection.execute(query.order_by(actions.c.play))}
