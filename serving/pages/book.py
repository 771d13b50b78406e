"""`/book`."""
from fastapi import APIRouter
from serving.pages.desk import Desk


def router(desk: Desk) -> APIRouter:
    """Being made."""
    return APIRouter()
