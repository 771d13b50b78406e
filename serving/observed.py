"""Every request is given an id, timed, counted and logged; by its route's template, so that no address is kept."""

import logging
import re
from random import Random
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.headers import header
from serving.logs import REQUEST_ID, REQUESTS, Answered
from serving.metrics import Metrics

HEADER = "X-Request-ID"
_NAME = HEADER.lower().encode()

_IDS = Random()  # noqa: S311 - an id needn't be hard to guess, and each process begins elsewhere
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LOG = logging.getLogger(REQUESTS)


class Observed:
    """Middleware around all others."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the request's id: the client's own if it is sane, else a new one."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = header(scope, _NAME) or ""
        request_id = given if _SANE.fullmatch(given) else f"{_IDS.getrandbits(128):032x}"
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        status, started = 500, perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                others = [pair for pair in message["headers"] if pair[0] != _NAME]
                message["headers"] = [*others, (_NAME, request_id.encode())]
            await send(message)

        current = REQUEST_ID.set(request_id)
        try:
            await self.app(scope, receive, sending)
        finally:
            seconds = perf_counter() - started
            route, method = template(scope), scope["method"] if scope["method"] in _METHODS else "other"
            self._metrics.count(method, route, status, seconds)
            caller = state.get("caller")
            if _LOG.isEnabledFor(logging.INFO):
                who = None if caller is None else caller.who
                _LOG.handle(Answered(method=method, route=route, status=status, seconds=seconds, who=who))
            REQUEST_ID.reset(current)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def template(scope: Scope) -> str:
    """The path of the route that took a request, with names instead of values; `none` where no route did."""
    route = scope.get("route")
    return getattr(route, "path_format", None) or getattr(route, "path", None) or "none"
