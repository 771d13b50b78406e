"""The renewals page: the API's worklist with its calendar and what capacity covers, and plays started from it."""

import csv
import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import polars as pl
import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.pages.renewal_charts import calendar_chart, coverage_chart, round_up, span_label
from serving.renewal_calendar import Span, calendar
from serving.renewals import Coverage
from serving.scores import AccountScore, Batch, Signal
from serving.store import ScoreStore

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

SILENT = (Signal("touches_84d", 0.0, -6.5), Signal("days_since_last_touch", 71.0, -1.0))


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, make_batch: MakeBatch, make_score: MakeScore
) -> Iterator[TestClient]:
    """A browser on six accounts as of 1 November 2026, a Sunday; plays are started with large/1 only."""
    batch = make_batch(6)

    def renews(account: str, days: int, arr: float, risk: float, **more: object) -> AccountScore:
        renewal_at = batch.as_of + timedelta(days=days)
        known: dict[str, object] = {"signals": SILENT, "renewal_at": renewal_at, "arr": arr, "renewal_risk": risk}
        return make_score(account, **(known | more))

    accounts = [
        renews("large/1", 90, 1000.0, 0.25, name="=Large & <Sons>"),
        renews("small", 0, 100.0, 0.5, segment="small"),
        renews("theirs", 30, 600.0, 0.5, owner="Ken Osei", region="APAC"),
        renews("sure", 31, 500.0, 0.0, signals=(), segment="small"),
        renews("far", 200, 9000.0, 0.9),
        make_score("never", renewal_at=None, renewal_risk=None),
    ]
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('renewals') / 'scores.db'}") as store:
        store.publish(batch, accounts)
        seconds = count()
        app = create_app(store, clock=lambda: datetime(2026, 11, 2) + timedelta(seconds=next(seconds)))
        with TestClient(app, base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as opened:
            yield opened


def rows(text: str) -> list[str]:
    return re.findall(r'data-account="([^"]*)"', text)


def values(text: str) -> list[float]:
    return [float(value) for value in re.findall(r'<data (?:class="[^"]*" )?value="([^"]*)"', text)]


@pytest.mark.parametrize(
    "query, listed",
    [
        ("", ["theirs", "large/1", "small", "sure"]),
        ("within=30d", ["theirs", "small"]),
        ("within=365d&capacity=2", ["far", "theirs"]),
        ("owner=Ada+Byron", ["large/1", "small", "sure"]),
        ("segment=small&region=EMEA", ["small", "sure"]),
        ("owner=&segment=&region=APAC&within=&capacity=", ["theirs"]),
    ],
)
def test_the_page_is_the_api_s_worklist(client: TestClient, query: str, listed: list[str]) -> None:
    text = client.get(f"/renewals?{query}").text
    answer = client.get(f"/v1/renewals?{query}").json()
    assert rows(text) == [row["account_id"] for row in answer["renewals"]] == listed
    totals = [answer["due"]["accounts"], answer["due"]["arr"], answer["due"]["expected_loss"], answer["covered_share"]]
    assert values(text)[:4] == totals
    for row in answer["renewals"]:
        assert {row["expected_loss"], row["renewal_risk"]} <= set(values(text))


def test_the_calendar_adds_up_to_what_is_due(client: TestClient) -> None:
    answer = client.get("/v1/renewals?within=365d").json()
    for of in ("accounts", "arr", "expected_loss"):
        assert sum(span[of] for span in answer["calendar"]) == answer["due"][of]
    text = client.get("/renewals?within=365d").text
    assert "May 2027" in text
    assert "Worst month: May 2027, 8.10 k of 9.00 k expected to be lost." in text
    assert "Worst week: 30 Nov – 6 Dec 2026" in client.get("/renewals").text


def test_the_curve_ends_at_everything_and_passes_the_covered_share(client: TestClient) -> None:
    answer = client.get("/v1/renewals?capacity=2").json()
    assert [(point["accounts"], point["share"]) for point in answer["curve"]] == [
        (1, 0.5),
        (2, pytest.approx(550 / 600)),
        (4, 1.0),
    ]
    assert answer["curve"][1]["share"] == answer["covered_share"]


def test_reasons_plays_and_touches_are_told(client: TestClient) -> None:
    text = client.get("/renewals").text
    assert "71 days ago" in text
    assert "none known" in text
    assert "=Large &amp; &lt;Sons&gt;" in text
    assert "Nothing pulls its health down." in text
    assert "No play answers it." in text


@pytest.mark.parametrize("query", ["", "?owner=Ada+Byron&capacity=1"])
def test_the_export_is_the_api_s_rows(client: TestClient, query: str) -> None:
    answer = client.get(f"/renewals.csv{query}")
    assert answer.headers["content-disposition"] == 'attachment; filename="renewals-2026-11-01.csv"'
    assert answer.text == client.get(f"/v1/renewals{query}", headers={"Accept": "text/csv"}).text
    first = next(row for row in csv.DictReader(io.StringIO(answer.text)) if row["account_id"] == "large/1")
    assert first["name"] == "'=Large & <Sons>", "a spreadsheet would run it"
    assert first["expected_loss"] == "250.0"
    assert first["reasons"].count("; ") == 1
    assert first["play"]


def form(client: TestClient, account: str, query: str = "") -> tuple[str, dict[str, str]]:
    """Where the form of an account leads, and what it sends."""
    row = re.search(rf'<tr role="row" id="renewal-{account}".*?</tr>', client.get(f"/renewals{query}").text, re.DOTALL)
    assert row is not None
    action = re.search(r'<form action="([^"]*)" method="post">', row[0])
    assert action is not None, row[0]
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', row[0]))
    button = re.search(r'name="step" value="(\w+)"', row[0])
    assert button is not None
    return action[1].replace("&amp;", "&"), hidden | {"step": button[1]}


def test_a_play_is_started_and_done_from_the_list_and_stays_there(client: TestClient) -> None:
    query = "?capacity=3&owner=Ada+Byron"
    for step in ("started", "done"):
        path, given = form(client, "large/1", query)
        assert given["step"] == step
        answer = client.post(path, data=given)
        assert answer.status_code == 200
        assert (answer.url.path, answer.url.query, answer.url.fragment) == (
            "/renewals", query[1:].encode(), "renewal-large/1",
        )  # fmt: skip
        assert f"{step.capitalize()} 2 Nov 2026" in answer.text
    assert "What came of it?" in answer.text
    taken = client.get("/v1/accounts/large%2F1/actions").json()["actions"]
    assert {(action["play"], action["step"]) for action in taken} == {
        (given["play"], "started"),
        (given["play"], "done"),
    }
    client.post("/v1/accounts/large%2F1/actions", json={"play": given["play"], "step": "outcome", "outcome": "helped"})
    assert form(client, "large/1")[1]["step"] == "started", "with an outcome it may begin again"


@pytest.mark.parametrize(
    "change, status", [({"form_token": "0" * 64}, 403), ({"step": "begun"}, 422), ({"play": ""}, 422)]
)
def test_a_wrong_form_keeps_nothing(client: TestClient, change: dict[str, str], status: int) -> None:
    path, given = form(client, "small")
    assert client.post(path, data=given | change).status_code == status
    assert client.get("/v1/accounts/small/actions").json()["actions"] == []


@pytest.mark.parametrize(
    "query, says",
    [
        ("within=30d&segment=enterprise&owner=Ada+Byron", ["Clear the filters", "look a year ahead"]),
        ("within=365d&owner=Nobody", ["Clear the filters"]),
        ("region=Mars", ["Clear the filters", "look a year ahead"]),
    ],
)
def test_an_empty_list_says_what_to_do(client: TestClient, query: str, says: list[str]) -> None:
    answer = client.get(f"/renewals?{query}")
    assert answer.status_code == 200
    assert "No renewal falls due" in answer.text
    for words in ("Clear the filters", "look a year ahead"):
        assert (words in answer.text) == (words in says)


def test_a_long_list_is_cut_into_pages(sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    batch = make_batch(51)
    soon = {"renewal_at": batch.as_of + timedelta(days=9), "renewal_risk": 0.5}
    sqlite.publish(batch, [make_score(f"{place:03}", arr=1000.0 - place, **soon) for place in range(51)])
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1", headers={"Accept": "text/html"}) as client:
        everyone = [row["account_id"] for row in client.get("/v1/renewals?capacity=51").json()["renewals"]]
        address, found, ends = "/renewals?capacity=51", list[str](), list[str]()
        while address:
            text = client.get(address).text
            found += rows(text)
            ends += re.findall(r"<p>(\d+–\d+ of \d+)</p>", text)
            following = re.search(r'rel="next" href="([^"#]*)', text)
            address = following[1].replace("&amp;", "&") if following else ""
        assert found == everyone
        assert ends == ["1–25 of 51", "26–50 of 51", "51–51 of 51"]
        back = re.search(r'rel="prev" href="([^"#]*)', client.get("/renewals?capacity=51&page=2").text)
        assert back is not None
        assert back[1] == "/renewals?capacity=51"
        assert client.get("/renewals?capacity=51&page=9").url.query == b"capacity=51", "past the end: the beginning"
        assert "rel=" not in client.get("/renewals?capacity=25").text.split("worklist", 1)[1]


def test_without_any_renewal_date_it_says_where_they_come_from(
    sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    sqlite.publish(make_batch(1), [make_score("never", renewal_at=None, renewal_risk=None)])
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1") as client:
        assert "term_end" in client.get("/renewals?within=365d").text


@pytest.mark.parametrize("query", ["within=45d", "within=soon", "capacity=0", "capacity=501", "page=0", "colour=red"])
def test_what_the_page_can_not_plan_with_is_told(client: TestClient, query: str) -> None:
    assert client.get(f"/renewals?{query}").status_code == 422
    assert client.get(f"/renewals.csv?{query}").status_code == 422


def due(*renewals: tuple[datetime, float, float]) -> pl.DataFrame:
    schema: dict[str, Any] = {"renewal_at": pl.Datetime("us"), "arr": pl.Float64, "expected_loss": pl.Float64}
    return pl.DataFrame(renewals, schema=schema, orient="row")


def test_weeks_begin_on_mondays_and_empty_ones_are_told() -> None:
    sunday, monday = datetime(2026, 11, 1), datetime(2026, 11, 2)
    spans = calendar(due((sunday, 10.0, 1.0), (monday, 20.0, 2.0), (monday, 5.0, 1.0)), sunday, 14)
    assert [(span.begins.day, span.ends.day, span.accounts, span.arr, span.expected_loss) for span in spans] == [
        (26, 2, 1, 10.0, 1.0),
        (2, 9, 2, 25.0, 3.0),
        (9, 16, 0, 0.0, 0.0),
    ]
    assert [span_label(span) for span in spans] == ["26 Oct – 1 Nov 2026", "2 – 8 Nov 2026", "9 – 15 Nov 2026"]


@pytest.mark.parametrize("days, spans, first", [(182, 27, "26 Oct – 1 Nov 2026"), (183, 7, "November 2026")])
def test_more_than_half_a_year_is_told_by_month(days: int, spans: int, first: str) -> None:
    found = calendar(due(), datetime(2026, 11, 1), days)
    assert (len(found), span_label(found[0])) == (spans, first)


@pytest.mark.parametrize(
    "value, above",
    [(0.0, 1.0), (-1.0, 1.0), (1.0, 1.0), (1.01, 1.5), (1_100_000, 1_500_000), (1e6, 1e6), (0.07, 0.08), (9.9, 10.0)],
)
def test_scales_end_at_round_sums(value: float, above: float) -> None:
    assert round_up(value) == pytest.approx(above)


def test_bars_stand_on_the_axis_with_the_loss_inside() -> None:
    week = timedelta(days=7)
    begins = datetime(2026, 11, 2)
    spans = [
        Span(begins=begins, ends=begins + week, accounts=1, arr=1000.0, expected_loss=500.0),
        Span(begins=begins + week, ends=begins + 2 * week, accounts=0, arr=0.0, expected_loss=0.0),
    ]
    chart = calendar_chart(spans)
    full, empty = chart.bars
    assert (full.y, full.height, full.loss_y, full.loss_height) == (12.0, 162.0, 93.0, 81.0)
    assert full.x < full.loss_x
    assert full.loss_x + full.loss_width < full.x + full.width
    assert (empty.height, empty.loss_height) == (0.0, 0.0)
    assert [tick.label for tick in chart.across] == ["0", "500", "1.00 k"]
    assert [tick.label for tick in chart.along] == ["2 Nov", "9 Nov"]


def test_the_curve_marks_the_capacity_where_it_is_not_everything() -> None:
    curve = [Coverage(accounts=count, expected_loss=share, share=share) for count, share in ((1, 0.5), (4, 1.0))]
    chart = coverage_chart(curve, 2)
    assert chart.line == "56,174 199,93 628,12"
    assert [mark.label for mark in chart.marks] == ["2 accounts"]
    assert coverage_chart(curve, 4).marks == []
