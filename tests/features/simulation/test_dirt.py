import csv
import json
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from features.quality import check
from features.simulation import DIRT, simulate
from features.sources import open_source
from features.tables import TABLES


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same company clean and dirty."""
    clean, dirty = tmp_path_factory.mktemp("clean"), tmp_path_factory.mktemp("dirty")
    simulate(clean, accounts=600, dirty=False)
    simulate(dirty, accounts=600)
    return clean, dirty


@pytest.fixture(scope="module")
def planted(pair: tuple[Path, Path]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = json.loads((pair[1] / "truth" / "dirt.json").read_text())
    return counts


def lines(folder: Path, name: str) -> list[list[str]]:
    with (folder / f"{name}.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_a_clean_company_has_none(pair: tuple[Path, Path]) -> None:
    assert json.loads((pair[0] / "truth" / "dirt.json").read_text()) == {}


def test_truth_is_the_same(pair: tuple[Path, Path]) -> None:
    clean, dirty = (pl.read_parquet(folder / "truth" / "truth.parquet") for folder in pair)
    assert clean.equals(dirty)


def test_every_rule_is_planted_somewhere(planted: dict[str, dict[str, int]]) -> None:
    declared = {plant.rule for plants in DIRT.values() for plant in plants} | {"mixed_scale", "stale_table"}
    assert {rule for counts in planted.values() for rule, count in counts.items() if count} == declared
    assert len(declared) == 15
    assert set(DIRT) <= set(TABLES)


@pytest.mark.parametrize("name", ["accounts", "contracts", "engagements", "tickets", "invoices", "milestones"])
def test_extra_rows_are_those_counted(pair: tuple[Path, Path], planted: dict[str, dict[str, int]], name: str) -> None:
    clean, dirty = lines(pair[0], name), lines(pair[1], name)
    in_place = {"spelling", "time_zone", "mixed_scale", "stale_table"}
    extra = sum(count for rule, count in planted[name].items() if rule not in in_place)
    assert len(dirty) - len(clean) == extra
    assert sum(planted[name].values()) / len(clean) < 0.03
    assert sum(len(line) != len(dirty[0]) for line in dirty) == planted[name].get("malformed_line", 0)
    assert extra / len(clean) < 0.02


def test_repaired_and_rejected_nothing_is_lost(pair: tuple[Path, Path]) -> None:
    """But for spelling, offsets and the scale in percent, every clean line is still there."""
    for name in ("accounts", "contracts", "engagements", "tickets", "invoices"):
        clean, dirty = (Counter(tuple(line) for line in lines(folder, name)) for folder in pair)
        changed = [line for line in clean if line not in dirty]
        assert len(changed) / len(clean) < 0.025, name


def test_counts_by_rule(pair: tuple[Path, Path], planted: dict[str, dict[str, int]]) -> None:
    width = lines(pair[1], "tickets")[0]
    tickets = [dict(zip(width, line, strict=True)) for line in lines(pair[1], "tickets")[1:] if len(line) == len(width)]
    counts = planted["tickets"]
    assert sum(row["category"] != row["category"].lower().strip() for row in tickets) == counts["spelling"]
    assert {"DEFECT ", "How-To"} <= {row["category"] for row in tickets}
    assert sum("+02:00" in row["opened_at"] for row in tickets) == counts["time_zone"]
    assert sum(row["channel"] == "fax" for row in tickets) == counts["unknown_category"]
    assert sum(row["account_id"].startswith("A-unknown") for row in tickets) == counts["unknown_account"]
    assert sum(row["severity"] == "9" for row in tickets) == counts["out_of_range"]
    assert sum(row["opened_at"] == "yesterday" for row in tickets) == counts["unparseable"]
    assert (
        sum(row["opened_at"][:19] > "2026" and row["opened_at"] != "yesterday" for row in tickets)
        == counts["after_extract"]
    )
    assert sum(bool(row["csat"]) and float(row["csat"]) > 5 for row in tickets) == counts["mixed_scale"]
    assert all(row["channel"] == "social" for row in tickets if row["csat"] and float(row["csat"]) > 5)
    same = Counter(tuple(row.values()) for row in tickets)
    assert sum(count - 1 for count in same.values()) == counts["duplicate_row"]
    keys = Counter(row["ticket_id"] for row in tickets)
    assert sum(count - 1 for count in keys.values()) == counts["duplicate_row"] + counts["duplicate_key"]


def test_time_zones_name_the_same_instant(pair: tuple[Path, Path]) -> None:
    clean, dirty = ({line[0]: line for line in lines(folder, "tickets")} for folder in pair)
    zoned = [line for line in dirty.values() if "+02:00" in line[2]]
    assert zoned
    for line in zoned:
        moment = pl.Series([line[2]]).str.to_datetime("%Y-%m-%dT%H:%M:%S%z", time_zone="UTC").dt.replace_time_zone(None)
        assert moment.dt.strftime("%Y-%m-%dT%H:%M:%S")[0] == clean[line[0]][2]


def test_json_lines_carry_theirs(pair: tuple[Path, Path], planted: dict[str, dict[str, int]]) -> None:
    broken, rows = 0, []
    for line in (pair[1] / "surveys.jsonl").read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            broken += 1
    assert broken == planted["surveys"]["malformed_line"]
    assert sum(row["score"] == 99.0 for row in rows) == planted["surveys"]["out_of_range"]
    assert sum("responded_at" not in row for row in rows) == planted["surveys"]["missing_value"]


def test_usage_carries_its_own(pair: tuple[Path, Path], planted: dict[str, dict[str, int]]) -> None:
    clean, usage = (pl.read_parquet(folder / "usage_daily.parquet") for folder in pair)
    counts = planted["usage_daily"]
    assert usage.height - clean.height == sum(counts.values())
    assert usage["account_id"].null_count() == counts["missing_value"]
    assert usage.filter(pl.col("active_users") < 0).height == counts["out_of_range"]
    assert usage.filter(pl.col("date") >= pl.date(2026, 1, 1)).height == counts["after_extract"]
    assert usage.height - usage.unique().height == counts["duplicate_row"]
    key = TABLES["usage_daily"].key
    assert usage.height - usage.unique(key).height == counts["duplicate_row"] + counts["duplicate_key"]


def test_the_community_feed_stops(pair: tuple[Path, Path], planted: dict[str, dict[str, int]]) -> None:
    clean, dirty = (max(line[3] for line in lines(folder, "community_threads")[1:]) for folder in pair)
    assert dirty < "2025-11-02T00:00:00" < clean
    assert planted["community_threads"]["stale_table"] == 1


def test_the_check_finds_exactly_what_was_planted(pair: tuple[Path, Path], planted: dict[str, dict[str, int]]) -> None:
    """A finding that isn't about rows, a stale feed, counts as one."""
    found = {name: dict.fromkeys(counts, 0) for name, counts in planted.items()}
    with open_source(pair[1]) as source:
        for finding in check(source).findings:
            found[finding.table][finding.rule] += max(1, finding.count)
    assert found == planted
