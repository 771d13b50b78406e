"""`/renewals`."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters


@dataclass(frozen=True)
class RenewalsPage(Page):
    """Being made."""

    template: ClassVar[str] = "renewals.html"
    section: ClassVar[Section] = "renewals"


def router(desk: Desk) -> APIRouter:
    """The route of the page."""
    routes = page_routes()

    @routes.get("/renewals", dependencies=[may("accounts:read"), Depends(no_parameters)])
    def renewals(request: Request) -> Response:
        return shown(request, RenewalsPage())

    return routes
