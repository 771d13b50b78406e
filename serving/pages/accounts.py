"""`/accounts`: the list, filtered, sorted and searched by its address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Query, Request, Response

from serving.access.permission import may
from serving.accounts import account_page, batch_of, choices
from serving.csv_rows import as_csv
from serving.headers import CSV
from serving.listing import AccountQuery, Sort
from serving.pages.charts import sparkline
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.reach import Reach
from serving.read_models import AccountPage
from serving.scores import BANDS, Band
from serving.trends import trends

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

WITHIN: Sequence[tuple[str, str]] = (("30d", "30 days"), ("90d", "90 days"), ("180d", "180 days"), ("365d", "a year"))

_IN_FORM = {"q", "band", "owner", "segment", "region", "renewal_within", "sort", "cursor"}
_KEPT = AccountQuery.model_fields.keys() - _IN_FORM


@dataclass(frozen=True)
class AccountsPage(Page):
    """One page of the list.

    `page_accounts`: how many accounts the batch has; `choices`: what filters offer; `kept`: what the address asks and
    the form has no field for; `sparklines`: health over time by account.
    """

    template: ClassVar[str] = "accounts.html"
    section: ClassVar[Section] = "accounts"

    page: AccountPage
    page_accounts: int
    query: AccountQuery
    choices: dict[str, list[str]]
    sparklines: dict[str, str]
    kept: dict[str, object]
    bands: Sequence[Band] = tuple(BANDS)
    sorts: Sequence[tuple[Sort, str]] = SORTS
    within: Sequence[tuple[str, str]] = WITHIN


def router(desk: Desk) -> APIRouter:
    """The route of the list."""
    routes, store = page_routes(), desk.store

    @routes.get("/accounts")
    def accounts(
        request: Request, query: Annotated[AccountQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        current = store.current()
        batch = batch_of(store, query)
        page = account_page(store, batch, query, superseded=batch != current, reach=reach)
        trend = trends(store, batch, [account.account_id for account in page.accounts])
        return shown(
            request,
            AccountsPage(
                page=page,
                page_accounts=batch.accounts,
                query=query,
                choices=choices(store, batch, reach),
                sparklines={account_id: line for account_id, points in trend.items() if (line := sparkline(points))},
                kept={name: value for name, value in query.model_dump(exclude_defaults=True).items() if name in _KEPT},
            ),
        )

    @routes.get("/accounts.csv")
    def export(query: Annotated[AccountQuery, Query()], reach: Annotated[Reach, may("accounts:read")]) -> Response:
        batch = batch_of(store, query)
        every = query.model_copy(update={"cursor": None, "limit": batch.accounts})
        rows = account_page(store, batch, every, superseded=False, reach=reach).model_dump(mode="json")["accounts"]
        name = f"accounts-{batch.as_of:%Y-%m-%d}.csv"
        return Response(as_csv(rows), headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=CSV)

    return routes
