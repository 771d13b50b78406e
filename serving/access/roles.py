"""What each role may do, as scopes. A key may have fewer scopes than its role, never more."""

from collections.abc import Mapping
from typing import Literal, get_args

Role = Literal["csm", "renewals", "job", "admin"]

Scope = Literal[
    "accounts:read",  # scores, history, opinions and actions of accounts, what-if; the pages
    "accounts:write",  # opinions and actions
    "book:read",  # measures of the whole book
    "signals:read",  # the catalogue, and signals of accounts
    "scores:write",  # score what a request brings
    "model:read",  # the model, its receipt and the API's document
    "webhooks:write",  # who is told of changes, and the delivery log
    "metrics:read",  # Prometheus
]

SCOPES: frozenset[Scope] = frozenset(get_args(Scope))

_READS: frozenset[Scope] = frozenset({"book:read", "signals:read", "model:read"})

ROLES: Mapping[Role, frozenset[Scope]] = {
    "csm": _READS | {"accounts:read", "accounts:write"},
    "renewals": _READS | {"accounts:read", "accounts:write"},
    "job": frozenset({"signals:read", "scores:write", "model:read", "metrics:read"}),
    "admin": SCOPES,
}

WHOLE_BOOK: frozenset[Scope] = frozenset({"book:read"})
"""Scopes that reach every account whoever asks: measures of the book name nobody."""
