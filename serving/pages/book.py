"""`/book`: the company or its parts: revenue at risk, retention, the eight headlines, and what becomes of the base."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BeforeValidator, Field

from features.book import HEADLINES
from features.signal import DIMENSIONS
from serving.access.permission import may
from serving.engagement_health import EngagementHealth, engagement_health
from serving.erosion import Erosion, Uplifts
from serving.errors import CannotAnswer
from serving.kept_book import Grouping, book_erosion, book_shown
from serving.pages.book_charts import ErosionChart, Range, Scale, erosion_chart
from serving.pages.desk import Desk
from serving.pages.page import Page, Section, page_routes, shown
from serving.parameters import Asked
from serving.read_models import BatchShown, BookPart, MeasureShown
from serving.scores import BANDS, Band, Batch
from serving.store import ScoreStore
from serving.templating import in_unit

GROUPINGS: Sequence[tuple[str, str]] = (
    ("segment", "Segment"),
    ("region", "Region"),
    ("channel", "Channel"),
    ("owner", "Owner"),
    ("product", "Product"),
    ("contract_size", "Contract size"),
)

COLUMNS: Sequence[tuple[str, tuple[str, ...]]] = (
    ("The year behind", ("nrr", "grr", "expansion", "contraction", "revenue_churn", "customer_retention",
                         "renewal_rate")),
    ("The eight headlines", HEADLINES),
    ("Engagement and support", ("base_engaged", "touches_per_customer", "defect_share", "defect_cost",
                                "cost_to_serve", "service_margin")),
    ("Services", ("attach_rate", "service_coverage", "service_coverage_arr", "step_ups", "direct_service_revenue")),
    ("Community", ("thread_density", "deflection", "knowledge_gap", "community_sentiment", "loyalists",
                   "social_interactions")),
)  # fmt: skip
"""The measures that groups are compared by, in tables of their own."""

AREA_TITLES: Mapping[str, str] = {
    "retention": "Retention",
    "services": "Services",
    "engagement": "Engagement",
    "community": "Community",
    "social": "Social media and loyalists",
    "economics": "Defects and what support costs",
}


class BookPageQuery(Asked):
    """What the book is asked with; the renewal rate is in per cent, as people write it."""

    by: Grouping | None = None
    rate: float | None = Field(None, ge=0, le=100)
    uplift: Annotated[Uplifts, BeforeValidator(lambda text: str(text).replace(" ", ""))] = "5,10"


@dataclass(frozen=True)
class PartTold:
    """A part of the book; `nrr` and `grr`: the year behind and the year ahead, as places on the page's scale."""

    group: str
    part: BookPart
    measures: dict[str, MeasureShown]
    nrr: Range
    grr: Range


@dataclass(frozen=True)
class Cell:
    """A measure of a group, written in its unit; None where it isn't measured. `status` is that of its target."""

    text: str | None
    status: str | None


@dataclass(frozen=True)
class Compared:
    """Measures that groups are compared by: a row for each group, the whole company last.

    `missing`: why the whole company has no value of some of them.
    """

    title: str
    names: tuple[str, ...]
    rows: list[tuple[str, list[Cell]]]
    missing: list[str]


@dataclass(frozen=True)
class BookTold:
    """The whole company (None where the batch was published without a book), its parts, and both on one scale."""

    whole: PartTold | None
    parts: list[PartTold]
    scale: Scale
    compared: list[Compared]


@dataclass(frozen=True)
class AreaTold:
    """The measures of one topic; `missing`: why there are none, where that is the same for all."""

    name: str
    title: str
    measures: list[MeasureShown]
    missing: str | None


@dataclass(frozen=True)
class BookPage(Page):
    """The book. `whole` is None where the batch was published without one; `parts` are those of `query.by`.

    `headlines` come with the dimension each stands for; `has_targets`: whether any measure has one; `erosion` is None
    where no renewal rate is asked for or measured.
    """

    template: ClassVar[str] = "book.html"
    section: ClassVar[Section] = "book"

    batch: BatchShown
    query: BookPageQuery
    whole: PartTold | None
    parts: list[PartTold]
    scale: Scale
    compared: list[Compared]
    headlines: list[tuple[str, MeasureShown]]
    areas: dict[str, AreaTold]
    has_targets: bool
    engagement: EngagementHealth
    erosion: Erosion | None
    erosion_lines: ErosionChart | None
    groupings: Sequence[tuple[str, str]] = GROUPINGS
    bands: Sequence[Band] = tuple(BANDS)


