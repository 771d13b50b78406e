"""Where pages are registered: one line each."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from serving.pages import account, accounts, api_document, book, data, model, renewals, today
from serving.pages.desk import Desk
from serving.plays import Plays
from serving.store import ScoreStore

STATIC = Path(__file__).parents[1] / "static"


def pages(
    store: ScoreStore, openapi: Callable[[], dict[str, Any]], plays: Plays, clock: Callable[[], datetime]
) -> APIRouter:
    """The routes of the pages."""
    desk = Desk(store, plays, clock, openapi)
    routes = APIRouter()
    for page in (today, accounts, renewals, book, model, data, api_document):
        routes.include_router(page.router(desk))
    routes.include_router(account.router(desk))  # last: its path takes what the others leave
    return routes
