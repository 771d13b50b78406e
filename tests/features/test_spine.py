from datetime import datetime

import polars as pl
import pytest

from features import Tables, spine
from features.errors import SettingsError, UnusableData
from features.tables import CONTRACTS

AS_OFS = [datetime(2024, 7, 1), datetime(2025, 1, 1)]


def tables() -> Tables:
    start = datetime(2024, 1, 1)
    rows = [
        {"contract_id": "1", "account_id": "B", "term_start": start, "term_end": None, "arr": 1.0},
        {"contract_id": "2", "account_id": "A", "term_start": start, "term_end": AS_OFS[1], "arr": 1.0},
        {"contract_id": "3", "account_id": "A", "term_start": start, "term_end": None, "arr": 0.0},
        {"contract_id": "4", "account_id": "Late", "term_start": start, "arr": 1.0, "available_at": AS_OFS[1]},
    ]
    return Tables(AS_OFS[1], {"contracts": pl.LazyFrame(rows, schema=CONTRACTS.schema)})


def test_one_row_per_customer_and_moment_in_order() -> None:
    found = spine(tables(), AS_OFS[::-1])
    # A keeps a contract without revenue, which makes no customer.
    assert found.rows() == [("A", AS_OFS[0]), ("B", AS_OFS[0]), ("B", AS_OFS[1]), ("Late", AS_OFS[1])]
    assert found.schema == {"account_id": pl.String, "as_of": pl.Datetime("us")}


def test_no_moments_no_rows() -> None:
    assert spine(tables(), []).is_empty()


def test_a_moment_with_a_time_of_day_is_refused() -> None:
    with pytest.raises(SettingsError, match="must be a midnight"):
        spine(tables(), [datetime(2024, 7, 1, 9)])


def test_contracts_must_be_there() -> None:
    with pytest.raises(UnusableData, match="there is no table contracts"):
        spine(tables().without("contracts"), AS_OFS)
