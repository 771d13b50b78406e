"""How long a query and how large a body may be."""

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.headers import header
from serving.problems import problem

_LONGEST_QUERY = 8_192  # bytes


class Sizes:
    """Middleware that answers 414 or 413 to what is too large; what doesn't say its size is counted as it comes."""

    def __init__(self, app: ASGIApp, max_body_mb: int) -> None:
        self.app, self._largest = app, max_body_mb * 2**20
        self._too_large = f"the body is larger than {max_body_mb} MiB: send less at once"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, or that something is too large."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        received = 0

        async def receiving() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._largest:
                raise HTTPException(413, self._too_large)
            return message

        declared = header(scope, b"content-length") or ""
        if len(scope["query_string"]) > _LONGEST_QUERY:
            detail = f"the query is longer than {_LONGEST_QUERY} bytes: ask for less at once"
            await problem(Request(scope), 414, detail)(scope, receive, send)
        elif declared.isdecimal() and int(declared) > self._largest:
            await problem(Request(scope), 413, self._too_large)(scope, receive, send)
        else:
            await self.app(scope, receiving, send)
