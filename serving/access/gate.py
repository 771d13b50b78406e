"""The gate: nobody gets past it who isn't identified, or who asks too often."""

from ipaddress import ip_address
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import HealthscoreError
from serving.access.browser import session_of
from serving.access.caller import LOCAL
from serving.access.identity import Identity
from serving.access.permission import public
from serving.access.rate_limit import RateLimit
from serving.errors import Forbidden, Unidentified
from serving.headers import SECURITY, header
from serving.problems import answer

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Gate:
    """Middleware that puts the caller into the request's state, or answers with a problem."""

    def __init__(self, app: ASGIApp, identity: Identity, limit: RateLimit) -> None:
        self.app, self._identity, self._limit = app, identity, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request through, or answer it."""
        if scope["type"] == "http" and not public(scope["path"]):
            request = Request(scope)
            try:
                token = _token(scope)
                session = None if token or _of_api(request) else session_of(request)
                caller = self._identity.remembered(token, session)
                if caller is None:
                    caller = await run_in_threadpool(self._identity.check, token, session)
                if caller is LOCAL:
                    _only_from_here(request)
                else:
                    self._limit.count(caller.who)
            except Unidentified as error:
                asked = _sign_in(request) if _by_browser(request) else answer(request, error)
                await asked(scope, receive, send)
                return
            except HealthscoreError as error:
                await answer(request, error)(scope, receive, send)
                return
            scope.setdefault("state", {})["caller"] = caller
        await self.app(scope, receive, send)


def _of_api(request: Request) -> bool:
    """Whether no cookie counts: a page of another site could have its reader's browser send it."""
    return request.url.path.startswith("/v1/")


def _by_browser(request: Request) -> bool:
    """Whether a person asks for a page, who can be shown where to sign in."""
    page = "text/html" in request.headers.get("accept", "") and not _of_api(request)
    return page and "authorization" not in request.headers


def _sign_in(request: Request) -> Response:
    back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    to = f"?{urlencode({'next': back})}" if request.method == "GET" and back != "/" else ""
    return RedirectResponse(f"/sign-in{to}", 303, {**SECURITY, "Cache-Control": "no-store"})


def _token(scope: Scope) -> str | None:
    written = header(scope, b"authorization")
    if written is None:
        return None
    scheme, _, token = written.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unidentified("the Authorization header must be `Bearer` and an API key or token")
    return token.strip()


def _only_from_here(request: Request) -> None:
    """Refuse what isn't of this machine: a proxy's client, a name that was made to lead here, another site's page."""
    host = (request.url.hostname or "").lower()
    from_elsewhere = request.client is not None and _remote(request.client.host)
    other_site = request.method not in {"GET", "HEAD"} and request.headers.get("sec-fetch-site") in {
        "cross-site",
        "same-site",
    }
    if from_elsewhere or other_site or host not in LOOPBACK:
        raise Forbidden(
            "while there are no keys, only this machine is answered, at 127.0.0.1 or localhost: "
            "make a key with `healthscore keys create`"
        )


def _remote(host: str) -> bool:
    try:
        return not ip_address(host).is_loopback
    except ValueError:
        return False
