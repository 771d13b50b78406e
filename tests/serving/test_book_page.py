"""The book page: the API's measures and forecasts, grouped by its address, and the erosion calculator."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from html import unescape
from itertools import pairwise
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.book import BOOK, GROUPINGS, HEADLINES
from serving.api import create_app
from serving.erosion import erosion
from serving.pages.book import AREA_TITLES, COLUMNS
from serving.pages.book import GROUPINGS as OFFERED
from serving.pages.book_charts import APART, Scale, erosion_chart
from serving.scores import AccountScore, Batch, Freshness, Signal
from serving.store import ScoreStore
from serving.templating import measure_name, number

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

FORECAST = {
    "accounts": 6, "arr": 10_000.0, "arr_at_risk": 1_500.0, "leaving_share": 0.125, "leaving_arr_share": 0.15,
    "reducing_share": 0.0625, "expected_arr": 9_000.0, "expected_arr_low": 8_000.0, "expected_arr_high": 9_500.0,
    "nrr": 0.9375, "nrr_low": 0.875, "nrr_high": 1.0625, "grr": 0.90625, "grr_low": 0.84375, "grr_high": 0.96875,
    "bands": {"healthy": 2, "at_risk": 3, "critical": 1},
}  # fmt: skip
TOLD: dict[str, Any] = {
    name: {"value": 0.75, "numerator": 3.0, "denominator": 4.0, "previous": 0.5, "target": None,
           "status": "no target", "trend": "better"}
    for name in BOOK
}  # fmt: skip
TOLD |= {
    "nrr": TOLD["nrr"] | {"value": 1.0375, "target": 1.05, "status": "missed"},
    "adopted": TOLD["adopted"] | {"target": 0.7, "status": "met"},
    "renewal_rate": TOLD["renewal_rate"] | {"value": 0.824},
    "customers": TOLD["customers"] | {"value": 1000.0},
    "service_margin": TOLD["service_margin"] | {"value": -1234.0, "trend": "worse"},
}
MISSING = {"value": None, "trend": None, "status": None}
UNFED = {"community_threads", "surveys"}
TOLD |= {name: TOLD[name] | MISSING for name, measure in BOOK.items() if UNFED & set(measure.tables)}
TOLD["defect_cost"] = TOLD["defect_cost"] | MISSING
FRESHNESS = {
    "community_threads": Freshness(None, "stale"),
    "surveys": Freshness(None, "missing"),
    "tickets": Freshness(None, "fresh"),
}


def client_of(store: ScoreStore, batch: Batch, scores: list[AccountScore], book: dict[str, Any]) -> TestClient:
    store.publish(batch, scores, book)
    return TestClient(create_app(store), base_url="http://127.0.0.1", headers={"Accept": "text/html"})


@pytest.fixture(scope="module")
def client(
    tmp_path_factory: pytest.TempPathFactory, make_batch: MakeBatch, make_score: MakeScore
) -> Iterator[TestClient]:
    """A browser on six accounts, touched at the edges of the groups, and a book that lacks what two tables tell."""
    touched = [0.0, 14.0, 15.0, 84.0, 85.0, None]
    scores = [
        make_score(f"a{at}", health=40.0 + at, freshness=FRESHNESS, arr_at_risk=100.0,
                   band=("healthy", "at_risk", "critical")[at % 3],
                   signals=(Signal("days_since_last_touch", days, 0.0),))
        for at, days in enumerate(touched)
    ]  # fmt: skip
    whole = {"group": "all", "forecast": FORECAST, "measures": TOLD}
    small = {"group": "small & <new>", "forecast": None, "measures": TOLD}
    large = {"group": "large", "forecast": FORECAST | {"nrr": None, "nrr_low": None, "nrr_high": None}, "measures": {}}
    book = {"all": [whole], "segment": [large, small], "channel": []}
    with ScoreStore.open(f"sqlite:///{tmp_path_factory.mktemp('book') / 'scores.db'}") as store:
        yield client_of(store, make_batch(len(scores)), scores, book)


def values(text: str) -> list[float]:
    return [float(value) for value in re.findall(r'<data value="([^"]*)"', text)]


def plain(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())


def section(text: str, heading: str) -> str:
    """The words of the section with a heading."""
    (found,) = re.findall(rf'aria-labelledby="{heading}">(.*?)</section>', text, re.DOTALL)
    return plain(found)


def test_the_page_is_the_api_s_book(client: TestClient) -> None:
    text = client.get("/book").text
    (whole,) = client.get("/v1/book").json()["parts"]
    forecast = whole["forecast"]
    shown = values(text)
    assert {forecast[name] for name in ("arr_at_risk", "leaving_share", "expected_arr", "nrr", "grr")} <= set(shown)
    assert {measure["value"] for measure in whole["measures"]} - {None} <= set(shown)
    assert "87.5 % to 106.2 %" in text
    assert "−1,234" in text
    for measure in whole["measures"]:
        assert (measure["meaning"] in unescape(text)) or measure["area"] == "community", measure["measure"]


def test_the_eight_headlines_say_met_or_missed_in_words(client: TestClient) -> None:
    text = client.get("/book").text
    told = section(text, "headlines")
    for dimension in ("Onboarding", "Adoption", "Success", "Engagement", "Support", "Availability", "Community"):
        assert dimension in told
    assert told.count("Four weeks earlier") == len(HEADLINES) - 2, "two are not measured"
    assert "✓ met target 70.0 %" in told
    assert "✕ missed target 105.0 %" in section(text, "outlook")
    assert "▲ better" in told


def test_what_is_not_measured_says_which_table_is_missing(client: TestClient) -> None:
    text = client.get("/book").text
    told = section(text, "headlines")
    assert "Not measured, because community_threads is no longer fed." in told
    assert "Not measured, because there is no table surveys." in told
    assert section(text, "area-community") == "Community Not measured, because community_threads is no longer fed."
    economics = section(text, "area-economics")
    assert "because tickets holds nothing to measure it by" in economics
    assert not re.search(r"(?<![\d.])0(\.0)? %", told + economics), "what isn't known is no zero"


def test_the_api_says_the_same_of_what_is_missing(client: TestClient) -> None:
    (whole,) = client.get("/v1/book").json()["parts"]
    missing = {each["measure"]: each["missing"] for each in whole["measures"]}
    assert missing["promoters"] == "there is no table surveys"
    assert missing["deflected_cost"] == "community_threads is no longer fed"
    assert missing["nrr"] is None
    large = client.get("/v1/book?by=segment").json()["parts"][0]
    assert {each["missing"] for each in large["measures"]} == {"it was not measured when these scores were published"}


def test_parts_are_compared_with_the_whole(client: TestClient) -> None:
    text = client.get("/book?by=segment").text
    assert "<title>Book by segment" in text
    ahead = section(text, "ahead")
    assert "small &amp; &lt;new&gt;" in ahead
    assert "nobody scored" in ahead
    assert "not forecast" in ahead
    for at, (title, names) in enumerate(COLUMNS, 1):
        compared = section(text, f"compared-{at}")
        assert compared.startswith(title)
        for name in names:
            assert measure_name(name) in compared
    assert 'aria-label="target missed"' in text
    assert 'aria-current="page">Segment' in text


def test_a_grouping_without_groups_says_which_column_is_missing(client: TestClient) -> None:
    text = client.get("/book?by=channel").text
    assert "No account has a channel: add the column to <code>accounts</code>" in text


def test_every_grouping_and_area_of_the_book_is_offered(client: TestClient) -> None:
    assert {value for value, _ in OFFERED} == set(GROUPINGS)
    assert {measure.area for measure in BOOK.values()} - {"headline"} == set(AREA_TITLES)
    text = client.get("/book?rate=80&uplift=2").text
    for grouping in GROUPINGS:
        assert f'href="/book?by={grouping}&amp;rate=80.0&amp;uplift=2"' in text or (
            f'href="/book?rate=80.0&amp;uplift=2&amp;by={grouping}"' in text
        ), "a link to a grouping keeps what was calculated"


def test_engagement_against_health(client: TestClient) -> None:
    answer = client.get("/v1/book/engagement").json()
    assert answer["known"] is True
    assert [(row["from_days"], row["to_days"], row["accounts"], row["health"]) for row in answer["touched"]] == [
        (0, 14, 2, 40.5),
        (15, 28, 1, 42.0),
        (29, 56, 0, None),
        (57, 84, 1, 43.0),
        (85, None, 1, 44.0),
        (None, None, 1, 45.0),
    ]
    assert answer["touched"][0]["bands"] == {"healthy": 1, "at_risk": 1, "critical": 0}
    assert answer["touched"][0]["arr_at_risk"] == 200.0
    told = section(client.get("/book").text, "area-engagement")
    for words in ("0 to 14 days ago 2 200 40.5 1 healthy 1 at risk 0 critical", "85 days ago or more 1", "never 1"):
        assert words in told


@pytest.mark.parametrize(
    "query, lefts, kept",
    [
        ("", [0.824**4, 0.874**4, 0.924**4], [0.874**4 - 0.824**4, 0.924**4 - 0.824**4]),
        ("?rate=80&uplift=5", [0.8**4, 0.85**4], [0.85**4 - 0.8**4]),
        ("?rate=&uplift=%2010%20,%20200", [0.824**4, 0.924**4, 1.0], [0.924**4 - 0.824**4, 1 - 0.824**4]),
    ],
)
def test_erosion_is_the_api_s(client: TestClient, query: str, lefts: list[float], kept: list[float]) -> None:
    text = client.get(f"/book{query}").text
    (found,) = re.findall(r'aria-labelledby="erosion">(.*?)</section>', text, re.DOTALL)
    shown = values(found)
    for value in lefts + kept:
        assert any(value == pytest.approx(one, abs=1e-9) for one in shown), value
    assert f"{number(1000 * kept[0])} customers" in found
    assert ("measured" in plain(found).split("Kept by it")[1]) == ("rate=8" not in query)


@pytest.mark.parametrize(
    "query", ["by=colour", "rate=101", "rate=-1", "rate=much", "uplift=x", "uplift=1;2", "by=segment&colour=red"]
)
def test_what_can_not_be_asked_is_told(client: TestClient, query: str) -> None:
    assert client.get(f"/book?{query}").status_code == 422


def test_scores_without_a_book_say_how_to_get_one(
    sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    client = client_of(sqlite, make_batch(1), [make_score("a")], {})
    for query in ("", "?by=segment"):
        answer = client.get(f"/book{query}")
        assert answer.status_code == 200
        assert "These scores have no book" in answer.text
        assert "healthscore score" in answer.text


def test_without_touches_or_a_renewal_rate_it_says_what_to_bring(
    sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    measures = TOLD | {"renewal_rate": TOLD["renewal_rate"] | MISSING}
    book = {"all": [{"group": "all", "forecast": None, "measures": measures}]}
    client = client_of(sqlite, make_batch(1), [make_score("a")], book)
    text = client.get("/book").text
    assert "export calls, meetings and mails as <code>engagements</code>" in text
    assert "The book holds no renewal rate" in text
    assert "nobody was scored" in text
    assert client.get("/v1/book/erosion").status_code == 409
    assert "51.2 %" in client.get("/book?rate=80").text


def test_a_new_batch_has_its_own_book(sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore) -> None:
    for day, nrr in enumerate((0.5, 0.25)):
        measures = TOLD | {"nrr": TOLD["nrr"] | {"value": nrr}}
        book = {"all": [{"group": "all", "forecast": FORECAST, "measures": measures}]}
        renewal_at = make_batch(1).as_of + timedelta(days=90)
        client = client_of(sqlite, make_batch(1, day=day), [make_score("a", renewal_at=renewal_at)], book)
        assert nrr in values(client.get("/book").text)


@pytest.mark.parametrize(
    "shares, ends, labels",
    [
        ([0.93, 0.88, 0.71], (0.7, 1.0), ["70 %", "80 %", "90 %", "100 %"]),
        ([0.61, 1.24], (0.6, 1.3), ["60 %", "80 %", "100 %", "120 %"]),
        ([None], (1.0, 1.1), ["100 %", "110 %"]),
        ([0.0, 2.0], (0.0, 2.0), ["40 %", "100 %", "160 %"]),
    ],
)
def test_a_scale_holds_the_shares_and_100_per_cent(
    shares: list[float | None], ends: tuple[float, float], labels: list[str]
) -> None:
    scale = Scale.of(shares)
    assert (scale.axis.low, scale.axis.high) == pytest.approx(ends)
    assert [tick.label for tick in scale.ticks] == labels
    assert scale.par in [tick.at for tick in scale.ticks]


def test_labels_of_erosion_keep_apart_and_lines_differ() -> None:
    chart = erosion_chart(erosion(0.9, [1.0, 2.0, 3.0]))
    ends = [line.label_y for line in chart.lines]
    assert all(low - high >= APART - 1e-9 for low, high in pairwise(ends))
    assert [line.kind for line in chart.lines] == [0, 1, 2, 3]
    assert chart.lines[0].label == "90.0 % → 66 %"
    assert chart.lines[0].line.split()[0] == "56,12", "all are there in the first year"
