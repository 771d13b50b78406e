"""Who sends a request: the holder of an API key, the subject of a token, or whoever is on this machine."""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from time import monotonic

from serving.access.caller import LOCAL, Caller
from serving.access.keys import PREFIX, Keys
from serving.access.oidc import Issuer
from serving.errors import Unidentified

_MOST = 10_000  # callers remembered at once


class Identity:
    """Finds callers by what they bring, and remembers them for `remember_s` seconds.

    So a revoked key, or the first one made, takes effect within that time, and most requests ask neither the store
    nor the issuer.
    """

    def __init__(self, keys: Keys, issuer: Issuer | None, *, remember_s: float, clock: Callable[[], datetime]) -> None:
        self._keys, self._issuer, self._remember_s, self._clock = keys, issuer, remember_s, clock
        self._known: dict[bytes, tuple[float, Caller]] = {}

    def remembered(self, token: str | None) -> Caller | None:
        """The caller if they were checked a moment ago; asks nobody."""
        at, caller = self._known.get(_digest(token), (0.0, None))
        return caller if caller is not None and monotonic() - at < self._remember_s else None

    def check(self, token: str | None) -> Caller:
        """The caller, asking the store or the issuer. Raises Unidentified, Forbidden, IssuerUnavailable."""
        caller = self._checked(token)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[_digest(token)] = monotonic(), caller
        return caller

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


def _digest(token: str | None) -> bytes:
    return sha256((token or "").encode()).digest()
