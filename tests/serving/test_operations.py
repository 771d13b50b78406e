"""What operators see: metrics, logs, request ids, readiness; and that none of it holds what people wrote."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import time

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from serving.api import create_app
from serving.errors import StoreUnavailable
from serving.logs import REQUESTS, JsonLines
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore

README = Path(__file__).parents[2] / "serving" / "README.md"


@pytest.fixture
def client(sqlite: ScoreStore, make_batch: Callable[..., Batch], cast: list[AccountScore]) -> Iterator[TestClient]:
    """The service on the cast, at noon of the day they were scored as of."""
    scored = make_batch(len(cast))
    sqlite.publish(scored, cast)
    app = create_app(sqlite, clock=lambda: scored.as_of + timedelta(hours=12))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("a defect")

    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    """The metrics, by name and label values."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route(client: TestClient) -> None:
    for path in ("/v1/accounts/fade", "/v1/accounts/thrive", "/v1/accounts/nobody", "/nowhere", "/else", "/broken"):
        client.get(path)
    found = samples(client)
    counted = {name[1:]: value for name, value in found.items() if name[0] == "healthscore_requests_total"}
    assert counted == {
        ("GET", "/v1/accounts/{account_id}", "200"): 2,
        ("GET", "/v1/accounts/{account_id}", "404"): 1,
        ("GET", "none", "404"): 2,
        ("GET", "/broken", "500"): 1,
    }
    assert found["healthscore_request_seconds_count", "GET", "/v1/accounts/{account_id}"] == 3
    assert not [name for name in found if "fade" in str(name) or "nowhere" in str(name)]


def test_made_up_methods_are_counted_together(client: TestClient) -> None:
    for method in ("BREW", "STIR"):
        client.request(method, "/healthz")
    assert samples(client)["healthscore_requests_total", "other", "/healthz", "405"] == 2


def test_metrics_say_what_is_served(client: TestClient, sqlite: ScoreStore, tmp_path: Path) -> None:
    found = samples(client)
    assert found["healthscore_store_up",] == 1
    assert found["healthscore_batch_age_seconds",] == 12 * 3600
    assert found["healthscore_batch_accounts",] == 6
    assert found["healthscore_model_info", "learned", "churn", "7"] == 1
    assert client.get("/v1/accounts/fade").status_code == 200
    sqlite.close()
    for file in tmp_path.glob("scores.db*"):
        file.unlink()
    (tmp_path / "scores.db").mkdir()
    found = samples(client)
    assert found["healthscore_store_up",] == 0
    assert ("healthscore_batch_age_seconds",) not in found
    assert client.get("/v1/accounts/fade").status_code == 503, "though its answer was kept"


def test_the_readme_names_every_metric(client: TestClient) -> None:
    client.get("/healthz")
    families = {family.name for family in text_string_to_metric_families(client.get("/metrics").text)}
    named = set(re.findall(r"`(healthscore_\w+)`", README.read_text()))
    assert {name.removesuffix("_total") for name in named} == {
        name for name in families if not name.endswith("_created")
    }


def test_an_empty_store_is_up(sqlite: ScoreStore) -> None:
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1") as client:
        found = samples(client)
    assert found["healthscore_store_up",] == 1
    assert ("healthscore_batch_age_seconds",) not in found


def test_readiness_says_how_old_the_scores_are_and_what_they_rest_on(client: TestClient) -> None:
    ready = client.get("/readyz").json()
    assert ready["age_s"] == 12 * 3600
    assert "churn version 7" in ready["model"]


@pytest.mark.parametrize(
    "given, kept", [("abc-1.2_Z", True), ("", False), ("x" * 65, False), ("a b", False), ('a"b', False)]
)
def test_a_sane_request_id_is_kept(client: TestClient, given: str, kept: bool) -> None:
    answer = client.get("/v1/accounts/nobody", headers={"X-Request-ID": given})
    request_id = answer.headers["x-request-id"]
    assert (request_id == given) == kept
    assert kept or re.fullmatch("[0-9a-f]{32}", request_id)
    assert answer.json()["request_id"] == request_id


@pytest.mark.parametrize("path", ["/v1/accounts", "/nowhere", "/broken", "/healthz", "/", "/static/pages.css"])
def test_every_answer_has_its_own_request_id(client: TestClient, path: str) -> None:
    ids = [client.get(path).headers["x-request-id"] for _ in range(2)]
    assert all(ids)
    assert len(set(ids)) == 2


