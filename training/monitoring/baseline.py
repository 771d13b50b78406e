"""The baseline: what was usual in the year before a model version was made, in a few numbers beside its artefact.

Thirteen snapshots, a year, are told: all of them together are the reference, so that no season is out of the ordinary,
and how far each of them lay from the rest is how much is usual. Nothing of any account is in it.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from features.periods import PERIODS_A_YEAR
from features.tables import Tables
from training.model import HealthModel
from training.monitoring.histogram import Floats, Histogram, psi
from training.monitoring.readings import Reading, brought, categories, moment_of, numbers, read, silence

SCORES = ("health", "risk_90d", "risk_365d")
"""Columns of the scores that are watched beside the signals."""
BOOK = ""
"""Stands for the whole book where a segment's name would."""
LARGE_ENOUGH = 100
"""Accounts a segment needs to be watched by itself: with fewer, chance alone makes a PSI of 0.1 and more."""


@dataclass(frozen=True)
class Usual:
    """How a signal or a score lay in one part of the book, and the largest PSI of a snapshot of that year against it.

    The histogram counts as many rows as a snapshot had accounts: the same account's snapshots repeat each other.
    `points` is what the signal gave to health on average.
    """

    histogram: Histogram
    wobble: float
    points: float = 0.0


@dataclass(frozen=True)
class Span:
    """The lowest and highest value of a figure among the snapshots, and the fewest values it was told of."""

    low: float
    high: float
    values: int


@dataclass(frozen=True)
class Baseline:
    """What was usual.

    `parts`: segment (`BOOK`: all) to signal or score to what is usual. `readings`: `table.column`, or table, `@` and
    days, to figure to its span. `longest_silence`: table to days. `categories`: `table.column` to its values.
    `weights`: each signal's share in the model's points.
    """

    as_of: datetime
    snapshots: int
    parts: Mapping[str, Mapping[str, Usual]]
    readings: Mapping[str, Mapping[str, Span]]
    longest_silence: Mapping[str, int]
    categories: Mapping[str, list[str]]
    weights: Mapping[str, float]

    def to_json(self) -> str:
        """As text; figures to five digits, which is more than chance leaves certain."""
        return json.dumps(_rounded(_BASELINE.dump_python(self, mode="json")), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Baseline":
        """What `to_json` wrote."""
        return _BASELINE.validate_json(text)


_BASELINE = TypeAdapter(Baseline)


def baseline(tables: Tables, matrix: pl.DataFrame, model: HealthModel) -> Baseline:
    """What was usual in the year before the latest snapshot of `matrix`, one of the whole history up to it."""
    as_of = moment_of(matrix)
    moments = matrix["as_of"].unique().sort().tail(PERIODS_A_YEAR)
    scored = with_scores(matrix.filter(pl.col("as_of").is_in(moments.implode())), model)
    lots = scored.partition_by("as_of", maintain_order=True)
    spans: dict[str, dict[str, Span]] = defaultdict(dict)
    for lot in lots:
        for reading in read(tables, lot, model):
            _widen(spans[key(reading)], reading)
    return Baseline(
        as_of,
        len(lots),
        {part: dict(_usual(lots, model, part)) for part in (BOOK, *large_segments(lots[-1]))},
        dict(spans),
        {table.name: max(silence(tables, table, as_of)) for table in brought(tables) if table.time},
        categories(tables, as_of),
        {name: weight for name, weight in model.card.weights.items() if weight > 0},
    )


def key(reading: Reading) -> str:
    """How a baseline names it."""
    return f"{reading.about}@{reading.days}"


def large_segments(snapshot: pl.DataFrame) -> list[str]:
    """Segments with `LARGE_ENOUGH` accounts, where there are several."""
    sizes = snapshot.drop_nulls("segment").group_by("segment").len()
    large = sizes.filter(pl.col("len") >= LARGE_ENOUGH)["segment"].sort().to_list()
    return large if sizes.height > 1 else []


def in_part(snapshot: pl.DataFrame, part: str) -> pl.DataFrame:
    """The rows of a segment, or all."""
    return snapshot if part == BOOK else snapshot.filter(pl.col("segment") == part)


@dataclass(frozen=True)
class Seen:
    """The values of one signal or score in some rows, NaN where missing, and the mean of the points it gave."""

    values: Floats
    points: float


def with_scores(matrix: pl.DataFrame, model: HealthModel) -> pl.DataFrame:
    """The rows of a matrix with the model's scores beside them; rows that have them already as they are."""
    if "health" in matrix.columns:
        return matrix
    return pl.concat([matrix, model.score(matrix).drop("account_id", "as_of")], how="horizontal")


def watched(scored: pl.DataFrame, model: HealthModel) -> dict[str, Seen]:
    """Every signal of the model, the ARR and the scores, in these rows, which have their scores."""
    signals = list(model.card.signals)
    names = [*signals, "arr_in_force", *SCORES]
    values, points = numbers(scored, names), numbers(scored, [f"points__{name}" for name in signals]).mean(axis=0)
    of_signal = dict(zip(signals, map(float, points), strict=True))
    return {name: Seen(values[:, i], of_signal.get(name, 0.0)) for i, name in enumerate(names)}


def _usual(lots: list[pl.DataFrame], model: HealthModel, part: str) -> Iterator[tuple[str, Usual]]:
    rows = [each for each in (in_part(lot, part) for lot in lots) if each.height]
    seen = [watched(each, model) for each in rows]
    accounts = float(np.mean([each.height for each in rows]))
    for name in seen[-1]:
        values = [each[name].values for each in seen]
        together = Histogram.of(np.concatenate(values))
        usual = together.scaled(accounts)
        points = float(np.mean([each[name].points for each in seen]))
        yield name, Usual(usual, max(psi(usual, together.again(each)) for each in values), points)


def _widen(spans: dict[str, Span], reading: Reading) -> None:
    for figure, value in reading.figures.items():
        values = reading.values[figure]
        had = spans.get(figure, Span(value, value, values))
        spans[figure] = Span(min(had.low, value), max(had.high, value), min(had.values, values))


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
