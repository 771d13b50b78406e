"""`/data`: what came in at the last scoring: sources, coverage, what the check found, and what was put aside."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter, Depends, Request, Response

from serving.access.permission import may
from serving.data_report import CheckShown, CoverageShown, DataShown, FindingShown, TableShown, data_shown
from serving.pages.charts import BOTTOM, LEFT, RIGHT, TOP, WIDTH, Axis, Tick
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import no_parameters

MOST = 6
"""Findings that are named as worth doing something about."""
_HEIGHT, _GAP = 300, 6


@dataclass(frozen=True)
class Pillar:
    """One bar of a histogram; `label` says what it stands for when pointed at."""

    x: float
    y: float
    width: float
    height: float
    count: int
    label: str


@dataclass(frozen=True)
class Histogram:
    """Accounts by coverage, in tenths."""

    pillars: list[Pillar]
    along: list[Tick]


@dataclass(frozen=True)
class ToDo:
    """A finding that can be mended where the data comes from."""

    table: str
    finding: FindingShown


@dataclass(frozen=True)
class PutAside:
    """The rows of one table in quarantine, by reason; a row may have several."""

    table: TableShown
    reasons: list[tuple[str, int]]


@dataclass(frozen=True)
class DataPage(Page):
    """The data that the current scores rest on.

    `to_do`: the gravest findings that something can be done about, and `put_aside`, both empty where nothing was
    checked.
    """

    template: ClassVar[str] = "data.html"
    section: ClassVar[Section] = "data"

    data: DataShown
    histogram: Histogram
    to_do: list[ToDo]
    put_aside: list[PutAside]


@dataclass(frozen=True)
class NoReport(Page):
    """The scores were published without a report of their data: what to do."""

    template: ClassVar[str] = "data_empty.html"
    section: ClassVar[Section] = "data"


def router(desk: Desk) -> APIRouter:
    """The route of the data."""
    routes, store = page_routes(), desk.store

    @routes.get("/data", dependencies=[may("book:read"), Depends(no_parameters)])
    def data(request: Request) -> Response:
        found = data_shown(store, store.current())
        if found is None:
            return shown(request, NoReport())
        page = DataPage(
            data=found,
            histogram=coverage_histogram(found.coverage),
            to_do=worth_doing(found.check) if found.check else [],
            put_aside=put_aside(found.check.tables) if found.check else [],
        )
        return shown(request, page)

    return routes


def worth_doing(check: CheckShown, most: int = MOST) -> list[ToDo]:
    """Errors and warnings that something can be done about: errors first, then by how many rows they are of."""
    found = [
        ToDo(table.table, finding)
        for table in check.tables
        for finding in table.findings
        if finding.to_do and finding.severity != "note"
    ]
    return sorted(found, key=lambda each: (each.finding.severity != "error", -each.finding.rows))[:most]


def put_aside(tables: Sequence[TableShown]) -> list[PutAside]:
    """What is in quarantine, the most rows first."""
    found = []
    for table in tables:
        reasons: Counter[str] = Counter()
        for finding in table.findings:
            if finding.done == "quarantined":
                reasons[finding.rule] += finding.rows
        if table.quarantined:
            found.append(PutAside(table, reasons.most_common()))
    return sorted(found, key=lambda each: -each.table.quarantined)


def coverage_histogram(coverage: CoverageShown) -> Histogram:
    """The tenths of coverage as bars, the tallest as high as the chart."""
    tenths = coverage.tenths
    x, y = Axis(0, len(tenths), LEFT, WIDTH - RIGHT), Axis(0, max([1, *tenths]), _HEIGHT - BOTTOM, TOP + 14)
    step = 100 // len(tenths)
    return Histogram(
        pillars=[
            Pillar(
                x=x.at(at) + _GAP / 2,
                y=y.at(count),
                width=round(x.at(at + 1) - x.at(at) - _GAP, 1),
                height=round(y.start - y.at(count), 1),
                count=count,
                label=f"{at * step} to {(at + 1) * step} %: {count:,} accounts",
            )
            for at, count in enumerate(tenths)
        ],
        along=[Tick(x.at(at), f"{at * step} %") for at in range(0, len(tenths) + 1, 2)],
    )
