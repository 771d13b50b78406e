"""Where pages are registered: one line each."""

from pathlib import Path

from fastapi import APIRouter

from serving.pages import account, accounts, api_document, book, data, model, renewals, sign_in, today
from serving.pages.desk import Desk

STATIC = Path(__file__).parents[1] / "static"


def pages(desk: Desk) -> APIRouter:
    """The routes of the pages."""
    routes = APIRouter()
    for page in (sign_in, today, accounts, renewals, book, model, data, api_document):
        routes.include_router(page.router(desk))
    routes.include_router(account.router(desk))  # last: its path takes what the others leave
    return routes