def test_a_kept_answer_stays_as_it_was_however_often_it_is_sent(client: TestClient) -> None:
    made, *kept = [client.get("/v1/accounts/fade", headers={"X-Request-ID": "r1"}) for _ in range(4)]
    assert {answer.content for answer in kept} == {made.content}
    assert {str(answer.headers.multi_items()) for answer in kept} == {str(kept[0].headers.multi_items())}
    assert len(kept[0].headers.multi_items()) == len(kept[0].headers)
    assert kept[0].headers.keys() == made.headers.keys()


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """The log's lines, as they are written."""
    written: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(self.format(record))

    handler = Keep()
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in ("healthscore", "serving")]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
    yield written
    for logger in loggers:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def test_a_request_is_one_line_without_its_address(client: TestClient, lines: list[str]) -> None:
    client.get("/v1/accounts?q=Jane+Doe&owner=Ada", headers={"X-Request-ID": "r1", "Authorization": ""})
    client.get("/v1/accounts?q=Jane+Doe&owner=Ada", headers={"X-Request-ID": "r2"})
    read = [json.loads(line) for line in lines]
    assert [(line["request_id"], line["route"], line["status"], line["who"]) for line in read] == [
        ("r1", "none", 401, None),
        ("r2", "/v1/accounts", 200, "local"),
    ]
    assert all(line["ms"] > 0 and line["level"] == "info" and line["time"].endswith("+00:00") for line in read)
    assert not [line for line in lines if "Jane" in line or "Ada" in line]


def test_a_request_is_a_record_like_others(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger=REQUESTS):
        client.get("/v1/accounts", headers={"X-Request-ID": "r1"})
    record = next(record for record in caplog.records if record.name == REQUESTS)
    usual = logging.getLogger(REQUESTS).makeRecord(
        REQUESTS, logging.INFO, "", 0, "GET %s %s", ("/v1/accounts", 200), None
    )
    assert vars(usual).keys() <= vars(record).keys()
    assert (record.getMessage(), record.levelname) == (usual.getMessage(), usual.levelname)
    usual.created, usual.msecs = record.created, record.msecs
    usual.__dict__ |= {name: getattr(record, name) for name in ("method", "route", "status", "ms", "who")}
    assert JsonLines().format(record) == JsonLines().format(usual)
    assert logging.Formatter("%(asctime)s %(filename)s:%(lineno)d %(message)s").format(record).endswith(record.msg)
    assert abs(record.created - time()) < 60
    with caplog.at_level(logging.WARNING, logger=REQUESTS):
        before = len(caplog.records)
        client.get("/v1/accounts")
    assert len(caplog.records) == before


def test_no_trace_of_a_request_is_given_to_others(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = FastAPI()
    bare.get("/readyz")(lambda: None)
    spans, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)  # set up by some other library
    client.get("/readyz").raise_for_status()
    assert not spans.get_finished_spans()
    TestClient(bare).get("/readyz").raise_for_status()
    assert spans.get_finished_spans(), "FastAPI's own way, which is switched off here"


def test_the_lines_of_requests_wait_for_others_and_not_for_long(capfd: pytest.CaptureFixture[str]) -> None:
    program = """
import logging.config, time
from serving.logs import CONFIG, REQUESTS
logging.config.dictConfig(CONFIG)
requests, others = logging.getLogger(REQUESTS), logging.getLogger("uvicorn.error")
requests.info("first")
time.sleep(2)
print("after two seconds", file=sys.stderr, flush=True)
requests.info("second")
print("not yet", file=sys.stderr, flush=True)
others.info("shutting down: %s", "ü")
requests.info("too late")
os.kill(os.getpid(), 9)
"""
    subprocess.run([sys.executable, "-c", f"import os, sys{program}"], check=False)
    lines = [line if "{" not in line else json.loads(line)["message"] for line in capfd.readouterr().err.splitlines()]
    assert lines == ["first", "after two seconds", "not yet", "second", "shutting down: ü"]


def test_a_defect_is_a_line_with_its_traceback_and_request(client: TestClient, lines: list[str]) -> None:
    client.get("/broken", headers={"X-Request-ID": "r1"})
    defect = next(json.loads(line) for line in lines if "traceback" in line)
    assert (defect["level"], defect["message"]) == ("error", "GET /broken failed")
    assert "RuntimeError: a defect" in defect["traceback"]
    assert json.loads(lines[0])["request_id"] == "r1"


def test_an_error_of_the_database_holds_no_values(sqlite: ScoreStore) -> None:
    with pytest.raises(StoreUnavailable) as raised, sqlite.writing() as connection:
        connection.execute(text("SELECT nothing_known(:given)"), {"given": "Jane Doe"})
    assert "nothing_known" in str(raised.value.__cause__)
    assert "Jane" not in str(raised.value.__cause__)


def test_a_line_is_json_whatever_is_in_it(lines: list[str]) -> None:
    logging.getLogger("serving").error('a "quote"\nand %s', "é", extra={"age": timedelta(1), "odd": ValueError("é")})
    assert "\n" not in lines[0]
    assert json.loads(lines[0]) | {"time": ""} == {
        "time": "", "level": "error", "logger": "serving", "message": 'a "quote"\nand é', "age": "P1D",
        "odd": "é",
    }  # fmt: skip
