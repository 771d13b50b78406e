"""A page: a frozen value whose class names its template, shown in the frame that all pages have.

A template uses the fields of its page and `frame`, and nothing else; a test holds it to that.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, ClassVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from serving.errors import NothingPublished
from serving.headers import not_modified
from serving.pages.frame import Frame, Section
from serving.templating import render

__all__ = ["Page", "Section", "page_routes", "shown"]


@dataclass(frozen=True)
class Page:
    """What a page shows; each page is a subclass."""

    template: ClassVar[str]
    section: ClassVar[Section]


@dataclass(frozen=True)
class NoScores(Page):
    """Nothing has been published: what to do."""

    template: ClassVar[str] = "empty.html"
    section: ClassVar[Section] = "today"


def shown(request: Request, page: Page, status: int = 200) -> Response:
    """A page as the answer to its request; 304 where the browser has it as it is."""
    frame = Frame.of(request, page.section)
    context = {field.name: getattr(page, field.name) for field in fields(page)}
    content = render(page.template, **context, frame=frame)
    tag = sha256(content.encode()).hexdigest()[:32]
    # Weak: the same answer compressed has the same tag.
    headers = {"ETag": f'W/"{tag}"', "Cache-Control": "private, no-cache", "Vary": "Accept, Authorization, Cookie"}
    if status == 200 and (known := not_modified(request, headers)):
        return known
    answer = Response(content, status, headers, "text/html")
    frame.form_token.keep(answer)
    return answer


class PageRoute(APIRoute):
    """The route of a page that needs scores: without any it shows what to do."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with an answer for an empty store."""
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            try:
                return await handle(request)
            except NothingPublished:
                return shown(request, NoScores())

        return handled


def page_routes() -> APIRouter:
    """Routes of pages: not part of the API's document, and with an answer for an empty store."""
    return APIRouter(include_in_schema=False, route_class=PageRoute)
