"""`/`: who needs me now and why, what changed, and what has gone quiet."""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Annotated, ClassVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from features.errors import HealthscoreError
from serving.access.permission import may
from serving.accounts import choices
from serving.changes import changes
from serving.feeds import feed_statuses
from serving.listing import Words
from serving.loaded_models import LoadedModels
from serving.movements import Movements, movements
from serving.opinions import Disagreements, disagreements
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.reach import EVERYTHING, Reach
from serving.read_models import BatchShown
from serving.renewals import RenewalsQuery, Worklist, worklist
from serving.scores import Batch, Status
from serving.silence import Silence, silence
from serving.store import ScoreStore

CALLS = RenewalsQuery(within="90d", capacity=6)
SILENT_DAYS = 60
MOST = 4
EXPLAINED = 2
"""Moves of each kind told in words; the rest stand for themselves."""


class TodayQuery(BaseModel):
    """Whose day it is; without an owner that of everyone in reach."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    owner: Words = ""


@dataclass(frozen=True)
class Since:
    """What moved since an earlier batch; `words`: why, by account, where the ledger could say."""

    title: str
    moved: Movements
    words: dict[str, str]


@dataclass(frozen=True)
class TodayPage(Page):
    """`owner`: whose book it is, empty for all; `owners`: whose it could be; `troubled`: feeds that aren't fresh."""

    template: ClassVar[str] = "today.html"
    section: ClassVar[Section] = "today"

    batch: BatchShown
    owner: str
    owners: list[str]
    calls: Worklist
    changed: list[Since]
    silent: Silence
    troubled: dict[str, Status]
    disagreements: Disagreements


def router(desk: Desk) -> APIRouter:
    """The route of today."""
    routes, store = page_routes(), desk.store

    @routes.get("/")
    def today(
        request: Request, query: Annotated[TodayQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        batch = store.current()
        mine = Reach(query.owner) if query.owner and reach.owner is None else reach
        page = TodayPage(
            batch=BatchShown.model_validate(batch),
            owner=mine.owner or "",
            owners=choices(store, batch, reach)["owner"] if reach.owner is None else [],
            calls=worklist(store, batch, CALLS, reach=mine, plays=desk.plays),
            changed=_changed(desk, batch, mine),
            silent=silence(store, batch, after_days=SILENT_DAYS, reach=mine, most=MOST),
            troubled={table: status for table, status in feed_statuses(store, batch).items() if status != "fresh"},
            disagreements=disagreements(store, batch, now=desk.clock(), reach=mine, limit=MOST),
        )
        return shown(request, page)

    return routes


def _changed(desk: Desk, batch: Batch, reach: Reach) -> list[Since]:
    """What moved since the batch before, and since a week ago where that is another."""
    found: dict[str, Since] = {}
    for title, days in (("Since the last scores", 1), ("Since a week ago", 7)):
        before = desk.store.at(batch.as_of.date() - timedelta(days=days))
        if before is not None and before.batch_id not in found:
            moved = movements(desk.store, batch, before, reach=reach, most=MOST)
            told = [*moved.fallen[:EXPLAINED], *moved.risen[:EXPLAINED]]
            words = {each.account_id: _why(desk, each.account_id, before, batch) for each in told}
            found[before.batch_id] = Since(title, moved, words)
    return list(found.values())


def _why(desk: Desk, account_id: str, before: Batch, batch: Batch) -> str:
    """The largest step of the ledger between two batches; empty where it can't be told."""
    try:
        return _largest_step(desk.store, desk.models, account_id, before, batch)
    except HealthscoreError:
        return ""


@lru_cache(maxsize=4096)
def _largest_step(store: ScoreStore, models: LoadedModels, account_id: str, before: Batch, batch: Batch) -> str:
    """As above, kept: batches never change, nor do model versions."""
    split = changes(store, models, account_id, since=before.batch_id, until=batch.batch_id, reach=EVERYTHING)
    down = split.difference.health < 0
    steps = [entry for entry in split.entries if (entry.health < 0) == down and entry.health]
    return max(steps, key=lambda entry: abs(entry.health)).words if steps else ""
