"""`/accounts`: the list, filtered, sorted and searched by its address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Query, Request, Response

from serving.access.permission import may
from serving.accounts import account_page, batch_of, choices
from serving.listing import AccountQuery, Sort
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.reach import Reach
from serving.read_models import AccountPage
from serving.scores import BANDS, Band

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


@dataclass(frozen=True)
class AccountsPage(Page):
    """One page of the list; `page_accounts` is how many accounts the batch has, `choices` what filters offer."""

    template: ClassVar[str] = "accounts.html"
    section: ClassVar[Section] = "accounts"

    page: AccountPage
    page_accounts: int
    query: AccountQuery
    choices: dict[str, list[str]]
    bands: Sequence[Band] = tuple(BANDS)
    sorts: Sequence[tuple[Sort, str]] = SORTS


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
        return shown(request, AccountsPage(page, batch.accounts, query, choices(store, batch, reach)))

    return routes
