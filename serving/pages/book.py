"""`/book`."""

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters


@dataclass(frozen=True)
class BookPage(Page):
    """Being made."""

    template: ClassVar[str] = "book.html"
    section: ClassVar[Section] = "book"


def router(desk: Desk) -> APIRouter:
    """The route of the page."""
    routes = page_routes()

    @routes.get("/book", dependencies=[may("book:read"), Depends(no_parameters)])
    def book(request: Request) -> Response:
        return shown(request, BookPage())

    return routes
