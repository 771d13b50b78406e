import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from features.errors import SettingsError
from features.simulation import simulate
from features.tables import TABLES

END = datetime(2026, 1, 1)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_arguments_give_the_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("one", 3), ("two", 3), ("other", 4)):
        simulate(tmp_path / name, accounts=60, months=8, seed=seed)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    other = digests(tmp_path / "other")
    assert [file for file, digest in digests(tmp_path / "one").items() if other[file] == digest] == ["mapping.toml"]


@pytest.mark.parametrize("accounts, months", [(1, 1), (5, 3), (2, 120)])
def test_small_companies_work(tmp_path: Path, accounts: int, months: int) -> None:
    said: list[str] = []
    simulate(tmp_path, accounts=accounts, months=months, progress=said.append)
    assert len(list(tmp_path.glob("*.csv"))) == 9
    assert said[-1] == "truth written"


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"accounts": 0}, "accounts is 0: give 1 or more"),
        ({"months": 0}, "months is 0: give 1 or more"),
        ({"seed": -1}, "seed is -1: give 0 or more"),
        ({"months": 1000}, "240 months at most"),
        ({"end": datetime(2026, 1, 1, 12)}, "give a midnight in UTC without a zone"),
        ({"end": datetime(2026, 1, 1, tzinfo=UTC)}, "give a midnight in UTC without a zone"),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        simulate(tmp_path, **arguments)  # type: ignore[arg-type]


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="is a file"):
        simulate(tmp_path / "file")


@pytest.mark.parametrize("name", sorted(TABLES.keys() - {"usage_events"}))
def test_every_table_is_there_and_true_to_its_declaration(read, name: str) -> None:
    frame, table = read(name), TABLES[name]
    assert frame.height > 500
    assert set(frame.columns) <= set(table.schema)
    assert set(table.schema) - set(frame.columns) <= {"available_at"}
    if table.key:
        assert not frame.select(table.key).is_duplicated().any()
    for column in table.columns:
        if column.name not in frame.columns:
            continue
        values = frame[column.name].drop_nulls()
        assert len(values), column.name
        assert not column.required or len(values) == frame.height, column.name
        assert column.lower is None or values.min() >= column.lower, column.name
        assert column.upper is None or values.max() <= column.upper, column.name
        assert column.values is None or set(values) <= set(column.values), column.name
        if column.known_with:
            unknown = frame.filter(pl.col(column.known_with).is_null())
            assert unknown[column.name].null_count() == unknown.height, column.name
    for interval in table.intervals:
        assert frame.filter(pl.col(interval.end) < pl.col(interval.start)).is_empty()


@pytest.mark.parametrize("name", sorted(TABLES.keys() - {"usage_events"}))
def test_nothing_is_known_before_it_happens(read, name: str) -> None:
    frame = read(name)
    allowed = {"contracts": {"term_start", "term_end"}, "milestones": {"planned_at"}}.get(name, {"due_at"})
    for column, kind in frame.schema.items():
        if kind in (pl.Date, pl.Datetime) and column not in allowed:
            assert frame.filter(pl.col(column) >= END).is_empty(), column


def test_only_customers_act(read) -> None:
    """Every event lies within a stay, as the contracts tell it (renewals signed late included)."""
    main = read("contracts").filter(pl.col("contract_id").str.ends_with("A"))
    stay = main.group_by("account_id", "contract_id").agg(
        first=pl.col("term_start").min(), last=pl.col("term_end").max()
    )
    times = {name: TABLES[name].time for name in ("usage_daily", "tickets", "engagements", "surveys", "invoices")}
    for name, time in {**times, "milestones": "reached_at", "objectives": "achieved_at"}.items():
        events = read(name).drop_nulls(time).sample(1000, seed=1).with_row_index().join(stay, on="account_id")
        inside = events.filter(
            (pl.col(time) >= pl.col("first")) & (pl.col(time) < pl.col("last") + pl.duration(days=28))
        )
        assert inside["index"].n_unique() == events["index"].n_unique(), name


def test_usage_stays_within_seats_and_weeks_have_weekends(read) -> None:
    usage = read("usage_daily").filter(product="atlas")
    seats = (
        read("contracts")
        .filter(pl.col("contract_id").str.ends_with("A"))
        .group_by("account_id")
        .agg(pl.col("seats").max())
    )
    assert usage.join(seats, on="account_id").filter(pl.col("active_users") > pl.col("seats")).is_empty()
    assert usage.filter(
        (pl.col("advanced_users") > pl.col("active_users")) | (pl.col("events") < pl.col("active_users"))
    ).is_empty()
    by_day = usage.group_by(pl.col("date").dt.weekday()).agg(pl.col("active_users").sum()).sort("date")["active_users"]
    assert max(by_day[5:]) < 0.4 * min(by_day[:5])


def test_some_accounts_send_no_usage_and_some_rows_arrive_late(read) -> None:
    share = read("usage_daily")["account_id"].n_unique() / read("accounts").height
    assert 0.80 < share < 0.92
    for name in ("usage_daily", "tickets", "engagements", "surveys", "invoices", "incidents"):
        late = read(name).filter(pl.col("available_at").is_not_null())
        assert 0.01 < late.height / read(name).height < 0.10
        assert late.filter(pl.col("available_at") < pl.col(TABLES[name].time) + timedelta(days=1)).is_empty()
