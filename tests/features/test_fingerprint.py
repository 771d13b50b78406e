"""The digest of the data: the rows, not their order."""

from datetime import datetime

import polars as pl
import pytest

from features.fingerprint import fingerprint
from features.tables import TABLES, Tables

ROWS = [("a", "Ann"), ("b", None), ("c", "Cem")]


def tables(rows: list[tuple[str, str | None]]) -> Tables:
    made = pl.DataFrame(rows, schema=["account_id", "name"], orient="row")
    missing = [pl.lit(None, kind).alias(name) for name, kind in TABLES["accounts"].schema.items() if name not in made]
    return Tables(datetime(2026, 1, 1), {"accounts": made.with_columns(missing).lazy()})


def test_the_order_of_rows_is_irrelevant() -> None:
    assert fingerprint(tables(ROWS)) == fingerprint(tables(ROWS[::-1]))


@pytest.mark.parametrize(
    "changed",
    [
        ROWS[:2],
        [*ROWS, ROWS[0]],
        [("a", "Ann"), ("b", ""), ("c", "Cem")],
        [("a", "Ann"), ("b", "Cem"), ("c", None)],
        [("a", None), ("b", "Ann"), ("c", "Cem")],
    ],
)
def test_any_change_is_seen(changed: list[tuple[str, str | None]]) -> None:
    assert fingerprint(tables(changed)) != fingerprint(tables(ROWS))
