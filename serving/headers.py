"""Headers of every answer: what a browser may do with it, and whether a client already has it."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version

from fastapi import Request, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.scores import Batch

JSON, CSV = "application/json", "text/csv"

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""Nothing from another host, no scripts, no frames."""

_VERSION = version("healthscore")  # another may answer in another shape


_RAW = [
    (name.lower().encode(), value.encode())
    for name, value in {**SECURITY, "Cache-Control": "private, no-cache"}.items()
]


def header(scope: Scope, name: bytes) -> str | None:
    """A header of a request by its name in small letters, as servers give them."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return None


class SecurityHeaders:
    """Middleware that adds `SECURITY` to every answer that passes it and doesn't say otherwise.

    Nor may anything be kept for others, or shown again without asking.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers."""

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *[pair for pair in _RAW if pair[0] not in said]]
            await send(message)

        await self.app(scope, receive, sending if scope["type"] == "http" else send)


def validators(request: Request, media_type: str, *batches: Batch, also: str = "") -> dict[str, str]:
    """ETag and caching headers of an answer that depends on the request's address, whose accounts its caller sees,
    and these batches only, and on `also`."""
    caller = request.state.caller
    parts = [
        _VERSION,
        media_type,
        caller.role,
        caller.owner or "",
        request.url.path,
        *sorted(f"{name}={value}" for name, value in request.query_params.items()),
    ]
    parts += [f"{batch.batch_id} {batch.erased}" for batch in batches]
    parts.append(also)
    digest = sha256("\n".join(parts).encode()).hexdigest()[:32]
    # Weak: the same answer compressed has the same tag.
    return {"ETag": f'W/"{digest}"', "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization"}


def not_modified(request: Request, headers: Mapping[str, str]) -> Response | None:
    """304 if the client says it has this ETag, else None."""
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if headers["ETag"].removeprefix("W/") in known or "*" in known:
        return Response(status_code=304, headers=dict(headers))
    return None


def preferred(request: Request, media_types: Sequence[str]) -> str:
    """The media type the Accept header prefers, the first where it has no preference or accepts none."""
    qualities: dict[str, float] = {}
    for part in request.headers.get("accept", "*/*").split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = next((value[2:] for value in parameters if value.startswith("q=")), "1")
        qualities[name.lower()] = float(quality) if quality.replace(".", "", 1).isdigit() else 0.0

    def quality_of(media_type: str) -> float:
        ranges = (media_type, f"{media_type.split('/')[0]}/*", "*/*")
        return next((qualities[name] for name in ranges if name in qualities), 0.0)

    return max(media_types, key=quality_of)
