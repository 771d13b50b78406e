"""The book a batch was published with, read back: its measures and forecasts, and why a measure has no value."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from pydantic import StringConstraints
from sqlalchemy import select

from features.book import BOOK, BookMeasure
from features.book.groups import GROUPINGS, WHOLE
from features.tables import TABLES
from serving.erosion import Erosion, Uplifts, erosion
from serving.errors import CannotAnswer
from serving.feeds import feed_statuses
from serving.read_models import BatchShown, BookPart, BookShown
from serving.schema import books
from serving.scores import Batch, Status
from serving.store import ScoreStore

Grouping = Annotated[str, StringConstraints(pattern=f"^({'|'.join(GROUPINGS)})$")]


@lru_cache(maxsize=16)
def book_shown(store: ScoreStore, batch: Batch, by: str | None = None) -> BookShown:
    """The whole company, or its parts by a grouping; a batch never changes, so it is kept."""
    query = select(books.c.parts).where(books.c.batch_id == batch.batch_id, books.c.grouping == (by or WHOLE))
    with store.reading() as connection:
        parts: list[dict[str, Any]] = connection.scalar(query) or []
    statuses = feed_statuses(store, batch)
    return BookShown(batch=BatchShown.model_validate(batch), by=by, parts=[_part(part, statuses) for part in parts])


def book_erosion(store: ScoreStore, batch: Batch, renewal_rate: float | None, uplifts: Uplifts) -> Erosion:
    """Erosion at a renewal rate, or at the book's own; CannotAnswer where it has none."""
    points = [float(point) for point in uplifts.split(",")]
    if renewal_rate is not None:
        return erosion(renewal_rate, points)
    measures = [measure for part in book_shown(store, batch).parts for measure in part.measures]
    measured = next((measure.value for measure in measures if measure.measure == "renewal_rate"), None)
    if measured is None:
        said = "the book holds no renewal rate: give one, such as 0.824"
        raise CannotAnswer(said, {"renewal_rate": said})
    return erosion(measured, points, measured=True)


def _part(part: dict[str, Any], statuses: Mapping[str, Status]) -> BookPart:
    measures = [_measure(measure, part["measures"].get(name), statuses) for name, measure in BOOK.items()]
    return BookPart.model_validate(part | {"measures": measures})


def _measure(measure: BookMeasure, told: dict[str, Any] | None, statuses: Mapping[str, Status]) -> dict[str, Any]:
    """A measure as it is stored, with what the catalogue says of it."""
    said = {field: getattr(measure, field) for field in ("meaning", "formula", "area", "unit", "direction")}
    missing = None
    if told is None:
        told = dict.fromkeys(("value", "numerator", "denominator", "previous", "target", "status", "trend"))
        missing = "it was not measured when these scores were published"
    elif told["value"] is None:
        missing = _why_missing(measure, statuses)
    return {"measure": measure.name, **said, **told, "missing": missing}


def _why_missing(measure: BookMeasure, statuses: Mapping[str, Status]) -> str:
    absent = [table for table in measure.tables if statuses.get(table) == "missing"]
    if absent:
        return f"there is no table {' and no table '.join(absent)}"
    stopped = [
        table for table in measure.tables if statuses.get(table) == "stale" and TABLES[table].silent_after is not None
    ]
    if stopped:
        return f"{' and '.join(stopped)} {'is' if len(stopped) == 1 else 'are'} no longer fed"
    return f"{' and '.join(measure.tables)} {'holds' if len(measure.tables) == 1 else 'hold'} nothing to measure it by"
