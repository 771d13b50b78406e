"""Peers: whom an account is compared with.

Those are the customers of the same snapshot, of the same segment and about as long with us. Where fewer than
`FEWEST` of them have a value of the signal, it is all of the segment, and then all customers. The account itself is
among them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl
from numpy.typing import NDArray

from features.engines import lazy, local

FEWEST = 10
AGES = ((365.0, "in their first year"), (3 * 365.0, "in their second or third year"), (np.inf, "of over three years"))
"""Bands of age: the tenure, in days, up to which each reaches."""

_GROUPED_BY: Sequence[Sequence[str]] = (("segment", "age"), ("segment",), ())
_COUNT = "count of "

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Level:
    """One way to group: each row's group (−1: in none), and per group its name, medians and counts by signal."""

    group: Indices
    names: list[str]
    medians: Floats
    counts: Indices


@dataclass(frozen=True)
class Peers:
    """The ways to group the rows of a matrix, the narrowest first."""

    levels: list[Level]

    def of(self, rows: Indices, columns: Indices) -> tuple[Floats, list[str]]:
        """Per cell (row of the matrix, place among the signals): the peers' median and who they are.

        NaN where nobody has a value.
        """
        widest = len(self.levels) - 1
        at = np.full(len(rows), widest)
        for place in range(widest - 1, -1, -1):
            level = self.levels[place]
            group = level.group[rows]
            at[(group >= 0) & (level.counts[group, columns] >= FEWEST)] = place
        medians, who = np.empty(len(rows)), np.empty(len(rows), dtype=object)
        for place, level in enumerate(self.levels):
            here = np.flatnonzero(at == place)
            group = level.group[rows[here]]
            medians[here] = level.medians[group, columns[here]]
            counts = level.counts[group, columns[here]].tolist()
            who[here] = [f"{count:,} {level.names[g]}" for count, g in zip(counts, group.tolist(), strict=True)]
        return medians, who.tolist()


def peers(matrix: pl.DataFrame, names: list[str], told: Sequence[pl.DataFrame] | None = None) -> Peers:
    """The peers of every row of a matrix (as_of, segment, tenure_days and the signals `names`).

    `told` are the `medians` of all customers where the matrix holds only some of them.
    """
    told = medians(matrix, names) if told is None else told
    grouped = nw.from_native(matrix).with_columns(_age()).to_native()
    return Peers([_level(grouped, names, by, level) for by, level in zip(_GROUPED_BY, told, strict=True)])


def medians(matrix: Any, names: list[str]) -> list[pl.DataFrame]:
    """Per way to group, the narrowest first, a row per group: its keys and each signal's median and count.

    `matrix` is of any engine, where the medians are computed; they are small, and are brought here.
    """
    numbers = (nw.col(name).cast(nw.Float64) for name in names)
    grouped = lazy(matrix).with_columns(_age()).select("as_of", *_GROUPED_BY[0], *numbers)
    found = []
    for by in _GROUPED_BY:
        known = grouped.filter(*(~nw.col(name).is_null() for name in by)) if by else grouped
        told = (each for name in names for each in (nw.col(name).median(), nw.col(name).count().alias(_COUNT + name)))
        found.append(local(known.group_by("as_of", *by).agg(*told)).sort("as_of", *by))
    return found


def _age() -> nw.Expr:
    """How long an account has been with us, in words; missing where it isn't known."""
    age = nw.lit(None, nw.String)
    for upto, words in reversed(AGES):
        age = nw.when(nw.col("tenure_days") < upto).then(nw.lit(words)).otherwise(age)
    return age.alias("age")


def _level(grouped: pl.DataFrame, names: list[str], by: Sequence[str], told: pl.DataFrame) -> Level:
    """The groups of a snapshot by `by`; rows that lack one of these are in none."""
    numbered = told.select("as_of", *by).with_columns(pl.Series("group", np.arange(told.height)))
    placed = grouped.select("as_of", *by).join(numbered, on=["as_of", *by], how="left", maintain_order="left")
    group = placed["group"].fill_null(-1).to_numpy()
    titles = [_title(row) for row in told.select(by).iter_rows(named=True)] if by else ["accounts"] * told.height
    middles = told.select(pl.col(names).fill_null(np.nan)).to_numpy().reshape(told.height, len(names))
    counts = told.select(_COUNT + name for name in names).to_numpy().reshape(told.height, len(names))
    return Level(group.astype(np.int64), titles, middles.astype(np.float64), counts.astype(np.int64))


def _title(row: dict[str, Any]) -> str:
    return " ".join(part for part in (row["segment"], "accounts", row.get("age")) if part)
