"""Peers: whom an account is compared with.

Those are the customers of the same snapshot, of the same segment and about as long with us. Where fewer than
`FEWEST` of them have a value of the signal, it is all of the segment, and then all customers. The account itself is
among them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

FEWEST = 10
AGES = ((365.0, "in their first year"), (3 * 365.0, "in their second or third year"), (np.inf, "of over three years"))
"""Bands of age: the tenure, in days, up to which each reaches."""

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


def peers(matrix: pl.DataFrame, names: list[str]) -> Peers:
    """The peers of every row of a matrix (as_of, segment, tenure_days and the signals `names`)."""
    age = pl.lit(None, pl.String)
    for upto, words in reversed(AGES):
        age = pl.when(pl.col("tenure_days") < upto).then(pl.lit(words)).otherwise(age)
    grouped = matrix.select("as_of", "segment", *(pl.col(name).cast(pl.Float64) for name in names), age=age)
    return Peers([_level(grouped, names, *by) for by in (("segment", "age"), ("segment",), ())])


def _level(grouped: pl.DataFrame, names: list[str], *by: str) -> Level:
    """The groups of a snapshot by `by`; rows that lack one of these are in none."""
    keys = ["as_of", *by]
    rows = grouped.with_row_index("row").drop_nulls(list(by))
    found = rows.group_by(keys, maintain_order=True).agg(
        pl.col("row"), pl.col(names).median(), pl.col(names).count().name.prefix("count of ")
    )
    group = np.full(grouped.height, -1, dtype=np.int64)
    members = found.select(pl.int_range(pl.len()).alias("group"), "row").explode("row")
    group[members["row"].to_numpy()] = members["group"].to_numpy()
    titles = [_title(row) for row in found.select(by).iter_rows(named=True)] if by else ["accounts"] * found.height
    medians = found.select(pl.col(names).fill_null(np.nan)).to_numpy().reshape(found.height, len(names))
    counts = found.select(f"count of {name}" for name in names).to_numpy().reshape(found.height, len(names))
    return Level(group, titles, medians.astype(np.float64), counts.astype(np.int64))


def _title(row: dict[str, Any]) -> str:
    return " ".join(part for part in (row["segment"], "accounts", row.get("age")) if part)
