"""The signals on an account's page: each with its trend, and how fresh its sources are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.catalogue import CATALOGUE
from serving.pages.charts import Axis, path
from serving.read_models import FreshnessShown, SignalShown
from serving.scores import Status
from serving.templating import in_unit

LEAST = 0.02
"""Share of the larger of two values by which they must differ to be told apart as a trend."""
_WORST_FIRST: Sequence[Status] = ("missing", "stale", "fresh")


@dataclass(frozen=True)
class SignalRow:
    """A signal; `line` and `trend` are its way over the latest moments, None where there was only one.

    `tone` says whether that way is better or worse, empty where it is neither. `status` is the worst of its sources'
    (None: contracts and accounts, which aren't fed), `latest_at` the latest row of any of them for the account.
    """

    signal: SignalShown
    line: str | None
    trend: str
    tone: str
    status: Status | None
    latest_at: datetime | None


def signal_rows(
    signals: Sequence[SignalShown],
    trends: Mapping[str, Sequence[tuple[float, float]]],
    freshness: Mapping[str, FreshnessShown],
) -> list[SignalRow]:
    """The rows of an account's signals, in their order."""
    return [_row(signal, trends.get(signal.name, ()), freshness) for signal in signals]


def _row(
    signal: SignalShown, points: Sequence[tuple[float, float]], freshness: Mapping[str, FreshnessShown]
) -> SignalRow:
    known = CATALOGUE.get(signal.name)
    seen = [freshness[table] for table in (known.tables if known else ()) if table in freshness]
    statuses = {each.status for each in seen}
    rows = [each.latest_at for each in seen if each.latest_at is not None]
    first, last = (points[0][1], points[-1][1]) if points else (0.0, 0.0)
    way = 0 if abs(last - first) <= LEAST * max(abs(first), abs(last)) else 1 if last > first else -1
    better = way * (known.direction or 0) if known else 0
    return SignalRow(
        signal=signal,
        line=_line(points) if len(points) > 1 else None,
        trend=f"{('falling', 'steady', 'rising')[way + 1]}: {in_unit(first, signal.unit)} "
        f"{round(-points[0][0])} days ago, {in_unit(last, signal.unit)} now"
        if len(points) > 1
        else "",
        tone=("worse", "", "better")[better + 1],
        status=next((status for status in _WORST_FIRST if status in statuses), None),
        latest_at=max(rows, default=None),
    )


def _line(points: Sequence[tuple[float, float]]) -> str:
    """A line in a box of 84 by 22, over all of its height; in the middle where nothing moves."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    y = Axis(low, high, 20, 2) if high > low else Axis(low - 1, high + 1, 20, 2)
    x = Axis(points[0][0], points[-1][0], 2, 82)
    return path([(x.at(day), y.at(value)) for day, value in points])
