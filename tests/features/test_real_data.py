"""The three real sets, read through the example mappings; what is known of them must come out."""

from pathlib import Path

import polars as pl
import pytest

from features.findings import Checked
from features.quality import check
from features.sources import open_source

DATA = Path(__file__).parents[3] / "shared" / "data"
MAPPINGS = Path(__file__).parent / "mappings"

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data, which is not part of the repository"),
]


@pytest.fixture(scope="module")
def sets() -> dict[str, Checked]:
    found = {}
    for name in ("oulad", "churnsim", "online_retail"):
        with open_source(DATA / name, MAPPINGS / f"{name}.toml") as source:
            found[name] = check(source)
    return found


def counts(result: Checked, table: str) -> dict[str, int]:
    return {finding.rule: finding.count for finding in result.findings if finding.table == table and finding.count}


def rows(result: Checked) -> dict[str, tuple[int, int]]:
    return {name: (read, result.rows_quarantined(name)) for name, read in result.rows_read.items()}


def test_oulad(sets: dict[str, Checked]) -> None:
    result = sets["oulad"]
    assert rows(result) == {"accounts": (21_333, 0), "contracts": (27_658, 66), "objectives": (201_809 + 117_638, 0)}
    assert counts(result, "contracts") == {"withdrawn_without_date": 6, "left_before_known": 60, "end_before_start": 30}
    # Submitted after leaving, on the day of leaving, after the end, and by those whose day of leaving nobody knows; and
    # marks, two weeks after the work, that came when the student had left or the course had ended.
    assert counts(result, "objectives") == {"after_extract": 34 + 36, "outside_contract": 180 + 30 + 1 + 13 + 1_152}
    contracts = result.tables["contracts"].collect()
    assert contracts["product"].unique().str.tail(5).unique().sort().to_list() == ["2013B", "2013J", "2014B"]
    amended = contracts.filter(pl.col("available_at") > pl.col("term_start"))
    assert (amended["available_at"] == amended["term_end"]).all()
    # 30 left before any day is known on which they took part, one after the course had ended.
    assert amended.height + contracts.filter(pl.col("term_end") == pl.col("term_start")).height == 6_333 - 30 - 1


def test_churnsim(sets: dict[str, Checked]) -> None:
    result = sets["churnsim"]
    assert rows(result) == {"accounts": (1_908, 0), "contracts": (15_620, 2), "usage_daily": (550_008, 0)}
    contracts = result.tables["contracts"].collect()
    assert contracts["account_id"].n_unique() == 1_908
    assert sorted(contracts["seats"].unique()) == [5, 10, 25, 50, 100]


def test_online_retail(sets: dict[str, Checked]) -> None:
    result = sets["online_retail"]
    assert counts(result, "owner.lines") == {
        "line_without_customer": 135_080,
        "duplicate_line": 5_268,
        "cancellation": 9_288,
        "negative_quantity": 10_624,
        "price_not_positive": 2_517,
    }
    assert rows(result) == {
        "accounts": (4_338, 0),
        "contracts": (18_532, 0),
        "usage_daily": (16_763, 0),
        "owner.lines": (541_909, 149_217),
    }
    assert counts(result, "contracts") == {"order_lapse": 18_532}
