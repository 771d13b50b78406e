"""`/v1/data`: what came in, and what of it can be used."""

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.data_report import DataShown, data_shown
from serving.errors import CannotAnswer
from serving.examples import example
from serving.headers import JSON, not_modified, validators
from serving.parameters import no_parameters
from serving.problems import documented
from serving.store import ScoreStore


def router(store: ScoreStore) -> APIRouter:
    """The route of the data."""
    routes = APIRouter(prefix="/v1", tags=["data"], dependencies=[may("book:read"), Depends(no_parameters)])

    @routes.get(
        "/data",
        summary="Read what the data was like",
        response_model=DataShown,
        responses={
            200: {"content": {JSON: {"example": example(DataShown)}}},
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 409, 422, 429, 503),
        },
    )
    def data(request: Request) -> Response:
        """What the check found at the last scoring, how fresh each source is, and how much of the book is covered."""
        batch = store.current()
        headers = validators(request, JSON, batch)
        if known := not_modified(request, headers):
            return known
        if (shown := data_shown(store, batch)) is None:
            raise CannotAnswer("the current scores were published without a report of their data: score again")
        return Response(shown.model_dump_json(), headers=headers, media_type=JSON)

    return routes
