"""The audit log: who read or changed what of which account, and when. It only grows, and holds ids, never names."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select

from serving.access.tables import audit_log
from serving.store import ScoreStore


class Entry(NamedTuple):
    """One request, or one command: `what` is its method and route, `result` its status.

    `who` is `key:<id>`, `oidc:<subject>`, `local` or `command`. A list has no `account_id`: it shows those in reach.
    """

    at: datetime
    who: str
    what: str
    account_id: str | None
    request_id: str | None
    result: int


class AuditLog:
    """The log of a store."""

    def __init__(self, store: ScoreStore) -> None:
        self._store = store

    def write(self, entries: Iterable[Entry]) -> None:
        """Add entries, all or none. Raises StoreUnavailable."""
        if rows := [entry._asdict() for entry in entries]:
            with self._store.writing() as connection:
                connection.execute(insert(audit_log), rows)

    def entries(
        self,
        *,
        account_id: str | None = None,
        who: str | None = None,
        since: datetime | None = None,
        limit: int | None = None,
    ) -> Sequence[Entry]:
        """The entries of an account, of somebody, from a time on; the latest first."""
        asked = select(audit_log).order_by(audit_log.c.entry.desc()).limit(limit)
        if account_id is not None:
            asked = asked.where(audit_log.c.account_id == account_id)
        if who is not None:
            asked = asked.where(audit_log.c.who == who)
        if since is not None:
            asked = asked.where(audit_log.c.at >= since)
        with self._store.reading() as connection:
            rows = connection.execute(asked).all()
        return [Entry(**{name: row._mapping[name] for name in Entry._fields}) for row in rows]
