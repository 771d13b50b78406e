"""Feeds that are missing: what an account is taken for where a source says nothing of it.

A row lacks a table where every signal made of that table alone is missing. Missing is neither good nor bad: such a row
is scored with the values of a typical account, the one whose points from that table were nearest to the average of all
accounts when the model was trained. What isn't known widens the interval instead, by as much as those points vary from
account to account.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from features.catalogue import CATALOGUE

Floats = NDArray[np.float64]


@lru_cache(maxsize=256)
def made_of(table: str, names: tuple[str, ...]) -> list[int]:
    """The places among `names` of the signals made of that table alone."""
    return [place for place, name in enumerate(names) if CATALOGUE[name].tables == (table,)]


@dataclass(frozen=True)
class Feeds:
    """Per table: the typical account's signals, and how the points from the tables vary together.

    `typical`: table to signal to value, without those that the typical account misses. `covariance`: tables by tables,
    in points², in the order of `typical`.
    """

    typical: dict[str, dict[str, float]]
    covariance: list[list[float]]

    def lacking(self, values: NDArray[np.float32], names: Sequence[str]) -> NDArray[np.bool_]:
        """Rows by tables: which tables each row lacks."""
        missing = np.isnan(values)
        lacks = np.zeros((len(values), len(self.typical)), dtype=bool)
        for column, table in enumerate(self.typical):
            alone = made_of(table, tuple(names))
            if alone:
                lacks[:, column] = missing[:, alone].all(axis=1)
        return lacks

    def filled(
        self, values: NDArray[np.float32], lacks: NDArray[np.bool_], names: Sequence[str]
    ) -> NDArray[np.float32]:
        """`values` with the typical account's where a table is lacking."""
        if not lacks.any():
            return values
        filled = values.copy()
        column = {name: i for i, name in enumerate(names)}
        for at, of_table in enumerate(self.typical.values()):
            rows = np.flatnonzero(lacks[:, at])
            for name, value in of_table.items():
                absent = rows[np.isnan(filled[rows, column[name]])]
                filled[absent, column[name]] = value
        return filled

    def variance(self, lacks: NDArray[np.bool_]) -> Floats:
        """The variance of health, in points², that comes from what each row lacks."""
        lacking = lacks.astype(np.float64)
        return np.asarray(np.einsum("ri,ij,rj->r", lacking, np.array(self.covariance), lacking, optimize=True))


def feeds(values: NDArray[np.float32], points: Floats, names: Sequence[str]) -> Feeds:
    """What is typical, from rows by signals and their points.

    A signal made of several tables counts with the first of them. The contracts' signals are always there.
    """
    tables = sorted({table for name in names for table in CATALOGUE[name].tables} - {"contracts"})
    nothing = Feeds({table: {} for table in tables}, [])
    lacks = nothing.lacking(values, names)
    typical: dict[str, dict[str, float]] = {}
    varying = []
    for at, table in enumerate(tables):
        of_table = [i for i, name in enumerate(names) if table in CATALOGUE[name].tables]
        first = [i for i in of_table if CATALOGUE[names[i]].tables[0] == table]
        there = np.flatnonzero(~lacks[:, at])
        summed = points[:, first].sum(axis=1)
        mean = summed[there].mean() if len(there) else 0.0
        varying.append(np.where(lacks[:, at], 0.0, summed - mean))
        typical[table] = {}
        if len(there):
            nearest = there[np.argmin(np.abs(summed[there] - mean))]
            typical[table] = {names[i]: float(values[nearest, i]) for i in of_table if not np.isnan(values[nearest, i])}
    covariance = np.atleast_2d(np.cov(np.array(varying), bias=True)) if tables else np.zeros((0, 0))
    return Feeds(typical, [[round(float(cell), 6) for cell in row] for row in covariance])
