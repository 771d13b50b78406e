"""The HTTP service: the API under /v1, its probes, its documentation, and the pages."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from serving.headers import SecurityHeaders
from serving.pages import STATIC, pages
from serving.parameters import no_parameters
from serving.problems import handle_problems
from serving.routes import accounts, probes
from serving.store import ScoreStore

DESCRIPTION = """Scores of customer accounts, as the latest scoring job published them.

**Health** is 0–100 points, higher is better. **Risks** are probabilities of churn (0–1), higher is worse.
**ARR at risk** is ARR times the probability of churn within 365 days. Money is ARR per year in the company's one
currency; times are UTC. Errors are problems (RFC 9457). Answers carry an `ETag`: send it back as `If-None-Match`.
"""

TOPICS = (accounts.router, probes.router)
"""Each makes the routes of its topic on a store."""


def create_app(store: ScoreStore) -> FastAPI:
    """The service on a store, which stays the caller's to close."""
    app = FastAPI(
        title="healthscore", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.add_middleware(GZipMiddleware, minimum_size=1000)
    app.add_middleware(SecurityHeaders)
    handle_problems(app)
    for topic in TOPICS:
        app.include_router(topic(store))
    app.include_router(_document(app))
    app.include_router(pages(store, app.openapi, no_parameters))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _document(app: FastAPI) -> APIRouter:
    routes = APIRouter(dependencies=[Depends(no_parameters)], include_in_schema=False)

    @routes.get("/openapi.json")
    def document() -> dict[str, Any]:
        return app.openapi()

    return routes
