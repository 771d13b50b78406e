"""`/accounts/{account_id}`: one account, what its health is made of, and what to do about it."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.accounts import account_detail
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters
from serving.reach import Reach
from serving.read_models import AccountDetail


@dataclass(frozen=True)
class AccountShown(Page):
    """One account, and `bars`: its points as the page draws them."""

    template: ClassVar[str] = "account.html"
    section: ClassVar[Section] = "accounts"

    account: AccountDetail
    bars: list[dict[str, Any]]


def router(desk: Desk) -> APIRouter:
    """The routes of an account."""
    routes = page_routes()

    @routes.get("/accounts/{account_id:path}", dependencies=[Depends(no_parameters)])
    def account(request: Request, account_id: str, reach: Annotated[Reach, may("accounts:read")]) -> Response:
        store = desk.store
        found = account_detail(store, store.current(), account_id, reach=reach, plays=desk.plays, now=desk.clock())
        return shown(request, AccountShown(found, bars(found)))

    return routes


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
