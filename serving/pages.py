"""The pages: the same read models as the API, rendered for people. They work without scripts."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from serving.access.permission import may
from serving.accounts import account_detail, account_page, batch_of, choices
from serving.errors import NothingPublished
from serving.headers import not_modified, validators
from serving.listing import AccountQuery, Sort
from serving.parameters import no_parameters
from serving.plays import Plays
from serving.reach import Reach
from serving.read_models import AccountDetail
from serving.scores import BANDS
from serving.store import ScoreStore
from serving.templating import render

STATIC = Path(__file__).parent / "static"

HTML = "text/html"

SORTS: Sequence[tuple[Sort, str]] = (
    ("-arr_at_risk", "ARR at risk, highest first"),
    ("health", "Health, lowest first"),
    ("-health", "Health, highest first"),
    ("-risk_90d", "Risk 90 days, highest first"),
    ("-risk_365d", "Risk 365 days, highest first"),
    ("-arr", "ARR, highest first"),
    ("arr", "ARR, lowest first"),
    ("renewal_at", "Renewal, soonest first"),
    ("-renewal_at", "Renewal, latest first"),
    ("name", "Name, A to Z"),
    ("-name", "Name, Z to A"),
    ("arr_at_risk", "ARR at risk, lowest first"),
    ("risk_90d", "Risk 90 days, lowest first"),
    ("risk_365d", "Risk 365 days, lowest first"),
)


def pages(
    store: ScoreStore, openapi: Callable[[], dict[str, Any]], plays: Plays, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes of the pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    def accounts(
        request: Request, query: Annotated[AccountQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        try:
            current = store.current()
        except NothingPublished:
            return Response(render("empty.html"), headers={"Cache-Control": "no-store"}, media_type=HTML)
        batch = batch_of(store, query)
        headers = validators(request, HTML, batch, current)
        if known := not_modified(request, headers):
            return known
        page = account_page(store, batch, query, superseded=batch != current, reach=reach)
        content = render(
            "accounts.html",
            page=page,
            page_accounts=batch.accounts,
            query=query,
            choices=choices(store, batch, reach),
            bands=BANDS,
            sorts=SORTS,
        )
        return Response(content, headers=headers, media_type=HTML)

    @router.get("/accounts/{account_id:path}", dependencies=[Depends(no_parameters)])
    def account(request: Request, account_id: str, reach: Annotated[Reach, may("accounts:read")]) -> Response:
        batch = store.current()
        shown = account_detail(store, batch, account_id, reach=reach, plays=plays, now=clock())
        content = render("account.html", account=shown, bars=bars(shown))
        headers = validators(request, HTML, batch, also=content)
        if known := not_modified(request, headers):
            return known
        return Response(content, headers=headers, media_type=HTML)

    @router.get("/docs", dependencies=[may("model:read"), Depends(no_parameters)])
    def docs() -> Response:
        return Response(render("docs.html", document=openapi()), media_type=HTML)

    return router


def bars(account: AccountDetail) -> list[dict[str, Any]]:
    """The points per dimension, worst first, with where each bar starts and how long it is, both 0–100.

    All bars share one scale, which holds zero and is at least 20 points wide.
    """
    points = sorted(account.points.items(), key=lambda item: item[1])
    low = min([0.0, *account.points.values()])
    high = max([0.0, *account.points.values()])
    scale = 100 / max(20.0, high - low)
    zero = -low * scale
    return [
        {
            "dimension": dimension,
            "points": value,
            "zero": zero,
            "start": zero + min(0.0, value) * scale,
            "length": abs(value) * scale,
        }
        for dimension, value in points
    ]
