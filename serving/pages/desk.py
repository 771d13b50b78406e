"""What every page reads from."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from serving.plays import Plays
from serving.store import ScoreStore


@dataclass(frozen=True)
class Desk:
    """The same store, plays and clock as the API's; `openapi` describes the API."""

    store: ScoreStore
    plays: Plays
    clock: Callable[[], datetime]
    openapi: Callable[[], dict[str, Any]]
