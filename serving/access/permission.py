"""What a route needs: declared where the route is, enforced before it runs, and read off the routes by tests.

def account(reach: Annotated[Reach, may("accounts:read")]) -> …
@routes.get("/model", dependencies=[may("model:read")])
"""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Request, Security
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from serving.access.roles import Scope
from serving.reach import Reach

_PUBLIC = frozenset({"healthz", "readyz", "static", "sign-in", "sign-out"})

_bearer = HTTPBearer(
    scheme_name="bearer",
    bearerFormat="an API key (hs_…), or a token of the OIDC issuer",
    description="Needed by every request but the probes as soon as a key exists or an OIDC issuer is set.",
    auto_error=False,  # `serving.access.gate` has answered already
)


async def _reach(
    request: Request, scopes: SecurityScopes, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Reach:
    (scope,) = scopes.scopes
    request.state.needs = scope
    reach: Reach = request.state.caller.reach(scope)
    return reach


def may(scope: Scope) -> Any:
    """The dependency of a route that needs a scope: which accounts the caller reaches. Raises Forbidden."""
    return Security(_reach, scopes=[scope])


def public(path: str) -> bool:
    """Whether a path needs nobody's permission: the probes, the stylesheet and signing in, which show no account."""
    return path.removeprefix("/").partition("/")[0] in _PUBLIC


def needs(app: FastAPI) -> dict[tuple[str, str], frozenset[str]]:
    """The scopes each route needs, by method and path template; `*` stands for the methods of what is mounted."""
    return {
        (method, str(route.path_format or route.path)): frozenset(_scopes(getattr(route, "dependant", None)))
        for route in iter_route_contexts(app.routes)
        for method in sorted(route.methods or {"*"})
    }


def refuse_undeclared(app: FastAPI) -> None:
    """Let no app start that has a route without a scope; RuntimeError names it."""
    if undeclared := [path for (_, path), scopes in needs(app).items() if not scopes and not public(path)]:
        raise RuntimeError(f"no permission is declared for {', '.join(undeclared)}: add may(…)")


def _scopes(dependant: Dependant | None) -> Iterator[str]:
    if dependant is not None:
        yield from dependant.own_oauth_scopes or []
        for inner in dependant.dependencies:
            yield from _scopes(inner)
