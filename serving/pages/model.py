"""`/model`."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters


@dataclass(frozen=True)
class ModelPage(Page):
    """Being made."""

    template: ClassVar[str] = "model.html"
    section: ClassVar[Section] = "model"


def router(desk: Desk) -> APIRouter:
    """The route of the page."""
    routes = page_routes()

    @routes.get("/model", dependencies=[may("model:read"), Depends(no_parameters)])
    def model(request: Request) -> Response:
        return shown(request, ModelPage())

    return routes
