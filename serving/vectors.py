"""Accounts that a request brings as signals: JSON, an Arrow stream or a Parquet file, as one checked frame.

The columns are those of `training.model.Served`, as MLflow calls the model: the signals, `days_to_renewal` and
`term_days` (missing where open-ended) and `segment`; `account_id` is only handed back. A column that isn't there is
missing in every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Annotated, Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter, create_model

from features.catalogue import CATALOGUE
from serving.errors import BadParameter
from serving.signal_values import LARGEST, bounds, fields

ARROW, PARQUET = "application/vnd.apache.arrow.stream", "application/vnd.apache.parquet"
MOST = 10_000
"""Accounts in one request."""
LONGEST_DAYS = 36_500.0

_DAYS: Any = Annotated[float, Field(strict=True, ge=0, le=LONGEST_DAYS)] | None
_TEXT: Any = Annotated[str, Field(max_length=200)] | None
_ABOUT: dict[str, Any] = {
    "account_id": (Annotated[_TEXT, Field(description="Handed back as it is.")], None),
    "segment": (Annotated[_TEXT, Field(description="Peer group.")], None),
    "days_to_renewal": (Annotated[_DAYS, Field(description="Days to the renewal; null: open-ended.")], None),
    "term_days": (Annotated[_DAYS, Field(description="Length of the term, days; null: open-ended.")], None),
}
Vector = create_model(
    "Vector",
    __config__=ConfigDict(extra="forbid", frozen=True),
    __doc__="One account's signals; what isn't given is missing, which is neither good nor bad.",
    **fields(only_in_model=False, missing=True) | _ABOUT,
)

_VECTORS = TypeAdapter(Annotated[list[Vector], Field(max_length=MOST)])
_TEXTS = ("account_id", "segment")
_CLOCK = ("days_to_renewal", "term_days")
SCHEMA: Mapping[str, Any] = {name: pl.String if name in _TEXTS else pl.Float64 for name in Vector.model_fields}


def from_json(body: bytes) -> list[dict[str, Any]]:
    """The rows of a JSON list. Raises pydantic's ValidationError."""
    return [vars(vector) for vector in _VECTORS.validate_json(body)]


def from_columns(body: bytes, media_type: str) -> pl.DataFrame:
    """The frame of an Arrow stream or a Parquet file. Raises BadParameter, which names the column."""
    try:
        frame = (pl.read_parquet if media_type == PARQUET else pl.read_ipc_stream)(BytesIO(body), n_rows=MOST + 1)
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise BadParameter("body", f"the body isn't {media_type}: {str(error).splitlines()[0]}") from error
    if frame.height > MOST:
        raise BadParameter("body", f"there are more than {MOST:,} accounts: send them in parts")
    for name in frame.columns:
        if name not in SCHEMA:
            raise BadParameter(name, f"there is no column {name} here: give signals of the catalogue (/v1/signals)")
    try:
        frame = frame.select(_cast(frame, name) for name in SCHEMA)
    except pl.exceptions.PolarsError as error:
        raise BadParameter("body", f"a column is of the wrong type: {str(error).splitlines()[0]}") from error
    for name in SCHEMA:
        if name not in _TEXTS:
            _check(frame[name])
    return frame


@dataclass(frozen=True)
class Vectors:
    """Accounts as arrays: `values` are rows by the signals they were asked for, NaN where missing, as is the clock."""

    account_ids: list[str | None]
    segments: list[str | None]
    values: NDArray[np.float64]
    days_to_renewal: NDArray[np.float64]
    term_days: NDArray[np.float64]


def of_rows(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> Vectors:
    """Rows of `from_json`, with the signals `names`."""
    columns = (*names, *_CLOCK)
    values = np.array([[row[name] for name in columns] for row in rows], dtype=np.float64).reshape(-1, len(columns))
    ids, segments = ([row[name] for row in rows] for name in _TEXTS)
    return Vectors(ids, segments, values[:, : len(names)], values[:, -2], values[:, -1])


def of_frame(frame: pl.DataFrame, names: Sequence[str]) -> Vectors:
    """A frame with columns of `SCHEMA`, with the signals `names`."""
    columns = (*names, *_CLOCK)
    values = frame.select(pl.col(columns).cast(pl.Float64).fill_null(np.nan)).to_numpy().reshape(-1, len(columns))
    ids, segments = (frame[name].to_list() for name in _TEXTS)
    return Vectors(ids, segments, values[:, : len(names)], values[:, -2], values[:, -1])


def _cast(frame: pl.DataFrame, name: str) -> pl.Expr:
    kind = SCHEMA[name]
    if name not in frame.columns:
        return pl.lit(None, kind).alias(name)
    given = frame.schema[name]
    fits = given in {pl.String, pl.Categorical, pl.Null} if name in _TEXTS else given.is_numeric() or given == pl.Null
    if not fits:
        raise BadParameter(name, f"{name} is {given}: give {'text' if name in _TEXTS else 'numbers'}")
    value = pl.col(name).cast(kind)
    return value if name in _TEXTS else value.fill_nan(None)


def _check(column: pl.Series) -> None:
    lowest, highest = _bounds(column.name)
    wrong = (column < lowest) | (column > highest)
    if column.name in CATALOGUE and CATALOGUE[column.name].unit == "yes/no":
        wrong |= ~column.is_in([0.0, 1.0])
    rows = wrong.fill_null(False).arg_true()
    if len(rows):
        row, ends = rows[0], f"{lowest:g} to {highest:g}" if highest < LARGEST else f"from {lowest:g}"
        raise BadParameter(column.name, f"{column.name} is {column[row]:g} in row {row}: its values lie {ends}")


def _bounds(name: str) -> tuple[float, float]:
    return (0.0, LONGEST_DAYS) if name in _CLOCK else bounds(CATALOGUE[name])
