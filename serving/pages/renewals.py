"""`/renewals`: whom to call, by what is expected to be lost, and what is up when."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from serving.access.permission import may
from serving.accounts import choices
from serving.actions import ActionGiven, ActionShown, last_steps, take_action
from serving.csv_rows import as_csv
from serving.headers import CSV
from serving.pages.charts import Chart
from serving.pages.desk import Desk
from serving.pages.form import Sent, read
from serving.pages.page import Page, Section, page_routes, shown
from serving.pages.renewal_charts import Bars, calendar_chart, coverage_chart, span_label
from serving.reach import Reach
from serving.renewal_calendar import Span
from serving.renewals import CSV_COLUMNS, RenewalsQuery, Worklist, flat, worklist

WITHIN: Sequence[tuple[str, str]] = (("30d", "30 days"), ("90d", "90 days"), ("180d", "180 days"), ("365d", "a year"))


ROWS = 25
"""Renewals on one page of the worklist."""


class PlanQuery(RenewalsQuery):
    """As the API's, within the spans the page offers, and which page of the list."""

    within: Literal["30d", "90d", "180d", "365d"] = "90d"
    page: int = Field(1, ge=1, le=500)

    @property
    def rows(self) -> slice:
        """The renewals of that page."""
        return slice(ROWS * (self.page - 1), ROWS * self.page)


@dataclass(frozen=True)
class RenewalsPage(Page):
    """The worklist. `steps`: the latest step of each play with each account of it; `spans`: the calendar in words."""

    template: ClassVar[str] = "renewals.html"
    section: ClassVar[Section] = "renewals"

    work: Worklist
    query: PlanQuery
    choices: dict[str, list[str]]
    calendar: Bars
    spans: list[tuple[str, Span]]
    coverage: Chart | None
    steps: dict[tuple[str, str], ActionShown]
    within: Sequence[tuple[str, str]] = WITHIN


def router(desk: Desk) -> APIRouter:
    """The routes of the renewals."""
    routes, store = page_routes(), desk.store

    @routes.get("/renewals")
    def renewals(
        request: Request, query: Annotated[PlanQuery, Query()], reach: Annotated[Reach, may("accounts:read")]
    ) -> Response:
        batch = store.current()
        work = worklist(store, batch, query, reach=reach, plays=desk.plays, rows=query.rows)
        if query.page > 1 and not work.renewals:  # the list has become shorter since the link was made
            return RedirectResponse(query.link("/renewals", page=None), 303)
        return shown(
            request,
            RenewalsPage(
                work=work,
                query=query,
                choices=choices(store, batch, reach),
                calendar=calendar_chart(work.calendar),
                spans=[(span_label(span), span) for span in work.calendar],
                coverage=coverage_chart(work.curve, query.capacity) if len(work.curve) > 1 else None,
                steps=last_steps(store, [renewal.account_id for renewal in work.renewals]),
            ),
        )

    @routes.get("/renewals.csv")
    def export(query: Annotated[PlanQuery, Query()], reach: Annotated[Reach, may("accounts:read")]) -> Response:
        batch = store.current()
        listed = worklist(store, batch, query, reach=reach, plays=desk.plays).renewals
        headers = {"Content-Disposition": f'attachment; filename="renewals-{batch.as_of:%Y-%m-%d}.csv"'}
        return Response(as_csv(flat(listed), CSV_COLUMNS), headers=headers, media_type=CSV)

    @routes.post("/renewals/{account_id:path}/actions")
    def action(
        request: Request,
        account_id: str,
        query: Annotated[PlanQuery, Query()],
        sent: Sent,
        reach: Annotated[Reach, may("accounts:write")],
    ) -> Response:
        given = read(ActionGiven, sent)
        take_action(store, account_id, given, author=request.state.caller.who, now=desk.clock(), reach=reach)
        return RedirectResponse(f"{query.link('/renewals')}#renewal-{quote(account_id, safe='')}", 303)

    return routes
