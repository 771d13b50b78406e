"""Drivers: the signals that help or hurt an account's health most, in words.

A signal's points are against a typical account's, so what everybody has is no driver, and a constant model has none.
Where a table says nothing of an account, its signals are not told one by one: the account was taken as typical.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.catalogue import CATALOGUE
from training.model import words
from training.model.health import HealthModel
from training.model.peers import Peers, peers

MOST = 5
"""Drivers that help, and that hurt, at most."""
LEAST = 0.5
"""Points from which on a signal is a driver, and by which a missing table's points usually vary."""
FIELDS: dict[str, pl.DataType] = {
    "signal": pl.String(),
    "dimension": pl.String(),
    "unit": pl.String(),
    "value": pl.Float64(),
    "peer_median": pl.Float64(),
    "peers": pl.String(),
    "points": pl.Float64(),
    "words": pl.String(),
}
DRIVER = pl.Struct(FIELDS)
"""A driver. Of a table that is missing, `signal` is the table, and there is no value nor peers."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def explained(
    model: HealthModel, matrix: pl.DataFrame, scored: pl.DataFrame, told: Sequence[pl.DataFrame] | None = None
) -> pl.Series:
    """Per row of a matrix, its list of `DRIVER`, the largest first; tables that are missing come last.

    `scored` is `model.score(matrix)`. Peers are told from `matrix`, so give all customers of a snapshot at once, or
    what `training.model.medians` says of all of them.
    `to_list()` gives plain values, fit for JSON.
    """
    names = list(model.card.signals)
    points = scored.select(f"points__{name}" for name in names).to_numpy().reshape(matrix.height, len(names))
    values = matrix.select(pl.col(names).cast(pl.Float64).fill_null(np.nan)).to_numpy().reshape(points.shape)
    found = pl.DataFrame(_found(model, values, points, peers(matrix, names, told)), schema={"row": pl.Int64, **FIELDS})
    found = found.with_columns(pl.col("value", "peer_median").fill_nan(None))
    listed = found.group_by("row", maintain_order=True).agg(pl.struct(*FIELDS).alias("drivers"))
    rows = pl.DataFrame({"row": np.arange(matrix.height)})
    drivers = rows.join(listed, on="row", how="left", maintain_order="left")["drivers"]
    return drivers.fill_null(pl.Series([[]], dtype=pl.List(DRIVER)))


def explained_alone(model: HealthModel, values: Floats, points: Floats) -> list[list[dict[str, Any]]]:
    """The same, as plain values, for accounts without peers: `values` and `points` are rows by the card's signals.

    For a few accounts a frame would cost more than the model.
    """
    listed: list[list[dict[str, Any]]] = [[] for _ in values]
    for row, *told in zip(*_found(model, values, points, None).values(), strict=True):
        listed[row].append({name: None if of != of else of for name, of in zip(FIELDS, told, strict=True)})
    return listed


Columns = dict[str, list[Any]]


def _found(model: HealthModel, values: Floats, points: Floats, compared: Peers | None) -> Columns:
    """The drivers by column, with the `row` each is of: signals by falling size, then missing tables."""
    lacks = model.card.feeds.lacking(values.astype(np.float32), model.card.signals)
    cells = _cells(np.where(_untold(model, list(model.card.signals), lacks), 0.0, points))
    found = _signals(model, values, cells, compared)
    for of_table in _tables(model, points, lacks):
        for name, column in of_table.items():
            found[name] += column
    return found


def _untold(model: HealthModel, names: list[str], lacks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Rows by signals: those made of a table the row lacks."""
    tables = list(model.card.feeds.typical)
    made_of = np.array([[table in CATALOGUE[name].tables for table in tables] for name in names])
    return np.asarray(lacks.astype(np.int64) @ made_of.reshape(len(names), len(tables)).T > 0)


@dataclass(frozen=True)
class _Cells:
    """The drivers' places in the matrix, and their points, by row and falling size."""

    rows: Indices
    columns: Indices
    points: Floats


