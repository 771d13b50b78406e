"""The data's page and `/v1/data`: what a real check found, kept with the batch, without a value of any row."""

import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from features.findings import Checked
from features.freshness import Feed
from features.quality import check
from features.signal import DIMENSIONS
from features.sources import open_source
from features.tables import Tables
from serving.api import create_app
from serving.data_report import CoverageShown, data_shown
from serving.data_reporting import data_report
from serving.erasure import forget
from serving.pages.data import coverage_histogram, put_aside, worth_doing
from serving.retention import prune
from serving.schema import data_reports
from serving.scores import AccountScore, Batch
from serving.scoring import score
from serving.store import ScoreStore
from tests.serving.test_pages import Page
from training.model import HealthModel

AS_OF = datetime(2024, 6, 1)
SECRET = "Müller & Söhne"
"""What an account is called in a row that can't be used, and nowhere else."""
MakeBatch = Callable[..., Batch]
MakeScore = Callable[..., AccountScore]


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Checked:
    """A small source, checked: rows that are put aside, repaired, kept; a table that is stale, others that aren't."""
    folder = tmp_path_factory.mktemp("source")
    (folder / "accounts.csv").write_text(
        f"account_id,name,shoe_size\na,A,41\nb,B,42\nc,C,43\nd,D,44\ne,E,45\nf,F,46\n,{SECRET},47\n"
    )
    (folder / "contracts.csv").write_text(
        "contract_id,account_id,term_start,arr,kind\n"
        "1,a,2024-01-01,1000,subscription\n2,b,2024-01-01,1 000,Subscription\n3,c,2024-01-01,1000,subscription\n"
    )
    (folder / "tickets.csv").write_text(
        "ticket_id,account_id,opened_at,severity\n"
        f"1,a,2024-05-20,1\n2,{SECRET},2024-05-20,1\n3,a,{SECRET},1\n4,b,2024-05-21,9\n5,b,2024-05-21T10:00+02:00,9\n"
    )
    (folder / "surveys.csv").write_text("account_id,responded_at,kind,score\na,2022-05-20,nps,9\n")
    with open_source(folder) as source:
        return check(source, extracted_at=AS_OF)


@pytest.fixture(scope="module")
def scored() -> pl.DataFrame:
    """Three accounts as the scoring job has them: every signal of the first is known, none of the last."""
    from features.catalogue import CATALOGUE

    accounts = {"account_id": ["a", "b", "c"], "coverage": [1.0000001, 0.55, 0.0]}
    return pl.DataFrame(accounts | {name: [1.0, None, None] for name in CATALOGUE}).with_columns(
        pl.Series("open_tickets", [1.0, 2.0, None])
    )


FEEDS = [
    Feed("tickets", "fresh", datetime(2024, 5, 30, 12), {"a": AS_OF, "b": AS_OF, "x": AS_OF}),
    Feed("surveys", "stale", datetime(2022, 5, 20), {"a": AS_OF}),
    Feed("invoices", "missing", None, {}),
]


@pytest.fixture
def published(
    sqlite: ScoreStore, checked: Checked, scored: pl.DataFrame, make_batch: MakeBatch, make_score: MakeScore
) -> ScoreStore:
    """A store whose batch comes with the report."""
    report = data_report(scored, FEEDS, AS_OF, checked, Path("state/quarantine"))
    sqlite.publish(make_batch(3), [make_score(account_id) for account_id in "abc"], data=report)
    return sqlite


