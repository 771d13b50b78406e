"""`/`: who needs me now, and why."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters
from serving.reach import Reach
from serving.read_models import BatchShown
from serving.renewals import Worklist, worklist

NEAR_DAYS = 90
CALLS = 8


@dataclass(frozen=True)
class TodayPage(Page):
    """Whom to call first."""

    template: ClassVar[str] = "today.html"
    section: ClassVar[Section] = "today"

    batch: BatchShown
    calls: Worklist


def router(desk: Desk) -> APIRouter:
    """The route of today."""
    routes = page_routes()

    @routes.get("/", dependencies=[Depends(no_parameters)])
    def today(request: Request, reach: Annotated[Reach, may("accounts:read")]) -> Response:
        batch = desk.store.current()
        calls = worklist(desk.store, batch, within_days=NEAR_DAYS, capacity=CALLS, reach=reach, plays=desk.plays)
        return shown(request, TodayPage(BatchShown.model_validate(batch), calls))

    return routes