def _cells(points: Floats) -> _Cells:
    """The `MOST` largest of either sign in every row, none below `LEAST`."""
    most = min(MOST, points.shape[1])
    if not most:
        return _Cells(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))
    order = np.argsort(points, axis=1, kind="stable")
    columns = np.hstack([order[:, :most], order[:, -most:][:, ::-1]])
    rows = np.repeat(np.arange(len(points)), columns.shape[1])
    hurts = np.tile(np.arange(columns.shape[1]) < most, len(points))
    of_cell = points[rows, columns.ravel()]
    keep = np.flatnonzero(np.where(hurts, of_cell <= -LEAST, of_cell >= LEAST))
    keep = keep[np.lexsort((-np.abs(of_cell[keep]), rows[keep]))]
    return _Cells(rows[keep], columns.ravel()[keep], of_cell[keep])


def _signals(model: HealthModel, values: Floats, cells: _Cells, compared: Peers | None) -> Columns:
    nobody = np.full(len(cells.rows), np.nan), [None] * len(cells.rows)
    medians, who = nobody if compared is None else compared.of(cells.rows, cells.columns)
    names = [model.card.signals[column] for column in cells.columns.tolist()]
    told = values[cells.rows, cells.columns].tolist(), medians.tolist(), cells.points.tolist()
    return _columns(
        cells.rows,
        signal=names,
        dimension=[CATALOGUE[name].dimension for name in names],
        unit=[CATALOGUE[name].unit for name in names],
        value=told[0],
        peer_median=told[1],
        peers=list(who),
        points=told[2],
        words=[sentence(name, *cell) for name, *cell in zip(names, *told, strict=True)],
    )


def _tables(model: HealthModel, points: Floats, lacks: NDArray[np.bool_]) -> Iterator[Columns]:
    """A driver for each table that a row lacks and that usually matters, with the points of all its signals."""
    tables, names = list(model.card.feeds.typical), model.card.signals
    varies = np.sqrt(np.diag(np.array(model.card.feeds.covariance))) if tables else np.empty(0)
    for place in np.flatnonzero(varies >= LEAST):
        table, rows = tables[place], np.flatnonzero(lacks[:, place])
        first = [column for column, name in enumerate(names) if CATALOGUE[name].tables[0] == table]
        summed = points[rows][:, first].sum(axis=1).tolist()
        yield _columns(
            rows,
            signal=[table] * len(rows),
            dimension=[CATALOGUE[names[first[0]]].dimension] * len(rows),
            unit=["table"] * len(rows),
            points=summed,
            words=[f"{words.no_data(table)}. {words.effect(of_row)}" for of_row in summed],
        )


def _columns(rows: Indices, **columns: list[Any]) -> Columns:
    """Drivers of `rows`; columns that aren't given are missing."""
    return {"row": rows.tolist(), **{name: columns.get(name, [None] * len(rows)) for name in FIELDS}}


def sentence(name: str, value: float, median: float, points: float) -> str:
    """A driver in words: what it is, what it is for accounts like this one (NaN: unknown), and what that does."""
    return f"{_told(name, value)}{_compared(name, median)}. {words.effect(points)}"


@lru_cache(maxsize=100_000)
def _told(name: str, value: float) -> str:
    """Of many accounts, few are told in words of their own: a third of the time of a batch's drivers."""
    signal = CATALOGUE[name]
    return f"{words.subject(signal)}: {words.known(signal, value)}"


@lru_cache(maxsize=100_000)
def _compared(name: str, median: float) -> str:
    signal = CATALOGUE[name]
    if np.isnan(median):
        return ""
    if signal.unit != "yes/no":
        return f"; accounts like this one: {words.amount(signal, median)}"
    if median == 0.5:
        return "; half of the accounts like this one: yes"
    return f"; most accounts like this one: {words.amount(signal, median)}"
