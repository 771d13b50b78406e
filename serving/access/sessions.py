"""Sessions: what a browser holds after its user has signed in, so that no key or token stays in it.

A session is a random number of 256 bits, kept as its digest beside what its holder may do. It ends after twelve hours,
when its token would, or when its user signs out; and with a key that is revoked, its sessions end too.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from sqlalchemy import delete, insert, select

from serving.access.caller import Caller
from serving.access.keys import Keys
from serving.access.tables import sessions
from serving.errors import Unidentified
from serving.store import ScoreStore

LASTS = timedelta(hours=12)
_KEY = "key:"


class Sessions:
    """The sessions of a store: any process that serves it knows them."""

    def __init__(self, store: ScoreStore, keys: Keys, clock: Callable[[], datetime]) -> None:
        self._store, self._keys, self._clock = store, keys, clock

    def begin(self, caller: Caller, *, until: datetime | None = None) -> str:
        """A new session of a caller; what the browser must hold. It ends at `until` if that is sooner."""
        now, text = self._clock(), token_urlsafe(32)
        row: dict[str, object] = {
            "digest": _digest(text), "who": caller.who, "role": caller.role, "scopes": sorted(caller.scopes),
            "owner": caller.owner, "created_at": now, "expires_at": min(now + LASTS, until or now + LASTS),
        }  # fmt: skip
        with self._store.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
            connection.execute(insert(sessions), row)
        return text

    def caller(self, text: str) -> Caller:
        """Whose session it is. Raises Unidentified where it has ended, or its key has."""
        now = self._clock()
        with self._store.reading() as connection:
            row = connection.execute(select(sessions).where(sessions.c.digest == _digest(text))).one_or_none()
        if row is None or row.expires_at <= now:
            raise Unidentified("your session has ended: sign in again")
        if row.who.startswith(_KEY):
            return self._keys.active(row.who.removeprefix(_KEY), now=now).caller
        return Caller(row.who, row.role, frozenset(row.scopes), row.owner)

    def end(self, text: str) -> None:
        """End a session; one that has ended stays so."""
        with self._store.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == _digest(text)))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
