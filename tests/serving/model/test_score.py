"""Scores of what a request brings: the same as the job's, whichever way they come."""

import json
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from features.catalogue import CATALOGUE, digest
from features.matrix import build
from features.spine import spine
from features.tables import Tables
from serving.vectors import ARROW, PARQUET
from training.model import HealthModel

AS_OF = datetime(2026, 1, 1)
ROWS = 40


@pytest.fixture(scope="module")
def matrix(company: tuple[Tables, HealthModel]) -> pl.DataFrame:
    """The company's customers as of 2026, as the job scored them."""
    tables, _ = company
    return build(tables, spine(tables, [AS_OF])).head(ROWS)


@pytest.fixture(scope="module")
def vectors(matrix: pl.DataFrame) -> pl.DataFrame:
    """What a client would send of them: signals, clock and segment."""
    days = (pl.col("renewal_at") - pl.col("as_of")).dt.total_microseconds() / 86_400e6
    return matrix.with_columns(days_to_renewal=days).select("account_id", "segment", "term_days", *CATALOGUE)


def _arrow(frame: pl.DataFrame) -> bytes:
    body = BytesIO()
    frame.write_ipc_stream(body)
    return body.getvalue()


def _parquet(frame: pl.DataFrame) -> bytes:
    body = BytesIO()
    frame.write_parquet(body)
    return body.getvalue()


def _json(frame: pl.DataFrame) -> bytes:
    return json.dumps(frame.to_dicts()).encode()


WAYS: dict[str, tuple[str, Callable[[pl.DataFrame], bytes]]] = {
    "json": ("application/json", _json),
    "arrow": (ARROW, _arrow),
    "parquet": (PARQUET, _parquet),
    "arrow of other types": (ARROW, lambda frame: _arrow(frame.with_columns(pl.col(pl.Float64).cast(pl.Float32)))),
}


def sent(client: TestClient, body: bytes, media_type: str = "application/json", query: str = "") -> Any:
    return client.post(f"/v1/score{query}", content=body, headers={"Content-Type": media_type})


@pytest.mark.parametrize("way", WAYS)
def test_vectors_score_as_the_job_does(client: TestClient, vectors: pl.DataFrame, way: str) -> None:
    media_type, written = WAYS[way]
    shown = sent(client, written(vectors), media_type)
    assert shown.status_code == 200, shown.text
    stored = {row["account_id"]: row for row in client.get("/v1/accounts?limit=200").json()["accounts"]}
    assert [row["account_id"] for row in shown.json()["scores"]] == vectors["account_id"].to_list()
    for row in shown.json()["scores"]:
        for name in ("health", "health_low", "health_high", "risk_30d", "risk_90d", "risk_180d", "risk_365d",
                     "renewal_risk", "contraction_risk", "coverage"):  # fmt: skip
            assert row[name] == pytest.approx(stored[row["account_id"]][name], abs=1e-9), (row["account_id"], name)
        assert row["band"] == stored[row["account_id"]]["band"]
        assert min(max(row["base_points"] + sum(row["points"].values()), 0), 100) == pytest.approx(row["health"])


def test_accounts_sent_one_by_one_score_as_sent_together(client: TestClient, vectors: pl.DataFrame) -> None:
    together = sent(client, _json(vectors)).json()["scores"]
    alone = [sent(client, _json(vectors[row : row + 1])).json()["scores"][0] for row in range(5)]
    for row, other in zip(alone, together, strict=False):
        assert row["points"] == pytest.approx(other["points"])
        assert [driver["words"] for driver in row["drivers"]] == [driver["words"] for driver in other["drivers"]]
        for name in ("health", "risk_365d", "renewal_risk", "coverage"):
            assert row[name] == pytest.approx(other[name])


def test_drivers_are_the_stored_ones_without_peers(client: TestClient, vectors: pl.DataFrame) -> None:
    for row in sent(client, _json(vectors[:5])).json()["scores"]:
        stored = client.get(f"/v1/accounts/{row['account_id']}").json()["drivers"]
        assert [driver["signal"] for driver in row["drivers"]] == [driver["signal"] for driver in stored]
        for mine, theirs in zip(row["drivers"], stored, strict=True):
            assert mine["points"] == pytest.approx(theirs["points"])
            assert mine["peer_median"] is mine["peers"] is None


@pytest.mark.parametrize(
    "query, status", [("", 200), ("{catalogue}", 200), ("{model}", 200), ("0123456789abcdef", 409), ("x", 422)]
)
def test_the_catalogue_s_digest_is_checked_where_it_is_given(
    client: TestClient, company: tuple[Tables, HealthModel], query: str, status: int
) -> None:
    given = query.format(catalogue=digest(), model=company[1].card.catalogue_digest)
    answer = sent(client, b"[]", query=f"?catalogue_digest={given}" if given else "")
    assert answer.status_code == status
    if status != 200:
        assert [wrong["field"] for wrong in answer.json()["errors"]] == ["catalogue_digest"]


