"""`/docs`: the API's document, for people."""

from dataclasses import dataclass
from typing import Any, ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters


@dataclass(frozen=True)
class ApiDocument(Page):
    """The OpenAPI document."""

    template: ClassVar[str] = "docs.html"
    section: ClassVar[Section] = "api"

    document: dict[str, Any]


def router(desk: Desk) -> APIRouter:
    """The route of the document."""
    routes = page_routes()

    @routes.get("/docs", dependencies=[may("model:read"), Depends(no_parameters)])
    def docs(request: Request) -> Response:
        return shown(request, ApiDocument(desk.openapi()))

    return routes
