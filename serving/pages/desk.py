"""What every page reads from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.access.identity import Identity
from serving.loaded_models import LoadedModels
from serving.plays import Plays
from serving.store import ScoreStore


@dataclass(frozen=True)
class Desk:
    """The same store, callers, plays, models and clock as the API's; `openapi` describes the API.

    `mlflow_url` is where people look at runs, where that is known.
    """

    store: ScoreStore
    identity: Identity
    plays: Plays
    models: LoadedModels
    clock: Callable[[], datetime]
    openapi: Callable[[], dict[str, Any]]
    mlflow_url: str | None = None
