"""`/v1/score`: scores of accounts that the request brings, as signals or as rows. Nothing is kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from features.catalogue import digest
from features.findings import Checked
from serving.access.permission import may
from serving.ad_hoc import AdHocScores, ad_hoc_scores, answered_by
from serving.errors import CannotAnswer
from serving.examples import example
from serving.headers import JSON
from serving.loaded_models import Loaded, LoadedModels
from serving.problems import documented
from serving.raw_rows import RawRows, signals_of_rows
from serving.together import MOST as TOGETHER
from serving.together import Together
from serving.vectors import ARROW, PARQUET, Vector, from_columns, from_json, of_frame, of_rows
from serving.vectors import MOST as VECTORS

_CATALOGUE = digest()
_SMALL = 64 * 1024
"""Bytes of JSON that are read at once; a larger body would hold other requests up."""


class ScoreQuery(BaseModel):
    """What scoring is asked with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    catalogue_digest: str | None = Field(
        None,
        pattern="^[0-9a-f]{16}$",
        description="Digest of the catalogue the signals were made with, /v1/signals' or /v1/model's: 409 where the "
        "model reads others. Without it they are taken to be the same.",
        examples=[_CATALOGUE],
    )


def router(models: LoadedModels, together: Together) -> APIRouter:
    """The route of scoring."""
    routes = APIRouter(prefix="/v1", tags=["model"], dependencies=[may("scores:write")])

    @routes.post(
        "/score",
        summary="Score accounts that are sent",
        response_model=AdHocScores,
        openapi_extra={"requestBody": _BODY},
        responses={
            200: {"content": {JSON: {"example": example(AdHocScores)}}},
            **documented(401, 403, 409, 413, 415, 422, 429, 503),
        },
    )
    async def score(request: Request, query: Annotated[ScoreQuery, Query()]) -> Response:
        """Up to 10,000 accounts as signals (a JSON list, an Arrow stream, a Parquet file), or a few as rows of tables.

        A signal that isn't given is missing. Rows are checked as any source's; `found` says what was wrong with them.
        """
        loaded = models.champion()
        if query.catalogue_digest not in {None, _CATALOGUE, loaded.model.card.catalogue_digest}:
            said = f"the model reads the catalogue {loaded.model.card.catalogue_digest}: make the signals with that one"
            raise CannotAnswer(said, {"catalogue_digest": said})
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in {JSON, ARROW, PARQUET}:
            raise HTTPException(415, f"the body is {media_type or 'of no type'}: send {JSON}, {ARROW} or {PARQUET}")
        body = await request.body()
        if media_type != JSON:
            return await run_in_threadpool(_of_columns, loaded, body, media_type)
        if not body.lstrip(b" \t\r\n").startswith(b"["):
            return await run_in_threadpool(_of_raw, loaded, body)
        if len(body) > _SMALL:
            return await run_in_threadpool(_of_json, loaded, body)
        rows = _checked(from_json, body)
        if len(rows) > TOGETHER:
            return await run_in_threadpool(_of_rows, loaded, rows)
        return _answer(loaded, await together.scores(loaded, rows))

    return routes


def _of_columns(loaded: Loaded, body: bytes, media_type: str) -> Response:
    return _answer(loaded, ad_hoc_scores(loaded, of_frame(from_columns(body, media_type), loaded.model.card.signals)))


def _of_json(loaded: Loaded, body: bytes) -> Response:
    return _of_rows(loaded, _checked(from_json, body))


def _of_rows(loaded: Loaded, rows: list[dict[str, Any]]) -> Response:
    return _answer(loaded, ad_hoc_scores(loaded, of_rows(rows, loaded.model.card.signals)))


def _of_raw(loaded: Loaded, body: bytes) -> Response:
    raw = _checked(RawRows.model_validate_json, body)
    matrix, checked = signals_of_rows(raw)
    vectors = of_frame(matrix, loaded.model.card.signals)
    return _answer(loaded, ad_hoc_scores(loaded, vectors), checked)


def _checked(read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in wrong[:20]]) from error


def _answer(loaded: Loaded, scores: list[dict[str, Any]], checked: Checked | None = None) -> Response:
    found = [
        {"table": each.table, "rule": each.rule, "columns": each.columns, "rows": each.count, "action": each.action}
        for each in (checked.findings if checked else ())
        if each.severity != "note"
    ]
    return Response(to_json({"model": answered_by(loaded), "scores": scores, "found": found}), media_type=JSON)


def _schema(model: type[BaseModel]) -> dict[str, Any]:
    """The shape as JSON Schema without references, which a body of several kinds can't have in OpenAPI's document."""
    schema = model.model_json_schema()
    shapes = schema.pop("$defs", {})

    def inlined(part: Any) -> Any:
        if isinstance(part, dict):
            named = part.get("$ref", "").removeprefix("#/$defs/")
            return inlined(shapes[named]) if named else {name: inlined(value) for name, value in part.items()}
        return [inlined(each) for each in part] if isinstance(part, list) else part

    made: dict[str, Any] = inlined(schema)
    return made


_VECTORS = {"type": "array", "title": "Vectors", "maxItems": VECTORS, "items": _schema(Vector)}
_EXAMPLE = [
    {"account_id": "A-1042", "segment": "enterprise", "days_to_renewal": 91, "term_days": 365, "open_tickets": 3}
]
_BODY = {
    "required": True,
    "content": {
        JSON: {"schema": {"anyOf": [_VECTORS, _schema(RawRows)]}, "example": _EXAMPLE},
        ARROW: {"schema": {"type": "string", "format": "binary", "description": "An Arrow IPC stream of vectors."}},
        PARQUET: {"schema": {"type": "string", "format": "binary", "description": "A Parquet file of vectors."}},
    },
}
