"""`/accounts/{account_id}`: one account: how it does, why, what changed, what to do, and what people say."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, ClassVar
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field

from features.errors import HealthscoreError
from serving.access.permission import may
from serving.account_timeline import account_timeline
from serving.accounts import account_detail
from serving.actions import ActionGiven, ActionShown, Outcome, actions_of, take_action
from serving.changes import Changes, changes
from serving.history import account_history
from serving.opinions import OpinionGiven, give_opinion
from serving.pages.charts import Chart, Fall, health_chart, risk_chart, waterfall
from serving.pages.desk import Desk
from serving.pages.form import Sent, read
from serving.pages.page import Page, Section, page_routes, shown
from serving.pages.signals import SignalRow, signal_rows
from serving.pages.timeline import TimelineShown, timeline_shown
from serving.pages.what_if_form import WhatIfForm, what_if_form
from serving.parameters import no_parameters
from serving.plays import Plays
from serving.reach import Reach
from serving.read_models import AccountDetail
from serving.risk_curve import risk_curve
from serving.scores import BANDS, Band
from serving.stored_rows import StoredScore, current_score
from serving.trends import signal_trends

SINCE: Sequence[tuple[int, str]] = ((1, "a day"), (7, "a week"), (28, "four weeks"), (182, "half a year"))
MOST_SIGNALS = 12
"""Signals that are shown unless all are asked for: those with the largest effect on health."""
HORIZONS = (30, 90, 180, 365)
OUTCOMES: Sequence[tuple[Outcome, str]] = (
    ("helped", "It helped"),
    ("no_difference", "It made no difference"),
    ("made_worse", "It made things worse"),
    ("cannot_say", "Nobody can say"),
)


class AccountQuery(BaseModel):
    """What an account's page is asked with; `whole`: all signals, and all of the timeline in words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    since: int = Field(28, ge=1, le=3650)
    whole: bool = False


_AS_USUAL = AccountQuery()


@dataclass(frozen=True)
class PlayOffered:
    """A play that is recommended or was begun; `last`: its latest step with this account."""

    id: str
    name: str
    what: str
    because: str | None
    last: ActionShown | None


@dataclass(frozen=True)
class AccountShown(Page):
    """One account. `changed`: the ledger of `since` days, or why there is none; `falls`: the points as drawn."""

    template: ClassVar[str] = "account.html"
    section: ClassVar[Section] = "accounts"

    account: AccountDetail
    health: Chart | None
    moments: int
    risk: Chart
    falls: list[Fall]
    timeline: TimelineShown | None
    changed: Changes | str
    since: int
    whole: bool
    plays: list[PlayOffered]
    taken: list[ActionShown]
    what_if: WhatIfForm
    signals: list[SignalRow]
    bands: Sequence[Band] = tuple(BANDS)
    outcomes: Sequence[tuple[Outcome, str]] = OUTCOMES
    offered_since: Sequence[tuple[int, str]] = SINCE


def router(desk: Desk) -> APIRouter:
    """The routes of an account."""
    routes, store = page_routes(), desk.store
    alone = [Depends(no_parameters)]

    @routes.post("/accounts/{account_id:path}/opinions", dependencies=alone)
    def opinion(
        request: Request, account_id: str, sent: Sent, reach: Annotated[Reach, may("accounts:write")]
    ) -> Response:
        given = read(OpinionGiven, sent)
        give_opinion(store, account_id, given, author=request.state.caller.who, now=desk.clock(), reach=reach)
        return _back(account_id, "opinions")

    @routes.post("/accounts/{account_id:path}/actions", dependencies=alone)
    def action(
        request: Request, account_id: str, sent: Sent, reach: Annotated[Reach, may("accounts:write")]
    ) -> Response:
        given = read(ActionGiven, sent)
        take_action(store, account_id, given, author=request.state.caller.who, now=desk.clock(), reach=reach)
        return _back(account_id, "plays")

    @routes.get("/accounts/{account_id:path}/what-if")
    def what_if(request: Request, account_id: str, reach: Annotated[Reach, may("accounts:read")]) -> Response:
        return shown(request, _page(desk, account_id, reach, dict(request.query_params)))

    @routes.get("/accounts/{account_id:path}")
    def account(
        request: Request,
        account_id: str,
        query: Annotated[AccountQuery, Query()],
        reach: Annotated[Reach, may("accounts:read")],
    ) -> Response:
        return shown(request, _page(desk, account_id, reach, {}, query))

    return routes


def _page(
    desk: Desk, account_id: str, reach: Reach, asked: dict[str, str], query: AccountQuery = _AS_USUAL
) -> AccountShown:
    store, batch = desk.store, desk.store.current()
    account = account_detail(store, batch, account_id, reach=reach, plays=desk.plays, now=desk.clock())
    stored = current_score(store, batch, account_id, reach=reach)
    history = account_history(store, account_id, reach=reach).points
    taken = actions_of(store, account_id, reach=reach).actions
    timeline = account_timeline(store, account_id, reach=reach)
    signals = account.signals if query.whole else account.signals[:MOST_SIGNALS]
    return AccountShown(
        account=account,
        health=health_chart(history),
        moments=len({point.as_of for point in history}),
        risk=risk_chart(_curve(desk, account, stored), account.as_of, account.renewal_at),
        falls=waterfall(account.base_points, account.points),
        timeline=timeline_shown(timeline, history, account.renewal_at, whole=query.whole),
        changed=_changed(desk, account_id, reach, account.as_of.date() - timedelta(days=query.since)),
        since=query.since,
        whole=query.whole,
        plays=_offered(account, taken, desk.plays),
        taken=taken,
        what_if=what_if_form(desk.models, account, stored, asked),
        signals=signal_rows(signals, signal_trends(store, batch, account_id), account.freshness),
    )


def _curve(desk: Desk, account: AccountDetail, stored: StoredScore) -> list[tuple[int, float]]:
    """The risk curve, with only the days that are stored where its model can't be had."""
    try:
        return risk_curve(desk.models, stored)
    except HealthscoreError:
        return [(0, 0.0), *((days, getattr(account, f"risk_{days}d")) for days in HORIZONS)]


def _changed(desk: Desk, account_id: str, reach: Reach, since: date) -> Changes | str:
    try:
        return changes(desk.store, desk.models, account_id, since=since, until=None, reach=reach)
    except HealthscoreError as error:
        return str(error)


def _offered(account: AccountDetail, taken: Sequence[ActionShown], plays: Plays) -> list[PlayOffered]:
    """The plays against the account's reasons, then those begun and without an outcome; `taken` is latest first."""
    last: dict[str, ActionShown] = {}
    for step in taken:
        last.setdefault(step.play, step)
    found = {
        play.id: PlayOffered(play.id, play.name, play.what, play.because, last.get(play.id)) for play in account.plays
    }
    known = {play.id: play for play in plays.all}
    for id_, step in last.items():
        if id_ not in found and step.step != "outcome":
            play = known.get(id_)
            found[id_] = PlayOffered(id_, play.name if play else id_, play.what if play else "", None, step)
    return list(found.values())


def _back(account_id: str, part: str) -> Response:
    return RedirectResponse(f"/accounts/{quote(account_id, safe='')}#{part}", 303)
