"""`/v1/accounts`: the list and one account."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from serving.access.permission import may
from serving.accounts import account_detail, account_page, batch_of
from serving.csv_rows import as_csv
from serving.examples import example
from serving.headers import CSV, JSON, not_modified, preferred, validators
from serving.kept_answers import READS, Kept, KeptAnswers, key_of
from serving.listing import AccountQuery
from serving.parameters import no_parameters
from serving.plays import Plays
from serving.problems import documented
from serving.reach import Reach
from serving.read_models import AccountDetail, AccountPage, AccountRow
from serving.store import ScoreStore


def router(store: ScoreStore, answers: KeptAnswers, plays: Plays, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of the accounts."""
    routes = APIRouter(prefix="/v1", tags=["accounts"])

    @routes.get(
        "/accounts",
        summary="List accounts",
        response_model=AccountPage,
        responses={
            200: {
                "description": "A page of accounts, the most ARR at risk first unless sorted otherwise. The Link "
                "header leads to the next and previous page, in CSV too.",
                "content": {JSON: {"example": example(AccountPage)}, CSV: {"example": as_csv([example(AccountRow)])}},
            },
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 409, 422, 429, 503),
        },
    )
    def accounts(
        request: Request, query: Annotated[AccountQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        """Filtered, sorted and paged; as JSON, or as CSV with `Accept: text/csv` (rows only)."""
        batch, current = batch_of(store, query), store.current()
        media_type = preferred(request, (JSON, CSV))
        headers = validators(request, media_type, batch, current)
        if known := not_modified(request, headers):
            return known
        page = account_page(store, batch, query, superseded=batch != current, reach=reach)
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

    @routes.get(
        "/accounts/{account_id:path}",
        summary="Read one account",
        response_model=AccountDetail,
        dependencies=[Depends(no_parameters)],
        responses={
            200: {
                "description": "The account in the current batch.",
                "content": {JSON: {"example": example(AccountDetail)}},
            },
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def account(
        request: Request,
        account_id: Annotated[str, Path(description="Identifies the account.", examples=["A-1042"])],
        reach: Annotated[Reach, may(READS)],
    ) -> Response:
        """Health, band and risks with what they are made of, what to do about it, and what people say of it."""
        now = clock()

        def made() -> Kept:
            batch = store.current()
            shown = account_detail(store, batch, account_id, reach=reach, plays=plays, now=now)
            content = shown.model_dump_json()
            ends = [opinion.expires_at for opinion in shown.opinions if opinion.expires_at is not None]
            headers = validators(request, JSON, batch, also=content)
            return Kept(content.encode(), headers, min(ends, default=None), request.scope["route"], request.path_params)

        kept = answers.made(key_of(request.scope["path"], request.state.caller), now, made)
        return not_modified(request, kept.headers) or Response(kept.content, headers=kept.headers, media_type=JSON)

    return routes
