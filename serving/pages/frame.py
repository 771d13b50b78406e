"""What surrounds a page: where it is, who looks at it, and what their forms carry."""

from dataclasses import dataclass
from typing import Literal

from fastapi import Request

from serving.access.browser import FormToken, session_of
from serving.access.caller import Caller
from serving.access.roles import Scope

Section = Literal["today", "accounts", "renewals", "book", "model", "data", "api", "sign-in", "problem"]


@dataclass(frozen=True)
class Entry:
    """A link of the navigation, for callers that have its scope."""

    section: Section
    path: str
    label: str
    scope: Scope


NAVIGATION = (
    Entry("today", "/", "Today", "accounts:read"),
    Entry("accounts", "/accounts", "Accounts", "accounts:read"),
    Entry("renewals", "/renewals", "Renewals", "accounts:read"),
    Entry("book", "/book", "Book", "book:read"),
    Entry("model", "/model", "Model", "model:read"),
    Entry("data", "/data", "Data", "book:read"),
    Entry("api", "/docs", "API", "model:read"),
)


@dataclass(frozen=True)
class Frame:
    """See above; `caller` is None where nobody is known yet."""

    section: Section
    caller: Caller | None
    signed_in: bool
    form_token: FormToken

    @classmethod
    def of(cls, request: Request, section: Section) -> "Frame":
        """The frame of the answer to a request."""
        caller: Caller | None = getattr(request.state, "caller", None)
        return cls(section, caller, session_of(request) is not None and caller is not None, FormToken(request))

    @property
    def navigation(self) -> tuple[Entry, ...]:
        """The links that lead somewhere for who looks."""
        return tuple(entry for entry in NAVIGATION if self.may(entry.scope))

    def may(self, scope: Scope) -> bool:
        """Whether who looks may do what needs a scope."""
        return self.caller is not None and scope in self.caller.scopes
