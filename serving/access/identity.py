"""Who sends a request: the holder of a key, the subject of a token, who signed in, or whoever is here."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from time import monotonic

from serving.access.caller import LOCAL, Caller
from serving.access.keys import PREFIX, Keys
from serving.access.oidc import Issuer, expiry
from serving.access.sessions import Sessions
from serving.errors import Unidentified

_MOST = 10_000  # callers remembered at once


class Identity:
    """Finds callers by what they bring, and remembers them for `remember_s` seconds.

    So a revoked key, or the first one made, takes effect within that time, and most requests ask neither the store
    nor the issuer.
    """

    def __init__(self, keys: Keys, issuer: Issuer | None, *, remember_s: float, clock: Callable[[], datetime]) -> None:
        self._keys, self._issuer, self._remember_s, self._clock = keys, issuer, remember_s, clock
        self._sessions = Sessions(keys.store, keys, clock)
        self._known: dict[bytes, tuple[float, Caller]] = {}

    def remembered(self, token: str | None, session: str | None = None) -> Caller | None:
        """The caller if they were checked a moment ago; asks nobody."""
        at, caller = self._known.get(_digest(token, session), (0.0, None))
        return caller if caller is not None and monotonic() - at < self._remember_s else None

    def check(self, token: str | None, session: str | None = None) -> Caller:
        """The caller, asking the store or the issuer. Raises Unidentified, Forbidden, IssuerUnavailable."""
        caller = self._checked(token) if session is None else self._sessions.caller(session)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_digest(token, session)] = monotonic(), caller
        return caller

    def sign_in(self, token: str) -> str:
        """A session for whoever has a key or a token. Raises as `check` does."""
        caller = self._checked(token)
        by_issuer = self._issuer is not None and not token.startswith(PREFIX)
        return self._sessions.begin(caller, until=expiry(token) if by_issuer else None)

    def sign_out(self, session: str) -> None:
        """End a session."""
        self._sessions.end(session)
        self._known.pop(_digest(None, session), None)

    def guarded(self) -> bool:
        """Whether callers must show who they are: a key was made once, or an issuer is set."""
        return self._issuer is not None or self._keys.exist()

    def _checked(self, token: str | None) -> Caller:
        if token is None:
            if self.guarded():
                raise Unidentified("send an API key or a token: `Authorization: Bearer …`", offered=False)
            return LOCAL
        if token.startswith(PREFIX):
            return self._keys.find(token, now=self._clock()).caller
        if self._issuer is None:
            raise Unidentified(f"only API keys are taken here, and they begin with {PREFIX}")
        return self._issuer.caller(token)


def _digest(token: str | None, session: str | None) -> bytes:
    return sha256((f"token {token or ''}" if session is None else f"session {session}").encode()).digest()
