"""`/v1/accounts/{account_id}/history` and `/signals`: what was, and what it was made of."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from serving.access.permission import may
from serving.examples import example
from serving.headers import JSON
from serving.history import AccountHistory, account_history
from serving.parameters import Day
from serving.problems import documented
from serving.reach import Reach
from serving.store import ScoreStore

AccountId = Annotated[str, Path(description="Identifies the account.", examples=["A-1042"])]


class HistoryQuery(BaseModel):
    """What history is asked with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    known_at: Day | None = Field(
        None,
        description="As it was shown at the end of this day: one score per as_of, the one known by then.",
        examples=["2026-11-02"],
    )


def router(store: ScoreStore) -> APIRouter:
    """The routes of history."""
    routes = APIRouter(prefix="/v1", tags=["accounts"])

    @routes.get(
        "/accounts/{account_id:path}/history",
        summary="Read an account's history",
        responses={
            200: {"content": {JSON: {"example": example(AccountHistory)}}},
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def history(
        account_id: AccountId, query: Annotated[HistoryQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> AccountHistory:
        """Its score in every batch ever published, with the model that made it: as of when, and known when."""
        return account_history(store, account_id, reach=reach, known_at=query.known_at)

    return routes
