"""Scores on their way into the tables: as rows, by COPY where the database has it.

COPY into PostgreSQL takes two thirds of the time of INSERT, and most of that is its own work on the signals.
"""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from pydantic_core import to_json
from sqlalchemy import JSON, Connection, Table, insert

from features.signal import DIMENSIONS
from serving.folding import fold
from serving.schema import score_details, scores
from serving.scores import AccountScore, Band

_POINTS = tuple(f"points_{dimension}" for dimension in DIMENSIONS)
_MADE = {"batch_id", "folded", "settled_band", *_POINTS}
_LISTED = tuple(column.name for column in scores.c if column.name not in _MADE)
_DETAILED = tuple(column.name for column in score_details.c if column.name not in {"batch_id", "signals"})
_of_list = attrgetter(*_LISTED)
_of_detail = attrgetter(*_DETAILED)


def load(connection: Connection, batch_id: str, chunk: Sequence[AccountScore], settled: Mapping[str, Band]) -> None:
    """Write scores and their details; `settled` holds the settled band of each account."""
    listed = [_listed(batch_id, score, settled[score.account_id]) for score in chunk]
    detailed = [(batch_id, *_of_detail(score), _signals(score)) for score in chunk]
    write(connection, scores, ("batch_id", *_LISTED, "folded", "settled_band", *_POINTS), listed)
    write(connection, score_details, ("batch_id", *_DETAILED, "signals"), detailed)


def as_json(value: object) -> str:
    """JSON as the store writes it: numbers exact, not-a-number as null."""
    return to_json(value, inf_nan_mode="null").decode()


def signals_of(stored: Any) -> dict[str, tuple[float | str | None, float]]:
    """Value and points of each signal, as a details row holds them; the first revision wrote a list of objects."""
    if isinstance(stored, list):
        return {signal["name"]: (signal["value"], signal["points"]) for signal in stored}
    told: dict[str, tuple[float | str | None, float]] = stored
    return told


def _signals(score: AccountScore) -> dict[str, tuple[float | str | None, float]]:
    return {signal.name: (signal.value, signal.points) for signal in score.signals}


def _listed(batch_id: str, score: AccountScore, settled: Band) -> tuple[Any, ...]:
    folded = f"{fold(score.name)}\n{fold(score.account_id)}"
    return (batch_id, *_of_list(score), folded, settled, *(score.points.get(dimension) for dimension in DIMENSIONS))


def write(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows to a table, each with a value for each of the columns."""
    if not rows:
        return
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
        return
    is_json = [isinstance(table.c[name].type, JSON) for name in columns]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table.name} ({','.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(
                [as_json(value) if js and value is not None else value for value, js in zip(row, is_json, strict=True)]
            )
