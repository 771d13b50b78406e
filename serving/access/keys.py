"""API keys: made once, shown once, kept as a digest.

A key is `hs_<id>_<secret>` with 256 random bits of secret. That much can't be guessed, so a plain SHA-256 keeps it
(slow hashes are for what people can remember), and the id finds its row without giving the secret away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from typing import Any

from sqlalchemy import Row, insert, select, update

from serving.access.caller import Caller
from serving.access.roles import ROLES, Role, Scope
from serving.access.tables import api_keys
from serving.errors import BadKey, Unidentified
from serving.store import ScoreStore

PREFIX = "hs_"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """What is known of a key; times are UTC. Who holds it acts as `caller`."""

    key_id: str
    name: str
    role: Role
    owner: str | None
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(f"key:{self.key_id}", self.role, self.scopes, self.owner)

    def state(self, now: datetime) -> str:
        """`active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "active"


class Keys:
    """The keys of a store. Rows are never removed: a key that was once made keeps the service closed to others."""

    def __init__(self, store: ScoreStore) -> None:
        self.store = store

    def create(
        self,
        name: str,
        role: Role,
        *,
        now: datetime,
        owner: str | None = None,
        scopes: frozenset[Scope] | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Make a key; what is known of it, and the key itself, which can't be had again. Raises BadKey."""
        asked = ROLES[role] if scopes is None else scopes
        if beyond := asked - ROLES[role]:
            raise BadKey(f"a key of role {role} can't have {', '.join(sorted(beyond))}: it may {_words(ROLES[role])}")
        if (role == "csm") != (owner is not None):
            raise BadKey("a key of role csm, and no other, has an owner: whose accounts it sees")
        if expires_at is not None and expires_at <= now:
            raise BadKey(f"a key can't expire at {expires_at:%Y-%m-%d %H:%M} UTC, which is past")
        key_id, secret = token_hex(6), token_urlsafe(32)
        text = f"{PREFIX}{key_id}_{secret}"
        row: dict[str, object] = {
            "key_id": key_id, "name": name, "role": role, "owner": owner, "scopes": sorted(asked),
            "digest": _digest(text), "created_at": now, "expires_at": expires_at,
        }  # fmt: skip
        with self.store.writing() as connection:
            connection.execute(insert(api_keys), row)
        return self._get(key_id), text

    def all(self) -> Sequence[ApiKey]:
        """Every key, in the order they were made."""
        with self.store.reading() as connection:
            return [_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.created_at))]

    def revoke(self, key_id: str, *, now: datetime) -> ApiKey:
        """End a key for good; the key. Raises BadKey where there is none."""
        self._change(key_id, {"revoked_at": self._get(key_id).revoked_at or now})
        return self._get(key_id)

    def rotate(self, key_id: str, *, now: datetime, old_until: datetime) -> tuple[ApiKey, str]:
        """Make a key that may do the same; the old one ends at `old_until`. Raises BadKey where it isn't active."""
        old = self._get(key_id)
        if (state := old.state(now)) != "active":
            raise BadKey(f"the key {key_id} is {state}: create another")
        lifetime = None if old.expires_at is None else now + (old.expires_at - old.created_at)
        made = self.create(old.name, old.role, now=now, owner=old.owner, scopes=old.scopes, expires_at=lifetime)
        self._change(key_id, {"expires_at": min(old_until, old.expires_at or old_until)})
        return made

    def find(self, text: str, *, now: datetime) -> ApiKey:
        """The active key written as `text`. Raises Unidentified."""
        key_id = text.removeprefix(PREFIX).partition("_")[0]
        with self.store.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == _plain(key_id))).one_or_none()
        if row is None or not compare_digest(row.digest, _digest(text)):
            raise Unidentified("this API key isn't known here: ask for another")
        return _active(_key(row), now)

    def active(self, key_id: str, *, now: datetime) -> ApiKey:
        """The active key of an id, whose secret was shown before. Raises Unidentified."""
        return _active(self._get(key_id), now)

    def exist(self) -> bool:
        """Whether a key was ever made."""
        with self.store.reading() as connection:
            return connection.execute(select(api_keys.c.key_id).limit(1)).one_or_none() is not None

    def used(self, when: Mapping[str, datetime]) -> None:
        """Note when keys, by id, were last used."""
        if not when:
            return
        with self.store.writing() as connection:
            for key_id, at in when.items():
                connection.execute(update(api_keys).where(api_keys.c.key_id == key_id), {"last_used_at": at})

    def _get(self, key_id: str) -> ApiKey:
        with self.store.reading() as connection:
            row = connection.execute(select(api_keys).where(api_keys.c.key_id == key_id)).one_or_none()
        if row is None:
            raise BadKey(f"there is no key {key_id}: `healthscore keys list` shows them")
        return _key(row)

    def _change(self, key_id: str, values: Mapping[str, object]) -> None:
        with self.store.writing() as connection:
            connection.execute(update(api_keys).where(api_keys.c.key_id == key_id), dict(values))


def _key(row: Row[Any]) -> ApiKey:
    known = {name: row._mapping[name] for name in ApiKey.__dataclass_fields__}
    return ApiKey(**(known | {"scopes": frozenset(row.scopes)}))


def _active(key: ApiKey, now: datetime) -> ApiKey:
    if (state := key.state(now)) != "active":
        raise Unidentified(f"the API key {key.key_id} is {state}: ask for another")
    return key


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _plain(key_id: str) -> str:
    """The id, or none where it holds what no id does (PostgreSQL refuses a null character)."""
    return key_id if key_id.isalnum() else ""


def _words(scopes: frozenset[Scope]) -> str:
    return ", ".join(sorted(scopes))
