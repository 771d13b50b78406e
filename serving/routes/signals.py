"""`/v1/signals` and `/v1/accounts/{account_id}/signals`: what scores are made of."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from features.catalogue import SIGNALS, digest
from serving.access.permission import may
from serving.accounts import account_detail
from serving.examples import example
from serving.headers import JSON, not_modified, validators
from serving.parameters import no_parameters
from serving.problems import documented
from serving.reach import Reach
from serving.read_models import BatchShown, Shown, SignalShown
from serving.routes.history import AccountId
from serving.store import ScoreStore


class SignalDeclared(Shown):
    """A signal as the catalogue declares it."""

    name: str = Field(description="Its name.", examples=["defect_rate_84d"])
    dimension: str = Field(description="The dimension its points belong to.", examples=["support"])
    unit: str = Field(description="Unit of its value.", examples=["share"])
    meaning: str = Field(description="What it says, in a sentence.", examples=["Share of requests that report defects"])
    direction: int | None = Field(
        description="1: more is better, -1: less is better, null: neither too much nor too little.", examples=[-1]
    )
    lower: float | None = Field(description="Lowest value it can have.", examples=[0.0])
    upper: float | None = Field(description="Highest value it can have; null: none.", examples=[1.0])
    in_model: bool = Field(description="Whether models learn from it.", examples=[True])
    tables: list[str] = Field(description="The tables it is made of.", examples=[["tickets"]])


class Catalogue(Shown):
    """Every signal, grouped by dimension."""

    digest: str = Field(
        description="Changes when any definition does; scores are made with one.", examples=["9b1c5a77d0e2f431"]
    )
    signals: list[SignalDeclared]


class AccountSignals(Shown):
    """An account's signals in the current batch, the largest effect first."""

    account_id: str = Field(description="Identifies the account.", examples=["A-1042"])
    batch: BatchShown
    days_to_renewal: float | None = Field(description="Days from as_of to the renewal.", examples=[91.0])
    term_days: float | None = Field(description="Length of the contract's term, days.", examples=[365.0])
    signals: list[SignalShown]


def router(store: ScoreStore) -> APIRouter:
    """The routes of signals."""
    routes = APIRouter(prefix="/v1", tags=["signals"], dependencies=[Depends(no_parameters)])

    @routes.get(
        "/signals",
        summary="Read the catalogue of signals",
        dependencies=[may("signals:read")],
        responses={200: {"content": {JSON: {"example": example(Catalogue)}}}, **documented(401, 403, 422, 429)},
    )
    def catalogue() -> Catalogue:
        """Name, unit, bounds, direction and meaning of each."""
        return Catalogue(digest=digest(), signals=[SignalDeclared.model_validate(signal) for signal in SIGNALS])

    @routes.get(
        "/accounts/{account_id:path}/signals",
        summary="Read an account's signals",
        response_model=AccountSignals,
        responses={
            200: {"content": {JSON: {"example": example(AccountSignals)}}},
            304: {"description": "The client has this answer already."},
            **documented(401, 403, 404, 422, 429, 503),
        },
    )
    def of_account(request: Request, account_id: AccountId, reach: Annotated[Reach, may("signals:read")]) -> Response:
        """Every signal of the catalogue, also those the model doesn't use, with the points each adds to health."""
        batch = store.current()
        headers = validators(request, JSON, batch)
        if known := not_modified(request, headers):
            return known
        detail = account_detail(store, batch, account_id, reach=reach)
        shown = AccountSignals(batch=BatchShown.model_validate(batch), **detail.model_dump(include=_OF_DETAIL))
        return Response(shown.model_dump_json(), headers=headers, media_type=JSON)

    return routes


_OF_DETAIL = {"account_id", "days_to_renewal", "term_days", "signals"}
