"""The API: its answers, its errors, its document."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.read_models import AccountDetail, AccountPage, AccountRow
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

README = Path(__file__).parents[2] / "serving" / "README.md"

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]


@pytest.fixture
def empty(sqlite: ScoreStore) -> Iterator[TestClient]:
    """The service on a store without scores."""
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(empty: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore]) -> TestClient:
    """The service on the cast."""
    sqlite.publish(make_batch(len(cast)), cast)
    return empty


def problem(response: Any, status: int) -> dict[str, Any]:
    """The problem an answer holds, after checking its shape."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors"} == {"type", "title", "status", "detail", "instance", "request_id"}
    assert body["status"] == status
    assert body["instance"] == response.request.url.path
    assert response.headers["x-content-type-options"] == "nosniff"
    return body


def test_a_list_says_where_its_numbers_come_from(client: TestClient) -> None:
    body = client.get("/v1/accounts", params={"limit": 2}).json()
    assert {name: body["batch"][name] for name in ("as_of", "known_at", "model_version", "mode")} == {
        "as_of": "2026-11-01T00:00:00Z",
        "known_at": "2026-11-01T04:00:00Z",
        "model_version": "7",
        "mode": "learned",
    }
    assert body["totals"] == {
        "accounts": 6,
        "arr": 11000.0,
        "arr_at_risk": 2550.0,
        "bands": {"healthy": 2, "at_risk": 3, "critical": 1},
    }
    assert [row["account_id"] for row in body["accounts"]] == ["fade", "newborn"]
    assert body["superseded"] is False


def test_links_lead_through_all_pages_and_back(client: TestClient) -> None:
    response = client.get("/v1/accounts", params={"limit": 4, "sort": "name"})
    assert set(response.links) == {"next"}
    following = client.get(response.links["next"]["url"])
    assert [row["name"] for page in (response, following) for row in page.json()["accounts"]] == [
        "=Boundary", "Élan Newborn", "Fade", "Quiet & <Sons>", "Returned", "Thrive",
    ]  # fmt: skip
    assert set(following.links) == {"prev"}
    assert client.get(following.links["prev"]["url"]).json()["accounts"] == response.json()["accounts"]


def test_one_account(client: TestClient) -> None:
    body = client.get("/v1/accounts/quiet").json()
    assert body["points"] == {"adoption": -6.5, "support": 2.25}
    assert body["base_points"] + sum(body["points"].values()) == body["health"]
    assert [(each["name"], each["value"], each["points"]) for each in body["signals"]] == [
        ("active_users_mean_84d", 3.5, -6.5),
        ("tickets_count_84d", None, 2.25),
    ]
    assert body["freshness"] == {
        "tickets": {"latest_at": None, "status": "missing"},
        "usage_daily": {"latest_at": "2026-11-01T00:00:00Z", "status": "fresh"},
    }
    assert (body["as_of"], body["model_version"], body["renewal_risk"]) == ("2026-11-01T00:00:00Z", "7", None)


def test_an_account_id_may_hold_a_slash(client: TestClient) -> None:
    assert client.get("/v1/accounts/boundary%2F1").json()["account_id"] == "boundary/1"


