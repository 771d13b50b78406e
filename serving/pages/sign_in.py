"""`/sign-in` and `/sign-out`: an API key or a token for a session, and back."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from serving.access.browser import drop_session, keep_session, session_of
from serving.errors import Forbidden, Unidentified
from serving.pages.desk import Desk
from serving.pages.form import Sent, read
from serving.pages.page import Page, Section, page_routes, shown

_LOCAL_PATH = r"^/([^/\\\x00-\x20\x7f][^\\\x00-\x20\x7f]*)?$"


class Destination(BaseModel):
    """Where to go once signed in: a path of this service, never another host."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    next: str = Field("/", max_length=4000, pattern=_LOCAL_PATH)


class SignInGiven(Destination):
    """The form as it is sent."""

    credential: str = Field(min_length=1, max_length=10_000)


@dataclass(frozen=True)
class SignInPage(Page):
    """The form; `wrong` says why the last try failed."""

    template: ClassVar[str] = "sign_in.html"
    section: ClassVar[Section] = "sign-in"

    next: str
    wrong: str | None = None


def router(desk: Desk) -> APIRouter:
    """The routes of signing in and out."""
    routes, identity = page_routes(), desk.identity

    @routes.get("/sign-in")
    def ask(request: Request, destination: Annotated[Destination, Query()]) -> Response:
        if identity.guarded():
            return shown(request, SignInPage(destination.next))
        answer = RedirectResponse(destination.next, 303)
        drop_session(request, answer)  # of another service at this address, which means nobody here
        return answer

    @routes.post("/sign-in")
    def sign_in(request: Request, sent: Sent) -> Response:
        given = read(SignInGiven, sent)
        try:
            session = identity.sign_in(given.credential.strip())
        except (Unidentified, Forbidden) as error:
            return shown(request, SignInPage(given.next, str(error)), status=401)
        answer = RedirectResponse(given.next, 303)
        keep_session(request, answer, session)
        return answer

    @routes.post("/sign-out")
    def sign_out(request: Request, sent: Sent) -> Response:
        if (session := session_of(request)) is not None:
            identity.sign_out(session)
        answer = RedirectResponse("/sign-in", 303)
        drop_session(request, answer)
        return answer

    return routes
