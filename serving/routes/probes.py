"""The probes: is the process alive, and can scores be read? Anybody may ask them."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from serving.examples import example
from serving.headers import JSON
from serving.loaded_models import LoadedModels
from serving.parameters import no_parameters
from serving.problems import documented
from serving.read_models import BatchShown
from serving.store import ScoreStore


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = Field("alive", description="Always alive.")


class Ready(BatchShown):
    """A batch can be read: the one that answers show."""

    status: Literal["ready"] = Field("ready", description="Always ready; otherwise the answer is a 503.")
    age_s: float = Field(description="Time since as_of, seconds.", examples=[14_400.0])
    model: str = Field(
        description="What the scores rest on, and which model answers what-if and scoring.",
        examples=["scores of the batch, made by churn version 7; churn version 8 is loaded"],
    )


def router(store: ScoreStore, models: LoadedModels, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of the probes."""
    routes = APIRouter(tags=["probes"], dependencies=[Depends(no_parameters)])

    @routes.get(
        "/healthz",
        summary="Is the process alive?",
        responses={200: {"content": {JSON: {"example": {"status": "alive"}}}}, **documented(422)},
    )
    def healthz() -> Alive:
        """Answers without reading anything."""
        return Alive()

    @routes.get(
        "/readyz",
        summary="Can scores be read?",
        responses={200: {"content": {JSON: {"example": example(Ready)}}}, **documented(422, 503)},
    )
    def readyz() -> Ready:
        """Reads the current batch; 503 where there is none or the store doesn't answer."""
        batch = store.current()
        return Ready(
            **BatchShown.model_validate(batch).model_dump(),
            age_s=(clock() - batch.as_of).total_seconds(),
            model=f"scores of the batch, made by {batch.model_name} version {batch.model_version}; {models.status}",
        )

    return routes