@pytest.fixture
def client(published: ScoreStore) -> Iterator[TestClient]:
    """The service on it."""
    with TestClient(create_app(published), base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_rows_read_are_usable_or_quarantined_and_repaired_ones_are_usable(checked: Checked) -> None:
    counted = {
        name: (checked.rows_usable(name), checked.rows_repaired[name], checked.rows_quarantined(name))
        for name in checked.rows_read
    }
    assert counted == {"accounts": (6, 0, 1), "contracts": (3, 1, 0), "tickets": (3, 2, 2), "surveys": (1, 0, 0)}


def test_the_answer_tells_what_the_check_found(client: TestClient) -> None:
    answer = client.get("/v1/data").json()
    tables = {table["table"]: table for table in answer["check"]["tables"]}
    tickets = tables["tickets"]
    assert (tickets["read"], tickets["usable"], tickets["repaired"], tickets["quarantined"]) == (5, 3, 2, 2)
    found = {finding["rule"]: finding for finding in tickets["findings"]}
    assert [found["unknown_account"][name] for name in ("rows", "severity", "columns", "first", "done")] == [
        1, "error", ["account_id"], "tickets.csv row 2", "quarantined",
    ]  # fmt: skip
    assert found["unknown_account"]["to_do"] == "export that account too, or correct its id"
    assert found["time_zone"]["to_do"] is None
    severities = [finding["severity"] for finding in tickets["findings"]]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert {"invoices", "incidents"} <= set(answer["check"]["absent"])
    assert answer["check"]["quarantine"] == "state/quarantine"
    assert answer["check"]["extracted_at"] == "2024-06-01T00:00:00Z"


def test_sources_tell_their_age_and_whom_they_speak_of(client: TestClient) -> None:
    sources = {source.pop("table"): source for source in client.get("/v1/data").json()["sources"]}
    assert sources["tickets"] == {
        "status": "fresh", "latest_at": "2024-05-30T12:00:00Z", "days_old": 1, "within_days": 56, "accounts": 2,
        "share": 2 / 3,
    }  # fmt: skip
    assert (sources["surveys"]["status"], sources["surveys"]["days_old"]) == ("stale", 743)
    assert (sources["invoices"]["latest_at"], sources["invoices"]["days_old"]) == (None, None)


def test_coverage_is_told_for_the_book_and_for_each_dimension(client: TestClient) -> None:
    coverage = client.get("/v1/data").json()["coverage"]
    assert coverage["mean"] == pytest.approx((1 + 0.55) / 3)
    assert coverage["tenths"] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    dimensions = {part["dimension"]: part for part in coverage["dimensions"]}
    assert list(dimensions) == list(DIMENSIONS)
    assert (dimensions["adoption"]["accounts"], dimensions["adoption"]["known"]) == (1, pytest.approx(1 / 3))
    support = dimensions["support"]
    assert support["accounts"] == 2
    assert support["known"] == pytest.approx((1 + 1 / support["signals"]) / 3)


def test_no_value_of_a_row_is_kept(published: ScoreStore) -> None:
    with published.reading() as connection:
        kept = json.dumps(connection.scalars(select(data_reports.c.report)).all(), ensure_ascii=False)
    assert "tickets.csv row 2" in kept
    assert SECRET not in kept
    assert "1 000" not in kept


def test_the_page_shows_what_the_answer_says(client: TestClient) -> None:
    page, answer = Page(client.get("/data").text), client.get("/v1/data").json()
    ((_, text),) = page.all("main")
    rows = _rows(page)
    for table in answer["check"]["tables"]:
        numbers = [str(table[name]) for name in ("read", "usable", "repaired", "quarantined")]
        assert [table["table"].capitalize(), *numbers] in [row[:5] for row in rows]
        for finding in table["findings"]:
            assert finding["meaning"][1:] in text
            assert finding["done"][1:] in text
    assert "Tickets (account_id): the account is not in accounts, 1 row. Export that account too" in text
    assert "Stale" in text
    assert "Not brought: its signals are missing." in text
    assert "in state/quarantine on the machine that scored" in text
    assert ["tickets.csv", "2", "Unparseable 1Unknown account 1"] in rows
    assert len(page.all("h1")) == 1
    assert all("scope" in found for found, _ in page.all("th"))
    identifiers = [found["id"] for _, found, _ in page.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))


def _rows(page: Page) -> list[list[str]]:
    """The texts of the cells of each row."""
    found: list[list[str]] = []
    for tag, _, text in page.elements:
        if tag == "tr":
            found.append([])
        elif tag in {"th", "td"}:
            found[-1].append(" ".join("".join(text).split()))
    return found