def router(desk: Desk) -> APIRouter:
    """The route of the book."""
    routes, store = page_routes(), desk.store

    @routes.get("/book", dependencies=[may("book:read")])
    def book(request: Request, query: Annotated[BookPageQuery, Query()]) -> Response:
        batch = store.current()
        told = _book_told(store, batch, query.by)
        whole = told.whole
        rate = None if query.rate is None else query.rate / 100
        try:
            erosion = book_erosion(store, batch, rate, query.uplift)
        except CannotAnswer:
            erosion = None
        return shown(
            request,
            BookPage(
                batch=BatchShown.model_validate(batch),
                query=query,
                whole=whole,
                parts=told.parts,
                scale=told.scale,
                compared=told.compared,
                headlines=_headlines(whole),
                areas=_areas(whole),
                has_targets=whole is not None and any(m.target is not None for m in whole.measures.values()),
                engagement=engagement_health(store, batch),
                erosion=erosion,
                erosion_lines=None if erosion is None else erosion_chart(erosion),
            ),
        )

    return routes


@lru_cache(maxsize=16)
def _book_told(store: ScoreStore, batch: Batch, by: str | None) -> BookTold:
    """A batch never changes, so what its book says is kept."""
    parts = book_shown(store, batch, by).parts if by else []
    whole = next(iter(book_shown(store, batch).parts), None)
    of_scale = parts if whole is None else [whole, *parts]
    scale = Scale.of(share for part in of_scale for share in _retention(part))
    told = None if whole is None else _told(whole, scale)
    parts_told = [_told(part, scale) for part in parts]
    return BookTold(told, parts_told, scale, _compared(parts_told, told) if parts_told and told else [])


def _told(part: BookPart, scale: Scale) -> PartTold:
    measures = {measure.measure: measure for measure in part.measures}
    nrr, grr = (
        scale.range(*_outlook(part, name, measures[name].value if name in measures else None))
        for name in ("nrr", "grr")
    )
    return PartTold(part.group, part, measures, nrr, grr)


def _outlook(part: BookPart, name: str, measured: float | None) -> tuple[float | None, ...]:
    """What was measured, what is forecast, and the ends of its interval."""
    ends = [None if part.forecast is None else getattr(part.forecast, f"{name}{end}") for end in ("", "_low", "_high")]
    return measured, *ends


def _retention(part: BookPart) -> Sequence[float | None]:
    measured = {measure.measure: measure.value for measure in part.measures}
    return [share for name in ("nrr", "grr") for share in _outlook(part, name, measured[name])]


def _compared(parts: Sequence[PartTold], whole: PartTold) -> list[Compared]:
    rows = [(part.group, part.measures) for part in parts] + [("Whole company", whole.measures)]
    return [
        Compared(
            title,
            names,
            [(group, [_cell(measures[name]) for name in names]) for group, measures in rows],
            sorted({reason for name in names if (reason := whole.measures[name].missing)}),
        )
        for title, names in COLUMNS
    ]


def _cell(measure: MeasureShown) -> Cell:
    return Cell(None if measure.value is None else in_unit(measure.value, measure.unit), measure.status)


def _headlines(told: PartTold | None) -> list[tuple[str, MeasureShown]]:
    """The eight, each with the dimension it is of."""
    pairs = zip(DIMENSIONS, HEADLINES, strict=True)
    return [] if told is None else [(dimension, told.measures[name]) for dimension, name in pairs]


def _areas(told: PartTold | None) -> dict[str, AreaTold]:
    if told is None:
        return {}
    found = {}
    for name, title in AREA_TITLES.items():
        measures = [each for each in told.measures.values() if each.area == name]
        reasons = {each.missing for each in measures}
        found[name] = AreaTold(name, title, measures, reasons.pop() if len(reasons) == 1 else None)
    return found
