"""How errors are answered: one mapping of the error tree to HTTP, one shape (RFC 9457, problem+json).

A person's browser gets the same problem as a page. What is inside the service is logged and never sent.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from features.errors import HealthscoreError, UnavailableError
from serving.errors import (
    AlreadyEnded,
    BadCursor,
    BadParameter,
    CannotAnswer,
    Forbidden,
    StoreUnavailable,
    TooManyRequests,
    Unidentified,
    UnknownAccount,
    UnknownSubscription,
    Unproven,
)
from serving.headers import SECURITY
from serving.observed import template
from serving.pages.frame import Frame
from serving.templating import render

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[HealthscoreError], int] = {
    Unidentified: 401,
    Forbidden: 403,
    UnknownAccount: 404,
    UnknownSubscription: 404,
    Unproven: 404,
    AlreadyEnded: 409,
    BadCursor: 409,
    CannotAnswer: 409,
    BadParameter: 422,
    TooManyRequests: 429,
    UnavailableError: 503,
    HealthscoreError: 500,
}
"""The status of each error; a class not listed has that of its nearest parent."""

_RETRY_AFTER_S = "10"


class Problem(BaseModel):
    """What went wrong with a request."""

    type: str = Field("about:blank", description="Kind of problem; about:blank: what the status says.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="HTTP status.")
    detail: str = Field(description="What went wrong and what to do.")
    instance: str = Field(description="The path asked for.")
    request_id: str = Field(description="Identifies the request in the service's log.")
    errors: list[dict[str, str]] = Field([], description="For 422 and 409: each field that is wrong, with a message.")


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: list[dict[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer for a problem: HTML for a browser that asked for a page, else problem+json."""
    title = HTTPStatus(status).phrase
    request_id = getattr(request.state, "request_id", "")
    found = Problem(
        title=title,
        status=status,
        detail=detail,
        instance=request.url.path,
        request_id=request_id,
        errors=errors or [],
    )
    sent = {**SECURITY, "Cache-Control": "no-store", "Vary": "Accept", "X-Request-ID": request_id, **(headers or {})}
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1"):
        page = render("problem.html", problem=found, frame=Frame.of(request, "problem"))
        return Response(page, status, sent, "text/html")
    content = found.model_dump_json(exclude=None if found.errors else {"errors"})
    return Response(content, status, sent, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI description of these problems."""
    schema = Problem.model_json_schema()
    return {
        status: {
            "description": f"{HTTPStatus(status).phrase}, as a problem (RFC 9457).",
            "content": {MEDIA_TYPE: {"schema": schema, "example": _example(status)}},
        }
        for status in statuses
    }


def answer(request: Request, error: HealthscoreError) -> Response:
    """The answer for an error raised on purpose."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    if status == 500:
        return _defect(request, error)
    detail, errors, headers = str(error), None, {}
    match error:
        case BadParameter():
            errors = [{"field": error.field, "message": detail}]
        case CannotAnswer():
            errors = [{"field": field, "message": message} for field, message in error.problems.items()]
        case Unidentified():  # RFC 6750, section 3
            headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if error.offered else "Bearer"
        case Forbidden(scope=str()):
            headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{error.scope}"'
        case TooManyRequests():
            headers["Retry-After"] = str(error.retry_after_s)
        case StoreUnavailable():
            logging.getLogger(__name__).error("%s", error)
            detail = "the score store doesn't answer: try again in a moment"  # its address stays inside
    if status == 503:
        headers["Retry-After"] = _RETRY_AFTER_S
    return problem(request, status, detail, errors=errors, headers=headers)


def handle_problems(app: FastAPI) -> None:
    """Answer every error of the app as a problem."""

    app.exception_handler(HealthscoreError)(answer)

    @app.exception_handler(RequestValidationError)
    def invalid(request: Request, error: RequestValidationError) -> Response:
        errors = [
            {"field": ".".join(map(str, wrong["loc"][1:])) or str(wrong["loc"][0]), "message": wrong["msg"]}
            for wrong in error.errors()
        ]
        detail = "; ".join(f"{wrong['field']}: {wrong['message']}" for wrong in errors)
        return problem(request, 422, detail, errors=errors)

    @app.exception_handler(HTTPException)
    def http(request: Request, error: HTTPException) -> Response:
        match error.status_code:
            case 400:  # FastAPI's word for a body that isn't text
                wrong = {"field": "body", "message": "the body isn't JSON in UTF-8"}
                return problem(request, 422, wrong["message"], errors=[wrong])
            case 404:
                return problem(request, 404, f"there is nothing at {request.url.path}")
            case 405:
                detail = f"{request.method} isn't possible at {request.url.path}"
                return problem(request, 405, detail, headers={"Allow": ", ".join(_methods(app, request.url.path))})
        return problem(request, error.status_code, error.detail, headers=error.headers)

    @app.exception_handler(Exception)
    def defect(request: Request, error: Exception) -> Response:
        return _defect(request, error)


def _methods(app: FastAPI, path: str) -> list[str]:
    """What is possible at a path, by all routes made for it: Starlette's own `Allow` names the first's.

    An account's own path takes what stands behind it too, as ids may hold slashes; the longest templates are meant.
    """
    routes = [route for route in iter_route_contexts(app.routes) if route.methods and route.path_regex.match(path)]
    longest = max(str(route.path).count("/") for route in routes)
    return sorted(
        {method for route in routes if str(route.path).count("/") == longest for method in route.methods or ()}
    )


def _defect(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("%s %s failed", request.method, template(request.scope), exc_info=error)
    return problem(request, 500, "a defect of healthscore: its log says what happened, please report it")


def _example(status: int) -> dict[str, Any]:
    details = {
        401: "send an API key or a token: `Authorization: Bearer …`",
        403: "this needs the scope webhooks:write, which a caller of role csm hasn't got here",
        415: "the body is text/plain: send application/json",
        413: "the body is larger than 64 MiB",
        429: "more than 1200 requests in a minute: ask again later",
        404: "there is no account 'A-1' in the scores as of 2026-11-01 00:00 UTC",
        409: "the opinion would have ended already: give a later moment, or none",
        422: "limit: Input should be less than or equal to 200",
        503: "no scores have been published yet: run `healthscore score`",
    }
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": details[status],
        "instance": "/v1/accounts",
        "request_id": "0b51c1a0f5c34a5a9d0b4d0c5f7f6f55",
    }
    if status == 422:
        example["errors"] = [{"field": "limit", "message": "Input should be less than or equal to 200"}]
    return example
