"""Who is asking."""

from dataclasses import dataclass

from serving.access.roles import ROLES, WHOLE_BOOK, Role, Scope
from serving.errors import Forbidden
from serving.reach import EVERYTHING, Reach


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody identified: `who` is an id (of a key, or a token's subject), never a name.

    A csm has an `owner` and reaches that owner's accounts; the others reach all.
    """

    who: str
    role: Role
    scopes: frozenset[Scope]
    owner: str | None = None

    def reach(self, scope: Scope) -> Reach:
        """Which accounts the caller may see under a scope. Raises Forbidden where they haven't got it."""
        if scope not in self.scopes:
            raise Forbidden(f"this needs the scope {scope}, which a caller of role {self.role} hasn't got here", scope)
        if self.role != "csm" or scope in WHOLE_BOOK:
            return EVERYTHING
        if self.owner is None:
            raise Forbidden("a csm sees the accounts of an owner, and none is set for this caller", scope)
        return Reach(self.owner)


LOCAL = Caller("local", "admin", ROLES["admin"])
"""Whoever asks from this machine while there is no key and no issuer."""
