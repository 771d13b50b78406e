"""The listed columns of one batch, held in memory: what makes a list of 200,000 accounts as quick as one of 2,000.

A batch never changes, so its rows are read once and kept, with the order of each column once somebody sorts by it. Any
filter is then one pass over a column, whatever is asked for together, and no index slows publishing down.
"""

import threading
from collections import OrderedDict
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Boolean, DateTime, Double, select

from serving.schema import scores
from serving.scores import BANDS, Batch
from serving.store import ScoreStore

_KEPT = 4  # batches in memory per store, about 60 MB each at 200,000 accounts

_COLUMNS = [column for column in scores.c if column.name not in {"batch_id", "settled_band"}]
_TYPES: dict[type, Any] = {Double: pl.Float64, DateTime: pl.Datetime("us"), Boolean: pl.Boolean}
_SCHEMA: dict[str, Any] = {column.name: _TYPES.get(type(column.type), pl.String) for column in _COLUMNS}
_SCHEMA["band"] = pl.Enum(BANDS)  # counted in every list, which takes a third of the time of texts


class Snapshot:
    """The rows of a batch in the order of account_id, and their order by any column."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self._orders: dict[tuple[str, bool], NDArray[np.intp]] = {}

    def order(self, column: str, *, descending: bool) -> NDArray[np.intp]:
        """Row numbers, sorted by a column; missing values last, ties in the order of account_id."""
        found = self._orders.get((column, descending))
        if found is None:
            row = pl.int_range(pl.len())
            ranked = self.frame.select(
                row.sort_by([pl.col(column), row], descending=[descending, False], nulls_last=True)
            )
            found = self._orders[column, descending] = ranked.to_series().to_numpy()
        return found

    def row_of(self, account_id: str) -> int | None:
        """The row number of an account, None where it isn't there."""
        return self._rows.get(account_id)

    @cached_property
    def owners(self) -> dict[str, str | None]:
        """Whose each account is."""
        return dict(zip(self.frame["account_id"], self.frame["owner"], strict=True))

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {account_id: row for row, account_id in enumerate(self.frame["account_id"])}


class _Snapshots:
    """The batches that were asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, int], Snapshot] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, store: ScoreStore, batch: Batch) -> Snapshot:
        key = (batch.batch_id, batch.erased)
        with self._lock:  # so that only the first reader of a batch reads it from the database
            if key not in self._kept:
                for before in [kept for kept in self._kept if kept[0] == batch.batch_id]:
                    del self._kept[before]
                self._kept[key] = _read(store, batch)
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(key)
            return self._kept[key]


_snapshots = _Snapshots()


def snapshot_of(store: ScoreStore, batch: Batch) -> Snapshot:
    """The rows of a batch, read once; what has been erased since is gone from them (`Batch.erased` counts it)."""
    return _snapshots.of(store, batch)


def _read(store: ScoreStore, batch: Batch) -> Snapshot:
    query = select(*_COLUMNS).where(scores.c.batch_id == batch.batch_id).order_by(scores.c.account_id)
    with store.reading() as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    return Snapshot(pl.DataFrame(rows, schema=_SCHEMA, orient="row"))