@pytest.mark.parametrize(
    "body, field",
    [
        ([{"no_such_signal": 1}], "0.no_such_signal"),
        ([{}, {"seat_utilization_28d": -1}], "1.seat_utilization_28d"),
        ([{"champion_lost_84d": 0.5}], "0.champion_lost_84d"),
        ([{"open_tickets": "3"}], "0.open_tickets"),
        ([{"days_to_renewal": -3}], "0.days_to_renewal"),
        ([{"account_id": 7}], "0.account_id"),
        ([{}] * 10_001, "body"),
        ({"as_of": "2026-01-01"}, "tables"),
        ({"as_of": "2026-02-30", "tables": {"accounts": [], "contracts": []}}, "as_of"),
        ({"as_of": "2026-01-01", "tables": {"accounts": []}}, "tables.contracts"),
        ({"as_of": "2026-01-01", "tables": {"accounts": [{"id": "a"}], "contracts": []}}, "tables.accounts.0.id"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_json_is_named(client: TestClient, body: object, field: str) -> None:
    answer = sent(client, json.dumps(body).encode())
    assert answer.status_code == 422
    assert field in [wrong["field"] for wrong in answer.json()["errors"]]


@pytest.mark.parametrize(
    "columns, field",
    [
        ({"no_such_signal": [1.0]}, "no_such_signal"),
        ({"seat_utilization_28d": [0.5, -1.0]}, "seat_utilization_28d"),
        ({"champion_lost_84d": [0.5]}, "champion_lost_84d"),
        ({"open_tickets": ["3"]}, "open_tickets"),
        ({"account_id": [7]}, "account_id"),
        ({"open_tickets": [0] * 10_001}, "body"),
    ],
)
@pytest.mark.parametrize("way", ["arrow", "parquet"])
def test_what_is_wrong_with_columns_is_named(
    client: TestClient, columns: dict[str, list[object]], field: str, way: str
) -> None:
    media_type, written = WAYS[way]
    answer = sent(client, written(pl.DataFrame(columns)), media_type)
    assert answer.status_code == 422
    assert [wrong["field"] for wrong in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    "body, media_type, status",
    [
        (b"{", "application/json", 422), (b"\xff", "application/json", 422), (b"", "application/json", 422),
        (b"not arrow", ARROW, 422), (b"", ARROW, 422), (b"PAR1", PARQUET, 422), (b"[]", "text/csv", 415),
        (b"[]", "application/json; charset=utf-8", 200), (b" [{}]", "application/json", 200),
    ],
)  # fmt: skip
def test_bodies_that_are_not_what_they_say(client: TestClient, body: bytes, media_type: str, status: int) -> None:
    answer = sent(client, body, media_type)
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.fixture(scope="module")
def rows(company: tuple[Tables, HealthModel], matrix: pl.DataFrame) -> dict[str, Any]:
    """The rows of two accounts in every table, as JSON has them, and the day."""
    tables, _ = company
    wanted = matrix.sort("tenure_days", descending=True)["account_id"].head(2).to_list()  # they saw a leap day
    sent: dict[str, Any] = {}
    for name, frame in tables.frames.items():
        found = frame.filter(pl.col("account_id").is_in(wanted)).collect().to_dicts()
        sent[name] = [{column: _written(value) for column, value in row.items()} for row in found]
    return {"as_of": "2026-01-01", "tables": sent}


def _written(value: object) -> object:
    if isinstance(value, datetime):
        return f"{value.isoformat()}Z"
    return value.isoformat() if isinstance(value, date) else value


def test_rows_score_as_the_job_does(client: TestClient, rows: dict[str, Any]) -> None:
    answer = client.post("/v1/score", json=rows)
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert len(shown["scores"]) == 2
    for row in shown["scores"]:
        stored = client.get(f"/v1/accounts/{row['account_id']}").json()
        # What is told against all other customers of the day can't be told from two.
        assert row["risk_90d"] == pytest.approx(stored["risk_90d"], rel=0.3)
        assert row["coverage"] == pytest.approx(stored["coverage"], abs=0.1)
        assert row["renewal_risk"] is not None or stored["renewal_risk"] is None


@pytest.mark.parametrize(
    "day, status",
    [("2024-02-29", 200), ("2023-02-29", 422), ("2024-02-30", 422), ("2024-04-31", 422), ("2024-12-31", 200)],
)
def test_a_day_is_one_of_the_calendar(client: TestClient, rows: dict[str, Any], day: str, status: int) -> None:
    assert client.post("/v1/score", json=rows | {"as_of": day}).status_code == status


def test_bad_rows_are_told_of(client: TestClient, rows: dict[str, Any]) -> None:
    contract = rows["tables"]["contracts"][0]
    bad = contract | {
        "contract_id": "backwards",
        "term_start": "2025-06-01T00:00:00Z",
        "term_end": "2024-06-01T00:00:00Z",
    }
    tables = rows["tables"] | {"contracts": [*rows["tables"]["contracts"], bad]}
    shown = client.post("/v1/score", json=rows | {"tables": tables}).json()
    assert len(shown["scores"]) == 2
    assert {"contracts"} <= {each["table"] for each in shown["found"]}


def test_rows_that_leave_nothing_are_refused_with_the_reason(client: TestClient, rows: dict[str, Any]) -> None:
    answer = client.post("/v1/score", json=rows | {"tables": rows["tables"] | {"contracts": []}})
    assert answer.status_code == 409
    assert "contracts" in answer.json()["detail"]
    assert "/tmp" not in answer.text


def test_who_is_no_customer_has_no_score(client: TestClient, rows: dict[str, Any]) -> None:
    assert client.post("/v1/score", json=rows | {"as_of": "2031-01-01"}).json()["scores"] == []
