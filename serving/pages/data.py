"""`/data`."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters


@dataclass(frozen=True)
class DataPage(Page):
    """Being made."""

    template: ClassVar[str] = "data.html"
    section: ClassVar[Section] = "data"


def router(desk: Desk) -> APIRouter:
    """The route of the page."""
    routes = page_routes()

    @routes.get("/data", dependencies=[may("model:read"), Depends(no_parameters)])
    def data(request: Request) -> Response:
        return shown(request, DataPage())

    return routes
