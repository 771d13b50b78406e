"""How errors are answered: one mapping of the error tree to HTTP, one shape (RFC 9457, problem+json).

A person's browser gets the same problem as a page. What is inside the service is logged and never sent.
"""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from features.errors import HealthscoreError, UnavailableError
from serving.errors import BadParameter, NothingPublished, StoreUnavailable, UnknownAccount
from serving.headers import SECURITY
from serving.templating import render

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[HealthscoreError], int] = {
    UnknownAccount: 404,
    BadParameter: 422,
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
    errors: list[dict[str, str]] = Field([], description="For 422: each wrong parameter's field and message.")


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
    found = Problem(title=title, status=status, detail=detail, instance=request.url.path, errors=errors or [])
    sent = {**SECURITY, "Cache-Control": "no-store", "Vary": "Accept", **(headers or {})}
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1"):
        return Response(render("problem.html", problem=found), status, sent, "text/html")
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


def handle_problems(app: FastAPI) -> None:
    """Answer every error of the app as a problem."""

    @app.exception_handler(HealthscoreError)
    def ours(request: Request, error: HealthscoreError) -> Response:
        status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
        if status == 500:
            return _defect(request, error)
        if isinstance(error, BadParameter):
            return problem(request, status, str(error), errors=[{"field": error.field, "message": str(error)}])
        if isinstance(error, NothingPublished):
            return problem(request, status, str(error), headers={"Retry-After": _RETRY_AFTER_S})
        if isinstance(error, StoreUnavailable):
            logging.getLogger(__name__).error("%s", error)
            detail = "the score store doesn't answer: try again in a moment"  # its address stays inside
            return problem(request, status, detail, headers={"Retry-After": _RETRY_AFTER_S})
        return problem(request, status, str(error))

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
        details = {
            404: f"there is nothing at {request.url.path}",
            405: f"{request.method} isn't possible at {request.url.path}",
        }
        return problem(request, error.status_code, details.get(error.status_code, error.detail), headers=error.headers)

    @app.exception_handler(Exception)
    def defect(request: Request, error: Exception) -> Response:
        return _defect(request, error)


def _defect(request: Request, error: Exception) -> Response:
    logging.getLogger(__name__).error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(request, 500, "a defect of healthscore: its log says what happened, please report it")


def _example(status: int) -> dict[str, Any]:
    details = {
        404: "there is no account 'A-1' in the scores as of 2026-11-01 00:00 UTC",
        422: "limit: Input should be less than or equal to 200",
        503: "no scores have been published yet: run `healthscore score`",
    }
    example: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": details[status],
        "instance": "/v1/accounts",
    }
    if status == 422:
        example["errors"] = [{"field": "limit", "message": "Input should be less than or equal to 200"}]
    return example
