"""Which requests are audited: what reads accounts, and whatever writes."""

from collections.abc import Callable
from datetime import datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.audit import Entry
from serving.observed import template
from serving.recorder import Recorder

_READS = frozenset({"accounts:read", "scores:write"})  # the latter computes scores and keeps none
_WRITES = frozenset({"accounts:write", "webhooks:write"})
_AUDITED = _READS | _WRITES

_LONGEST_ID = 200


class Audited:
    """Middleware, behind the gate, that has every such request recorded; a write before it is answered."""

    def __init__(self, app: ASGIApp, recorder: Recorder, clock: Callable[[], datetime]) -> None:
        self.app, self._recorder, self._clock = app, recorder, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does."""
        if scope["type"] != "http" or "caller" not in scope.get("state", {}):
            await self.app(scope, receive, send)
            return
        who, at = scope["state"]["caller"].who, self._clock()
        if who.startswith("key:"):
            self._recorder.used(who.removeprefix("key:"), at)
        answered = False

        async def sending(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                await self._record(scope, at, message["status"])
            await send(message)

        try:
            await self.app(scope, receive, sending)
        except Exception:
            if not answered:
                await self._record(scope, at, 500)
            raise

    async def _record(self, scope: Scope, at: datetime, status: int) -> None:
        needs = scope["state"].get("needs")
        account_id = scope.get("path_params", {}).get("account_id")
        if needs in _AUDITED or account_id is not None:
            entry = Entry(
                at=at,
                who=scope["state"]["caller"].who,
                what=f"{scope['method']} {template(scope)}",
                account_id=None if account_id is None else account_id.replace("\x00", "")[:_LONGEST_ID],
                request_id=scope["state"].get("request_id"),
                result=status,
            )
            await self._recorder.record(entry, wait=needs in _WRITES)
