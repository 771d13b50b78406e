"""`/v1/renewals` and `/v1/effects`: whom to call first, and what working on them achieves."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from serving.access.permission import may
from serving.csv_rows import as_csv
from serving.effects import Effects, latest_effects
from serving.examples import example
from serving.headers import CSV, JSON, not_modified, preferred, validators
from serving.parameters import no_parameters
from serving.plays import Plays
from serving.problems import documented
from serving.reach import Reach
from serving.renewals import CSV_COLUMNS, Renewal, RenewalsQuery, Worklist, flat, worklist
from serving.store import ScoreStore


def router(store: ScoreStore, plays: Plays) -> APIRouter:
    """The routes of the worklist and of effects."""
    routes = APIRouter(prefix="/v1", tags=["renewals"])

    @routes.get(
        "/renewals",
        summary="List the renewals to work on",
        response_model=Worklist,
        responses={
            200: {
                "content": {
                    JSON: {"example": example(Worklist)},
                    CSV: {"example": as_csv(flat([Renewal.model_validate(example(Renewal))]), CSV_COLUMNS)},
                }
            },
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def renewals(
        request: Request, query: Annotated[RenewalsQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        """The largest expected loss of ARR first, with reasons and a play, and what share of all of it that covers.

        As JSON, or as CSV with `Accept: text/csv` (the list only).
        """
        batch = store.current()
        media_type = preferred(request, (JSON, CSV))
        listed = worklist(store, batch, query, reach=reach, plays=plays)
        content = listed.model_dump_json()
        headers = validators(request, media_type, batch, also=content)  # which changes with what is drawn and measured
        if known := not_modified(request, headers):
            return known
        if media_type == CSV:
            return Response(as_csv(flat(listed.renewals), CSV_COLUMNS), headers=headers, media_type=CSV)
        return Response(content, headers=headers, media_type=JSON)

    @routes.get(
        "/effects",
        summary="Read what plays achieve",
        dependencies=[Depends(no_parameters), may("book:read")],
        responses={
            200: {"content": {JSON: {"example": example(Effects)}}},
            **documented(401, 403, 422, 429, 503),
        },
    )
    def effects() -> Effects:
        """As measured last (`healthscore effects`), from accounts held out by chance; unknown until they can tell."""
        return latest_effects(store)

    return routes
