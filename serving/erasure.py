"""Erasure and export: everything the store holds on one account, gone or handed over.

What is erased: every row of every table with a column `account_id`, and the events' deliveries. What stays is an entry
that says when and by whom, with a salted hash: it can tell whether a given account was erased, and nothing else. The
audit log keeps its ids; it says who looked at what, and nobody may edit it.
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import scrypt
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, Table, delete, insert, select, update

from serving.access.tables import audit_log
from serving.errors import UnknownAccount
from serving.schema import attempts, batches, deliveries, erasures, events, metadata, scores
from serving.store import ScoreStore


@dataclass(frozen=True)
class Erased:
    """What an erasure took away."""

    erasure_id: str
    rows: int


def forget(store: ScoreStore, account_id: str, *, author: str, now: datetime) -> Erased:
    """Erase an account everywhere in the store. Raises UnknownAccount if nothing is held on it."""
    with store.writing(exclusively=True) as connection:
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA secure_delete=ON")  # overwrite what is deleted
        published = select(scores.c.batch_id).where(scores.c.account_id == account_id)
        connection.execute(update(batches).where(batches.c.batch_id.in_(published)).values(erased=batches.c.erased + 1))
        rows = _erase(connection, account_id)
        if not rows:
            raise _unknown(account_id)
        salt = secrets.token_hex(16)
        erased = Erased(uuid4().hex, rows)
        entry = asdict(erased) | {"salt": salt, "account_hash": _hash(account_id, salt)}
        connection.execute(insert(erasures), entry | {"erased_at": now, "author": author})
    store.compact()
    return erased


def erased_at(store: ScoreStore, account_id: str) -> datetime | None:
    """When an account was erased last, None if it never was."""
    with store.reading() as connection:
        entries = connection.execute(select(erasures).order_by(erasures.c.erased_at.desc())).all()
    return next((row.erased_at for row in entries if row.account_hash == _hash(account_id, row.salt)), None)


def held_on(store: ScoreStore, account_id: str) -> dict[str, list[dict[str, Any]]]:
    """All rows the store holds on an account, by table. Raises UnknownAccount if there are none."""
    found: dict[str, list[dict[str, Any]]] = {}
    with store.reading() as connection:
        for table in (*_tables(), audit_log):
            rows = connection.execute(select(table).where(table.c.account_id == account_id)).all()
            if rows:
                found[table.name] = [dict(row._mapping) for row in rows]
    if not found:
        raise _unknown(account_id)
    return found


def _erase(connection: Connection, account_id: str) -> int:
    of_account = select(events.c.event_id).where(events.c.account_id == account_id)
    to_whom = select(deliveries.c.delivery_id).where(deliveries.c.event_id.in_(of_account))
    rows = connection.execute(delete(attempts).where(attempts.c.delivery_id.in_(to_whom))).rowcount
    rows += connection.execute(delete(deliveries).where(deliveries.c.event_id.in_(of_account))).rowcount
    for table in _tables():
        rows += connection.execute(delete(table).where(table.c.account_id == account_id)).rowcount
    return rows


def _tables() -> Iterator[Table]:
    """The tables that hold something on accounts, those that refer to others first."""
    return (table for table in reversed(metadata.sorted_tables) if "account_id" in table.c)


def _hash(account_id: str, salt: str) -> str:
    """Slow on purpose: ids are easy to guess."""
    return scrypt(account_id.encode(), salt=bytes.fromhex(salt), n=2**14, r=8, p=1, dklen=32).hex()


def _unknown(account_id: str) -> UnknownAccount:
    return UnknownAccount(f"the store holds nothing on an account {account_id!r}")
