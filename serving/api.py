"""The HTTP service: the API under /v1, its probes, its documentation, and the pages, behind one gate."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from features.settings import Settings
from serving.access.gate import Gate
from serving.access.identity import Identity
from serving.access.keys import Keys
from serving.access.oidc import Issuer
from serving.access.permission import may, refuse_undeclared
from serving.access.rate_limit import RateLimit
from serving.audit import AuditLog
from serving.audited import Audited
from serving.headers import SecurityHeaders
from serving.kept_answers import KeptAnswers, KeptReads
from serving.loaded_models import LoadedModels
from serving.metrics import Metrics
from serving.observed import Observed
from serving.pages import STATIC, Desk, pages
from serving.parameters import no_parameters
from serving.plays import SHIPPED, read_plays
from serving.problems import handle_problems
from serving.recorder import Recorder
from serving.routes import (
    accounts,
    book,
    changes,
    data,
    history,
    metrics,
    model,
    opinions,
    probes,
    renewals,
    score,
    signals,
    timeline,
    webhooks,
)
from serving.sizes import Sizes
from serving.store import ScoreStore
from serving.together import Together
from training.tracking import Registry

DESCRIPTION = """Scores of customer accounts, as the latest scoring job published them.

**Health** is 0–100 points, higher is better. **Risks** are probabilities of churn (0–1), higher is worse.
**ARR at risk** is ARR times the probability of churn within 365 days. Money is ARR per year in the company's one
currency; times are UTC. Errors are problems (RFC 9457). Answers carry an `ETag`: send it back as `If-None-Match`.

As soon as there is an API key or an OIDC issuer, every request but the probes needs a key or a token: send
`Authorization: Bearer …`. What an operation needs is its scope; accounts out of the caller's reach are not there.
"""

_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""Nothing leaves the machine, whatever OpenTelemetry another library has set up in this process."""


def utc_now() -> datetime:
    """The time, UTC without a zone: the one clock of the service."""
    return datetime.now(UTC).replace(tzinfo=None)


def create_app(
    store: ScoreStore,
    settings: Settings | None = None,
    *,
    registry: Registry | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> FastAPI:
    """The service on a store, which stays the caller's to close, with the champion of a registry where there is one.

    Raises SettingsError.
    """
    settings = settings or Settings()
    keys, measured = Keys(store), Metrics(store, clock)
    recorder = Recorder(AuditLog(store), keys)
    answers = KeptAnswers(store)
    models, together = LoadedModels(registry, look_every_s=settings.model_look_s), Together()
    plays = read_plays(settings.plays or SHIPPED)
    identity = Identity(keys, Issuer.of(settings), remember_s=settings.identity_cache_s, clock=clock)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await run_in_threadpool(models.begin)
        yield
        models.close()
        together.close()
        recorder.close()

    app = FastAPI(
        title="healthscore", version="1", description=DESCRIPTION, docs_url=None, redoc_url=None, openapi_url=None,
        lifespan=lifespan, telemetry=_NO_TELEMETRY,
    )  # fmt: skip
    app.add_middleware(GZipMiddleware, minimum_size=1000, compresslevel=4)  # each goes around those before it
    app.add_middleware(KeptReads, answers=answers, clock=clock)
    app.add_middleware(Audited, recorder=recorder, clock=clock)
    app.add_middleware(Gate, identity=identity, limit=RateLimit(settings.requests_per_minute))
    app.add_middleware(Sizes, max_body_mb=settings.max_body_mb)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Observed, metrics=measured)
    handle_problems(app)
    for routes in (
        score.router(models, together),
        history.router(store),
        timeline.router(store),
        changes.router(store, models),
        signals.router(store),
        opinions.router(store, clock),
        renewals.router(store, plays),
        book.router(store),
        data.router(store),
        webhooks.router(store, clock),
        model.router(store, models),
        accounts.router(
            store, answers, plays, clock
        ),  # last of the topics under /v1/accounts: its paths take what they leave
        probes.router(store, models, clock),
        metrics.router(measured),
        _document(app),
        pages(Desk(store, identity, plays, models, clock, app.openapi, settings.mlflow_url)),
    ):
        app.include_router(routes)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    refuse_undeclared(app)
    return app


def _document(app: FastAPI) -> APIRouter:
    routes = APIRouter(dependencies=[may("model:read"), Depends(no_parameters)], include_in_schema=False)

    @routes.get("/openapi.json")
    def document() -> dict[str, Any]:
        return app.openapi()

    return routes