def test_an_answer_is_known_until_other_scores_are_published(
    client: TestClient, published: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    tag = client.get("/v1/data").headers["etag"]
    assert client.get("/v1/data", headers={"If-None-Match": tag}).status_code == 304
    published.publish(make_batch(1, day=1), [make_score("a")])
    answer = client.get("/v1/data", headers={"If-None-Match": tag})
    assert answer.status_code == 409
    assert "score again" in answer.json()["detail"]
    assert "Nothing is known of the data yet" in client.get("/data").text


def test_scores_made_without_a_check_say_so(
    sqlite: ScoreStore, scored: pl.DataFrame, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    sqlite.publish(make_batch(1), [make_score("a")], data=data_report(scored, FEEDS, AS_OF, None, None))
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1") as client:
        text = client.get("/data").text
        assert client.get("/v1/data").json()["check"] is None
    assert "no check was told of" in text
    assert "Sources" in text


def test_a_report_goes_with_its_batch_and_stays_when_an_account_is_forgotten(
    published: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    first = published.current()
    before = data_shown(published, first)
    forget(published, "a", author="local", now=AS_OF)
    assert data_shown(published, published.current()) == before
    published.publish(make_batch(1, day=1), [make_score("b")], data={"check": None, "sources": [], "coverage": {}})
    prune(published, first.known_at + timedelta(hours=1))
    with published.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(data_reports)) == 1
        assert connection.scalar(select(data_reports.c.batch_id)) == published.current().batch_id


def test_the_scoring_job_tells_of_the_data(sqlite: ScoreStore, company: tuple[Tables, HealthModel]) -> None:
    tables, model = company
    as_of = datetime(2026, 1, 1)
    batch = score(tables, model, sqlite, as_of=as_of, known_at=as_of, model_name="churn", model_version="1",
                  checked=Checked(tables, (), {}, {"accounts": 250}, {"accounts": 0}))  # fmt: skip
    shown = data_shown(sqlite, batch)
    assert shown is not None
    assert shown.check is not None
    assert (shown.check.read, shown.check.usable, shown.check.quarantine) == (250, 250, None)
    assert sum(shown.coverage.tenths) == batch.accounts
    assert all(0 < part.known <= 1 for part in shown.coverage.dimensions if part.dimension != "community")
    usage = next(source for source in shown.sources if source.table == "usage_daily")
    assert 0 < usage.accounts <= batch.accounts


def test_what_can_be_mended_comes_gravest_first(client: TestClient, published: ScoreStore) -> None:
    shown = data_shown(published, published.current())
    assert shown is not None
    assert shown.check is not None
    found = [(each.table, each.finding.rule) for each in worth_doing(shown.check, most=9)]
    assert set(found[:3]) == {
        ("accounts", "missing_value"), ("tickets", "unknown_account"), ("tickets", "unparseable"),
    }  # fmt: skip
    assert ("surveys", "stale_table") in found
    assert not {"time_zone", "spelling", "unknown_column"} & {rule for _, rule in found}
    assert len(worth_doing(shown.check, most=2)) == 2


def test_reasons_of_a_table_are_added_up(client: TestClient, published: ScoreStore) -> None:
    shown = data_shown(published, published.current())
    assert shown is not None
    assert shown.check is not None
    tickets = next(table for table in shown.check.tables if table.table == "tickets")
    threes = [finding.model_copy(update={"rows": 3}) for finding in tickets.findings]
    twice = tickets.model_copy(update={"findings": threes * 2})
    (only,) = put_aside([twice, tickets.model_copy(update={"quarantined": 0})])
    assert only.reasons == [("unparseable", 6), ("unknown_account", 6)]


@pytest.mark.parametrize(
    "tenths, heights",
    [([0] * 9 + [4], [0] * 9 + [248.0]), ([0] * 10, [0] * 10), ([2, 0, 0, 0, 0, 0, 0, 0, 0, 4], None)],
)
def test_the_tallest_pillar_is_as_high_as_the_chart(tenths: list[int], heights: list[float] | None) -> None:
    drawn = coverage_histogram(CoverageShown(mean=None, tenths=tenths, dimensions=[]))
    assert [pillar.count for pillar in drawn.pillars] == tenths
    if heights is not None:
        assert [pillar.height for pillar in drawn.pillars] == heights
    else:
        assert drawn.pillars[0].height == drawn.pillars[-1].height / 2
    assert drawn.pillars[9].label.startswith("90 to 100 %")
