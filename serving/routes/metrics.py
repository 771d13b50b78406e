"""`/metrics`, for Prometheus."""

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST

from serving.access.permission import may
from serving.metrics import Metrics
from serving.parameters import no_parameters
from serving.problems import documented

_EXAMPLE = """healthscore_store_up 1.0
healthscore_batch_age_seconds 14400.0
healthscore_batch_accounts 1500.0
"""


def router(metrics: Metrics) -> APIRouter:
    """The route of the metrics."""
    routes = APIRouter(tags=["probes"])

    @routes.get(
        "/metrics",
        summary="What Prometheus asks",
        dependencies=[may("metrics:read"), Depends(no_parameters)],
        response_class=Response,
        responses={
            200: {
                "description": "Metrics in Prometheus's text format.",
                "content": {"text/plain": {"example": _EXAMPLE}},
            },
            **documented(401, 403, 422, 429),
        },
    )
    def read() -> Response:
        """Requests and their times by route, whether the store answers, and the current batch's age, size and model."""
        return Response(metrics.text(), headers={"Cache-Control": "no-store"}, media_type=CONTENT_TYPE_LATEST)

    return routes
