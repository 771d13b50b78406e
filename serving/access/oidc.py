"""Bearer tokens of an OpenID Connect issuer: checked here, with the keys the issuer publishes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import httpx2
import jwt
from jwt.exceptions import PyJWKClientConnectionError, PyJWKClientError, PyJWKSetError, PyJWTError

from features.errors import SettingsError
from features.settings import Settings
from serving.access.caller import Caller
from serving.access.roles import ROLES, Role
from serving.errors import Forbidden, IssuerUnavailable, Unidentified

ALGORITHMS = ("RS256", "ES256")
_WIDEST_FIRST: tuple[Role, ...] = ("admin", "renewals", "csm", "job")
_TIMEOUT_S = 5
_KEYS_KEPT_S = 300
_LEEWAY_S = 30  # clocks differ


class Issuer:
    """An issuer whose tokens for `audience` are taken.

    Its keys are fetched when first needed and kept for five minutes; a token with a new key id fetches them again, at
    most once in `cooldown_s`. Without `jwks_url` the issuer's discovery document says where they are.
    """

    def __init__(
        self,
        url: str,
        audience: str,
        *,
        jwks_url: str | None = None,
        role_claim: str = "role",
        owner_claim: str = "owner",
        cooldown_s: float = 30,
    ) -> None:
        for address in (url, jwks_url or url):
            if not _safe(address):
                raise SettingsError(f"the OIDC issuer's address {address} must begin with https://")
        self._url, self._audience, self._jwks_url = url, audience, jwks_url
        self._role_claim, self._owner_claim, self._cooldown_s = role_claim, owner_claim, cooldown_s
        self._keys: jwt.PyJWKClient | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self | None:
        """The issuer that is set, if any. Raises SettingsError."""
        if settings.oidc_issuer is None:
            return None
        if settings.oidc_audience is None:
            raise SettingsError("oidc_audience must be set with oidc_issuer: what tokens for this service name")
        return cls(
            settings.oidc_issuer,
            settings.oidc_audience,
            jwks_url=settings.oidc_jwks_url,
            role_claim=settings.oidc_role_claim,
            owner_claim=settings.oidc_owner_claim,
        )

    def caller(self, token: str) -> Caller:
        """Who a token is about. Raises Unidentified, Forbidden where it names no role, IssuerUnavailable."""
        try:
            claims = jwt.decode(
                token,
                self._client().get_signing_key_from_jwt(token),
                algorithms=ALGORITHMS,
                audience=self._audience,
                issuer=self._url,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (PyJWKClientConnectionError, PyJWKSetError) as error:
            raise self._away() from error
        except PyJWKClientError as error:
            raise Unidentified("the token is signed with a key that its issuer doesn't publish") from error
        except (PyJWTError, ValueError) as error:
            raise Unidentified(f"the token isn't good: {error}; sign in again") from error
        role = self._role(claims)
        owner = claims.get(self._owner_claim)
        return Caller(f"oidc:{claims['sub']}", role, ROLES[role], owner if isinstance(owner, str) and owner else None)

    def _role(self, claims: Mapping[str, Any]) -> Role:
        named = claims.get(self._role_claim)
        named = named if isinstance(named, list) else [named]
        role = next((role for role in _WIDEST_FIRST if role in named), None)
        if role is None:
            raise Forbidden(f"the token's claim {self._role_claim} names no role; roles are {', '.join(ROLES)}")
        return role

    def _client(self) -> jwt.PyJWKClient:
        if self._keys is None:
            address = self._jwks_url or self._discovered()
            self._keys = jwt.PyJWKClient(
                address, lifespan=_KEYS_KEPT_S, timeout=_TIMEOUT_S, cooldown_duration=self._cooldown_s
            )
        return self._keys

    def _discovered(self) -> str:
        """Where the issuer's discovery document says its keys are (OpenID Connect Discovery 1.0, section 4)."""
        try:
            answer = httpx2.get(f"{self._url.rstrip('/')}/.well-known/openid-configuration", timeout=_TIMEOUT_S)
            document = answer.raise_for_status().json()
            issuer, address = document["issuer"], document["jwks_uri"]
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            raise self._away() from error
        if issuer != self._url or not isinstance(address, str) or not _safe(address):
            raise IssuerUnavailable("the OIDC issuer describes itself as another one: check oidc_issuer")
        return address

    def _away(self) -> IssuerUnavailable:
        return IssuerUnavailable("the OIDC issuer doesn't give its keys out: try again in a moment, or use an API key")


def expiry(token: str) -> datetime:
    """When a token that was checked ends, UTC."""
    claims = jwt.decode(token, options={"verify_signature": False})
    return datetime.fromtimestamp(claims["exp"], UTC).replace(tzinfo=None)


def _safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"})
