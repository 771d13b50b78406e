"""What a browser holds: the cookie of its session, and what proves that a form came from one of our pages.

A form carries a digest of a cookie that no other site can read or guess: the session's, or before anybody has signed in
one made for that. Both cookies are out of reach of scripts, and of requests that begin on other sites.
"""

from hmac import compare_digest, digest
from secrets import token_urlsafe

from fastapi import Request, Response

from serving.access.sessions import LASTS
from serving.errors import Forbidden

_SESSION, _FORM = "healthscore_session", "healthscore_form"
FIELD = "form_token"


def session_of(request: Request) -> str | None:
    """The session a browser brings."""
    return request.cookies.get(_name(request, _SESSION))


def keep_session(request: Request, response: Response, session: str) -> None:
    """Have the browser bring a session from now on."""
    _set(request, response, _SESSION, session, int(LASTS.total_seconds()))


def drop_session(request: Request, response: Response) -> None:
    """Have the browser forget its session."""
    name = _name(request, _SESSION)
    response.delete_cookie(name, httponly=True, samesite="lax", secure=name != _SESSION)


class FormToken:
    """The proof that forms of one request's browser carry."""

    def __init__(self, request: Request) -> None:
        self._request = request
        held = session_of(request) or request.cookies.get(_name(request, _FORM))
        self._new = None if held else token_urlsafe(32)
        self._used = False
        self._text = digest((held or self._new or "").encode(), b"form", "sha256").hex()

    def __str__(self) -> str:
        self._used = True
        return self._text

    def keep(self, response: Response) -> None:
        """Give the browser what its forms are checked against, where a form was written and it has none."""
        if self._new is not None and self._used:
            _set(self._request, response, _FORM, self._new, None)

    def check(self, given: str) -> None:
        """Raises Forbidden where a form doesn't carry it."""
        if self._new is not None or not compare_digest(self._text.encode(), given.encode()):
            raise Forbidden("this form is from another session: go back, reload the page and send it again")


def _name(request: Request, name: str) -> str:
    """Over https a name that no other host of the domain can set."""
    return f"__Host-{name}" if request.url.scheme == "https" else name


def _set(request: Request, response: Response, name: str, value: str, max_age_s: int | None) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(_name(request, name), value, max_age_s, httponly=True, samesite="lax", secure=secure)
