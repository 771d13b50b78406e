"""`/v1/accounts/{account_id}/changes` and `/what-if`: why a score is another than it was, and what would make it so."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from serving.access.permission import may
from serving.changes import Changes, changes
from serving.examples import example
from serving.headers import JSON
from serving.loaded_models import LoadedModels
from serving.parameters import Day, no_parameters
from serving.problems import documented
from serving.reach import Reach
from serving.routes.history import AccountId
from serving.store import ScoreStore
from serving.stored_rows import current_score
from serving.what_if import WhatIfAsked, WhatIfShown, what_if

_Score = Day | Annotated[str, StringConstraints(pattern="^[0-9a-f]{32}$")] | None
_NAMED = "a day, for the last score as of it or before, or a batch_id of the account's history"


class ChangesQuery(BaseModel):
    """Which two scores."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: _Score = Field(
        None,
        alias="from",
        description=f"The earlier score: {_NAMED}; without it the score before the later one. Named by its batch it is "
        "what was shown then, and what has come late since is told apart.",
        examples=["2026-10-05"],
    )
    until: _Score = Field(
        None, alias="to", description=f"The later score: {_NAMED}; without it the latest.", examples=["2026-11-01"]
    )


def router(store: ScoreStore, models: LoadedModels) -> APIRouter:
    """The routes of changes."""
    routes = APIRouter(prefix="/v1", tags=["accounts"])
    problems = documented(401, 403, 404, 409, 422, 429, 503)

    @routes.get(
        "/accounts/{account_id:path}/changes",
        summary="Why a score is another than it was",
        responses={200: {"content": {JSON: {"example": example(Changes)}}}, **problems},
    )
    def ledger(
        account_id: AccountId, query: Annotated[ChangesQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Changes:
        """The steps between two stored scores: signals, data, contract, model, time; they add up to the difference."""
        return changes(store, models, account_id, since=query.since, until=query.until, reach=reach)

    @routes.post(
        "/accounts/{account_id:path}/what-if",
        summary="Ask what would be",
        dependencies=[Depends(no_parameters)],
        responses={200: {"content": {JSON: {"example": example(WhatIfShown)}}}, **problems},
    )
    def asked(account_id: AccountId, asked: WhatIfAsked, reach: Annotated[Reach, may("accounts:read")]) -> WhatIfShown:
        """The stored score beside what it would be with other signals, or another contract.

        An association, not a promise. 409 where the model has never seen such a value, with each field.
        """
        stored = current_score(store, store.current(), account_id, reach=reach)
        return what_if(models, account_id, stored, asked)

    return routes
