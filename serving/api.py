"""The HTTP service: the API under /v1, its probes, its documentation, and the pages."""

import csv
import io
from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, FastAPI, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from serving.accounts import account_detail, account_page, batch_of
from serving.errors import BadParameter
from serving.headers import SecurityHeaders, not_modified, preferred, validators
from serving.listing import AccountQuery
from serving.pages import STATIC, pages
from serving.problems import documented, handle_problems
from serving.read_models import AccountDetail, AccountPage, AccountRow, BatchShown
from serving.store import ScoreStore

JSON, CSV = "application/json", "text/csv"

DESCRIPTION = """Scores of customer accounts, as the latest scoring job published them.

**Health** is 0–100 points, higher is better. **Risks** are probabilities of churn (0–1), higher is worse.
**ARR at risk** is ARR times the probability of churn within 365 days. Money is ARR per year in the company's one
currency; times are UTC. Errors are problems (RFC 9457). Answers carry an `ETag`: send it back as `If-None-Match`.
"""


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field("alive", description="Always alive.")


class Ready(BatchShown):
    """A batch can be read: the one that answers show."""

    status: Literal["ready"] = Field("ready", description="Always ready; otherwise the answer is a 503.")


def no_parameters(request: Request) -> None:
    """Refuse query parameters where there are none."""
    for name in request.query_params:
        raise BadParameter(name, f"there is no parameter {name} here")


def create_app(store: ScoreStore) -> FastAPI:
    """The service on a store, which stays the caller's to close."""
    app = FastAPI(
        title="healthscore", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(SecurityHeaders)
    handle_problems(app)
    app.include_router(_accounts(store))
    app.include_router(_probes(store))
    app.include_router(_document(app.openapi))
    app.include_router(pages(store, app.openapi, no_parameters))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _accounts(store: ScoreStore) -> APIRouter:
    router = APIRouter(prefix="/v1", tags=["accounts"])

    @router.get(
        "/accounts",
        summary="List accounts",
        response_model=AccountPage,
        responses={
            200: {
                "description": "A page of accounts, the most ARR at risk first unless sorted otherwise. The Link "
                "header leads to the next and previous page, in CSV too.",
                "content": {JSON: {"example": _example(AccountPage)}, CSV: {"example": as_csv([_example(AccountRow)])}},
            },
            304: {"description": "The client has this answer already."},
            **documented(422, 503),
        },
    )
    def accounts(request: Request, query: Annotated[AccountQuery, Query()]) -> Response:
        """Filtered, sorted and paged; as JSON, or as CSV with `Accept: text/csv` (rows only)."""
        batch, current = batch_of(store, query), store.current()
        media_type = preferred(request, (JSON, CSV))
        headers = validators(request, media_type, batch, current)
        if known := not_modified(request, headers):
            return known
        page = account_page(store, batch, query, superseded=batch != current)
        cursors = {"next": page.next_cursor, "prev": page.previous_cursor}
        links = [
            f'<{query.link(request.url.path, cursor=cursor)}>; rel="{relation}"'
            for relation, cursor in cursors.items()
            if cursor
        ]
        if links:
            headers["Link"] = ", ".join(links)
        if media_type == CSV:
            rows = page.model_dump(mode="json")["accounts"]
            return Response(as_csv(rows), headers=headers, media_type=CSV)
        return Response(page.model_dump_json(), headers=headers, media_type=JSON)

    @router.get(
        "/accounts/{account_id:path}",
        summary="Read one account",
        response_model=AccountDetail,
        dependencies=[Depends(no_parameters)],
        responses={
            200: {
                "description": "The account in the current batch.",
                "content": {JSON: {"example": _example(AccountDetail)}},
            },
            304: {"description": "The client has this answer already."},
            **documented(404, 422, 503),
        },
    )
    def account(
        request: Request,
        account_id: Annotated[str, Path(description="Identifies the account.", examples=["A-1042"])],
    ) -> Response:
        """Health, band and risks with what they are made of: points per dimension, signals, coverage, freshness."""
        batch = store.current()
        headers = validators(request, JSON, batch)
        if known := not_modified(request, headers):
            return known
        return Response(account_detail(store, batch, account_id).model_dump_json(), headers=headers, media_type=JSON)

    return router


def _probes(store: ScoreStore) -> APIRouter:
    router = APIRouter(tags=["probes"], dependencies=[Depends(no_parameters)])

    @router.get(
        "/healthz",
        summary="Is the process alive?",
        responses={200: {"content": {JSON: {"example": {"status": "alive"}}}}, **documented(422)},
    )
    def healthz() -> Alive:
        """Answers without reading anything."""
        return Alive()

    @router.get(
        "/readyz",
        summary="Can scores be read?",
        responses={200: {"content": {JSON: {"example": _example(Ready)}}}, **documented(422, 503)},
    )
    def readyz() -> Ready:
        """Reads the current batch; 503 where there is none or the store doesn't answer."""
        return Ready.model_validate(store.current())

    return router


def _document(openapi: Callable[[], dict[str, Any]]) -> APIRouter:
    router = APIRouter(dependencies=[Depends(no_parameters)], include_in_schema=False)

    @router.get("/openapi.json")
    def document() -> dict[str, Any]:
        return openapi()

    return router


def as_csv(rows: list[dict[str, Any]]) -> str:
    """The rows of a list as CSV (RFC 4180), columns as in `AccountRow`, an empty cell for null.

    A text that a spreadsheet would run as a formula gets an apostrophe in front.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, AccountRow.model_fields)
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _example(model: type[BaseModel]) -> dict[str, Any]:
    """An example of a shape, put together from its fields' examples."""
    example: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        if field.examples:
            example[name] = field.examples[0]
        elif isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            example[name] = _example(field.annotation)
        elif field.is_required():
            (item,) = field.annotation.__args__  # type: ignore[union-attr]  # list[…]
            example[name] = [_example(item)]
        else:
            example[name] = field.default
    return example