def test_a_cursor_stays_with_its_batch(
    client: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    first = client.get("/v1/accounts", params={"limit": 3})
    sqlite.publish(make_batch(1, day=1), [make_score("late")])
    second = client.get(first.links["next"]["url"]).json()
    assert [row["account_id"] for row in second["accounts"]] == ["returned", "thrive", "boundary/1"]
    assert second["superseded"] is True
    assert second["batch"] == first.json()["batch"]
    assert client.get("/v1/accounts").json()["accounts"][0]["account_id"] == "late"


@pytest.mark.parametrize("query", ["", "sort=health", "sort=-renewal_at", "band=healthy", "q=a&sort=name", "q=zzz"])
def test_csv_equals_json(client: TestClient, query: str) -> None:
    rows = client.get(f"/v1/accounts?{query}").json()["accounts"]
    response = client.get(f"/v1/accounts?{query}", headers={"Accept": "text/csv"})
    assert response.headers["content-type"] == "text/csv; charset=utf-8"
    read = list(csv.DictReader(io.StringIO(response.text)))
    expected = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    for row in expected:
        row["name"] = row["name"].replace("=Boundary", "'=Boundary")  # or a spreadsheet would run it
    assert read == expected
    assert response.text.splitlines()[0].split(",") == list(AccountRow.model_fields)


@pytest.mark.parametrize(
    "accept, media_type",
    [
        ("text/csv", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.1", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("text/*", "text/csv"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
        ("text/csv;q=x", "application/json"),
    ],
)
def test_the_accept_header_chooses(client: TestClient, accept: str, media_type: str) -> None:
    response = client.get("/v1/accounts", headers={"Accept": accept})
    assert response.headers["content-type"].split(";")[0] == media_type


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts?limit=2&sort=name", "/v1/accounts/fade", "/"])
def test_an_answer_is_sent_again_only_when_it_changed(
    client: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore, path: str
) -> None:
    first = client.get(path)
    known = {"If-None-Match": first.headers["etag"]}
    again = client.get(path, headers=known)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    sqlite.publish(make_batch(1, day=1), [make_score("fade")])
    assert client.get(path, headers=known).status_code == 200


def test_etags_differ_by_query_and_form(client: TestClient) -> None:
    tags = [client.get(f"/v1/accounts{query}").headers["etag"] for query in ("", "?limit=2", "?limit=3", "?q=a")]
    tags.append(client.get("/v1/accounts", headers={"Accept": "text/csv"}).headers["etag"])
    assert len(set(tags)) == 5


def test_answers_are_compressed(client: TestClient) -> None:
    response = client.get("/v1/accounts", headers={"Accept-Encoding": "gzip"})
    assert response.headers["content-encoding"] == "gzip"
    assert {"Accept", "Accept-Encoding"} <= {name.strip() for name in response.headers["vary"].split(",")}


def test_probes(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "alive"}
    ready = client.get("/readyz").json()
    assert (ready["status"], ready["as_of"], ready["model_version"]) == ("ready", "2026-11-01T00:00:00Z", "7")


def test_without_scores_only_the_process_is_healthy(empty: TestClient) -> None:
    assert empty.get("/healthz").status_code == 200
    for path in ("/readyz", "/v1/accounts", "/v1/accounts/fade"):
        response = empty.get(path)
        assert "healthscore score" in problem(response, 503)["detail"]
        assert response.headers["retry-after"] == "10"


@pytest.mark.parametrize(
    "path, field",
    [
        ("/v1/accounts?limit=0", "limit"),
        ("/v1/accounts?limit=201", "limit"),
        ("/v1/accounts?limit=many", "limit"),
        ("/v1/accounts?sort=colour", "sort"),
        ("/v1/accounts?band=green", "band"),
        ("/v1/accounts?colour=red", "colour"),
        ("/v1/accounts?q=a%00b", "q"),
        ("/v1/accounts?owner=" + "x" * 201, "owner"),
        ("/v1/accounts?cursor=nonsense", "cursor"),
        ("/v1/accounts?cursor=WyJub25lIiwiYSIsZmFsc2Vd", "cursor"),
        ("/v1/accounts/fade?colour=red", "colour"),
        ("/healthz?colour=red", "colour"),
        ("/readyz?colour=red", "colour"),
        ("/openapi.json?colour=red", "colour"),
        ("/docs?colour=red", "colour"),
        ("/?colour=red", "colour"),
        ("/accounts/fade?colour=red", "colour"),
    ],
)
def test_a_wrong_parameter_is_named(client: TestClient, path: str, field: str) -> None:
    body = problem(client.get(path), 409 if field == "cursor" else 422)
    assert [wrong["field"] for wrong in body["errors"]] == [field]
    assert all(wrong["message"] for wrong in body["errors"])


def test_empty_parameters_are_none(client: TestClient) -> None:
    assert client.get("/v1/accounts?q=&band=&owner=&limit=&sort=").json() == client.get("/v1/accounts").json()


@pytest.mark.parametrize("path", ["/v1/accounts/nobody", "/v1/accounts/a%00b", "/nowhere", "/static/none", "/v1/"])
def test_what_is_not_there(client: TestClient, path: str) -> None:
    problem(client.get(path), 404)


@pytest.mark.parametrize("path", ["/v1/accounts", "/v1/accounts/fade", "/readyz", "/"])
def test_nothing_can_be_posted(client: TestClient, path: str) -> None:
    response = client.post(path)
    problem(response, 405)
    assert response.headers["allow"] == "GET"


def test_all_methods_of_a_path_are_named(client: TestClient) -> None:
    response = client.delete("/v1/accounts/fade/opinions")
    assert (problem(response, 405)["status"], response.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"\x00", b"{", b"[]", b""])
def test_a_body_that_cannot_be_read_is_named(client: TestClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    errors = problem(client.post("/v1/accounts/fade/opinions", content=body, headers=headers), 422)["errors"]
    assert errors
    assert all(wrong["field"] and wrong["message"] for wrong in errors)


def test_a_store_that_stops_answering(client: TestClient, sqlite: ScoreStore, tmp_path: Path) -> None:
    sqlite.close()
    for file in tmp_path.glob("scores.db*"):
        file.unlink()
    (tmp_path / "scores.db").mkdir()
    for path in ("/readyz", "/v1/accounts", "/v1/accounts/fade"):
        body = problem(client.get(path), 503)
        assert str(tmp_path) not in json.dumps(body)


def test_a_defect_leaks_nothing(sqlite: ScoreStore, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(sqlite)

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("the password is hunter2")

    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        body = problem(client.get("/broken"), 500)
    assert "hunter2" not in json.dumps(body)
    assert "hunter2" in caplog.text


def test_every_answer_carries_security_headers(client: TestClient) -> None:
    for path in ("/", "/v1/accounts", "/docs", "/static/pages.css", "/nowhere", "/healthz"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'"), path
        assert "script-src" not in headers["content-security-policy"]
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "same-origin"


def _document(client: TestClient) -> dict[str, Any]:
    document: dict[str, Any] = client.get("/openapi.json").json()
    return document


def _references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for name, value in node.items() if name == "$ref")
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def test_the_document_is_whole(client: TestClient) -> None:
    document = _document(client)
    assert document["openapi"].startswith("3.1")
    assert {"/v1/accounts", "/v1/accounts/{account_id}", "/healthz", "/readyz", "/metrics"} <= set(document["paths"])
    for reference in _references(document):
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    for words in ("higher is better", "higher is worse", "UTC", "RFC 9457"):
        assert words in document["info"]["description"]


def test_every_route_is_documented_with_an_example(client: TestClient) -> None:
    for path, operations in _document(client)["paths"].items():
        for operation in operations.values():
            assert operation["summary"], path
            assert operation["description"], path
            for parameter in operation.get("parameters", []):
                assert parameter["description"], parameter
                if parameter["name"] != "sort":
                    assert {"examples", "example"} & (set(parameter) | set(parameter["schema"])), parameter
            for status, response in operation["responses"].items():
                assert response["description"], (path, status)
                if status in {"204", "304"}:
                    continue
                for media_type, content in response["content"].items():
                    assert content["example"], (path, status, media_type)
                assert int(status) < 400 or set(response["content"]) == {"application/problem+json"}


def test_examples_are_of_the_documented_shape(client: TestClient) -> None:
    paths = _document(client)["paths"]
    for path, shape in (("/v1/accounts", AccountPage), ("/v1/accounts/{account_id}", AccountDetail)):
        example = paths[path]["get"]["responses"]["200"]["content"]["application/json"]["example"]
        assert shape.model_validate(example).model_dump(mode="json") == example


def test_every_number_says_its_unit_and_polarity(client: TestClient) -> None:
    row = _document(client)["components"]["schemas"]["AccountRow"]["properties"]
    for name, field in row.items():
        assert field["description"], name
        assert field["examples"], name
        if name.startswith("risk") or name in {"renewal_risk", "arr_at_risk"}:
            assert "higher is worse" in field["description"]
    assert "higher is better" in row["health"]["description"]


def test_what_is_answered_is_what_is_documented(client: TestClient) -> None:
    page = client.get("/v1/accounts").json()
    assert AccountPage.model_validate(page).model_dump(mode="json") == page
    for before, after in pairwise(page["accounts"]):
        assert before["arr_at_risk"] >= after["arr_at_risk"]


def test_the_commands_of_the_readme_work(
    empty: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    came_in = {"check": None, "sources": [], "coverage": {"mean": 0.9, "tenths": [1], "dimensions": []}}
    sqlite.publish(make_batch(1), [make_score("A-1042")], data=came_in)
    without_model, _ = README.read_text().split("## The model in the server")
    commands = re.findall(r"^curl (?:-H '(.*?): (.*?)' )?'http://127.0.0.1:8000(.*?)'", without_model, re.MULTILINE)
    assert len(commands) == 19
    for name, value, path in commands:
        response = empty.get(path, headers={name: value} if name else {})
        assert response.status_code == 200, path
        assert not value or response.headers["content-type"].startswith(value)
