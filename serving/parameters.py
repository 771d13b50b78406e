"""What an address may hold: no query parameter where there is none, and not too much of it."""

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import BadParameter
from serving.problems import problem

_LONGEST_QUERY = 8_192  # bytes


async def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none."""
    for name in request.query_params:
        raise BadParameter(name, f"there is no parameter {name} here")


class ShortAddresses:
    """Middleware that answers 414 to a query that is longer than any list needs."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, or that the query is too long."""
        if scope["type"] == "http" and len(scope["query_string"]) > _LONGEST_QUERY:
            detail = f"the query is longer than {_LONGEST_QUERY} bytes: ask for less at once"
            await problem(Request(scope), 414, detail)(scope, receive, send)
        else:
            await self.app(scope, receive, send)
