"""The pages: the API's rows, for people; without scripts and without another host."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from serving.api import create_app
from serving.pages import STATIC
from serving.pages.account import bars
from serving.pages.accounts import SORTS
from serving.read_models import AccountDetail
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from serving.templating import compact, day, moment, number, percent, signed, until

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "wbr"}


class Page(HTMLParser):
    """A page's elements as (tag, attributes, text); AssertionError where tags aren't closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self.open: list[int] = []
        self.feed(text)
        assert not self.open, [self.elements[at][0] for at in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))
        if tag not in VOID:
            self.open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}, []))

    def handle_endtag(self, tag: str) -> None:
        assert self.elements[self.open.pop()][0] == tag

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.elements[at][2].append(data)

    def all(self, tag: str, **attributes: str) -> list[tuple[dict[str, str], str]]:
        """The elements of a tag that have these attributes, as (attributes, text)."""
        return [
            (found, " ".join("".join(text).split()))
            for name, found, text in self.elements
            if name == tag and attributes.items() <= found.items()
        ]

    def rows(self) -> list[dict[str, str | None]]:
        """The account list, as machine-readable values by the label of their column."""
        found: list[dict[str, str | None]] = []
        cell = ""
        for name, attributes, text in self.elements:
            if name == "tr" and "data-account" in attributes:
                found.append({"account_id": attributes["data-account"]})
                cell = ""
            elif name in {"td", "th"} and found:
                cell = attributes.get("data-label", "Name")
                found[-1].setdefault(cell, None)
                if cell in {"Owner"}:
                    found[-1][cell] = "".join(text).strip()
            elif found and cell == "Name" and name == "a":
                found[-1]["Name"] = "".join(text)
            elif found and name == "data" and cell:
                found[-1][cell] = attributes["value"]
            elif found and name == "time" and cell == "Renewal":
                found[-1][cell] = attributes["datetime"]
            elif found and name == "span" and attributes.get("class", "").startswith("band "):
                found[-1]["Band"] = attributes["class"].removeprefix("band ")
            elif name == "nav":
                cell = ""
        return found


@pytest.fixture
def empty(sqlite: ScoreStore) -> Iterator[TestClient]:
    """A browser on a store without scores."""
    with TestClient(
        create_app(sqlite), base_url="http://127.0.0.1", headers={"Accept": "text/html"}, raise_server_exceptions=False
    ) as client:
        yield client


@pytest.fixture
def client(empty: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, cast: list[AccountScore]) -> TestClient:
    """A browser on the cast."""
    sqlite.publish(make_batch(len(cast)), cast)
    return empty


def _text(value: object) -> str | None:
    return None if value is None else str(value)


@pytest.mark.parametrize(
    "query", ["", "sort=health", "sort=-renewal_at", "sort=name&limit=4", "band=healthy", "owner=Ada+Byron&q=e", "q=zz"]
)
def test_html_equals_json(client: TestClient, query: str) -> None:
    page = Page(client.get(f"/accounts?{query}").text)
    answer = client.get(f"/v1/accounts?{query}").json()
    assert page.rows() == [
        {
            "account_id": row["account_id"],
            "Name": row["name"],
            "Health": _text(row["health"]),
            "Band": row["band"],
            "Churn risk 90 days": _text(row["risk_90d"]),
            "Churn risk 365 days": _text(row["risk_365d"]),
            "ARR": _text(row["arr"]),
            "ARR at risk": _text(row["arr_at_risk"]),
            "Renewal": row["renewal_at"],
            "Owner": row["owner"] or "–",
            "Coverage": _text(row["coverage"]),
        }
        for row in answer["accounts"]
    ]
    totals = answer["totals"]
    shown = [float(attributes["value"]) for attributes, _ in page.all("data")][:6]
    assert shown == [totals["accounts"], totals["arr"], totals["arr_at_risk"], *totals["bands"].values()]


def test_the_pager_leads_through_all_accounts_and_back(client: TestClient) -> None:
    pages = [Page(client.get("/accounts?limit=4&sort=name").text)]
    ((following, _),) = pages[0].all("a", rel="next")
    pages.append(Page(client.get(following["href"]).text))
    names = [row["account_id"] for page in pages for row in page.rows()]
    assert names == ["boundary/1", "newborn", "fade", "quiet", "returned", "thrive"]
    assert not pages[0].all("a", rel="prev")
    ((preceding, _),) = pages[1].all("a", rel="prev")
    assert Page(client.get(preceding["href"]).text).rows() == pages[0].rows()


def test_every_link_of_the_list_leads_somewhere(client: TestClient) -> None:
    page = Page(client.get("/accounts?q=e&limit=3&sort=name").text)
    for attributes, _ in page.all("a"):
        if not attributes["href"].startswith("#"):
            assert client.get(attributes["href"]).status_code == 200, attributes["href"]


def test_sort_links_turn_round_and_keep_the_filters(client: TestClient) -> None:
    page = Page(client.get("/accounts?band=at_risk&sort=-arr").text)
    ((_, heading),) = page.all("th", **{"aria-sort": "descending"})
    assert heading.startswith("ARR")
    links = {label.rstrip("↑↓"): attributes["href"] for attributes, label in page.all("a")}
    assert links["ARR"] == "/accounts?band=at_risk&sort=arr"
    assert links["Health"] == "/accounts?band=at_risk&sort=health"
    assert links["ARR at risk"].startswith("/accounts?band=at_risk")


def test_the_form_keeps_what_was_asked(client: TestClient) -> None:
    page = Page(client.get("/accounts?q=e&band=at_risk&owner=Ada+Byron&sort=name&limit=20").text)
    assert page.all("input", name="q")[0][0]["value"] == "e"
    assert {attributes["value"] for attributes, _ in page.all("option") if "selected" in attributes} == {
        "at_risk", "Ada Byron", "name",
    }  # fmt: skip
    assert page.all("input", name="limit")[0][0]["value"] == "20"
    assert page.all("a", href="/accounts?sort=name&limit=20")[0][1] == "Clear filters"


def test_the_sorts_offered_are_the_api_s(client: TestClient) -> None:
    parameters = client.get("/openapi.json").json()["paths"]["/v1/accounts"]["get"]["parameters"]
    (allowed,) = (parameter["schema"]["enum"] for parameter in parameters if parameter["name"] == "sort")
    assert {value for value, _ in SORTS} <= set(allowed)
    assert len(SORTS) == len({value for value, _ in SORTS})


def test_an_older_list_says_so(
    client: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore
) -> None:
    ((following, _),) = Page(client.get("/accounts?limit=3").text).all("a", rel="next")
    sqlite.publish(make_batch(1, day=1), [make_score("late")])
    old = client.get(following["href"]).text
    assert "Newer scores have been published" in old
    assert "Newer scores" not in client.get("/accounts").text


def test_an_account(client: TestClient) -> None:
    text = client.get("/accounts/quiet").text
    page = Page(text)
    answer = client.get("/v1/accounts/quiet").json()
    assert page.all("h1")[0][1].startswith("Quiet & <Sons>")
    values = [float(attributes["value"]) for attributes, _ in page.all("data")]
    assert {answer["base_points"], answer["health"], answer["coverage"], *answer["points"].values()} <= set(values)
    assert {signal["points"] for signal in answer["signals"]} <= set(values)
    assert {answer[f"risk_{days}d"] for days in (30, 90, 180, 365)} <= set(values)
    assert "none known" in text
    assert "Missing" in text


def test_health_that_was_clipped_says_so(client: TestClient) -> None:
    assert "115.0, held to 0–100" in client.get("/accounts/boundary%2F1").text
    assert "held to" not in client.get("/accounts/fade").text


def test_without_scores_the_page_says_what_to_do(empty: TestClient) -> None:
    response = empty.get("/")
    assert response.status_code == 200
    assert "healthscore score" in response.text
    Page(response.text)


@pytest.mark.parametrize("path, status", [("/accounts/nobody", 404), ("/nowhere", 404), ("/accounts?limit=0", 422)])
def test_a_person_gets_a_problem_as_a_page(client: TestClient, path: str, status: int) -> None:
    response = client.get(path)
    assert response.status_code == status
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert Page(response.text).all("a", href="/accounts")


PAGES = ["/", "/accounts", "/accounts?band=critical", "/accounts?q=zzz", "/accounts/fade", "/docs", "/nowhere"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_sound_and_need_nobody_else(client: TestClient, path: str) -> None:
    text = client.get(path).text
    page = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert len(page.all("h1")) == len(page.all("main", id="main")) == len(page.all("title")) == 1
    assert page.all("a", **{"class": "skip", "href": "#main"})
    assert not page.all("script")
    assert not page.all("style")
    assert not [
        found for _, found, _ in page.elements if "style" in found or any(key.startswith("on") for key in found)
    ]
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", text)
    labelled = " ".join(label for _, label in page.all("label"))
    assert len(page.all("label")) == len(
        [found for found, _ in page.all("input") if found.get("type") != "hidden"]
    ) + len(page.all("select"))
    assert all("scope" in found for found, _ in page.all("th"))
    identifiers = [found["id"] for _, found, _ in page.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))


def test_a_band_is_a_word_a_shape_and_a_colour(client: TestClient) -> None:
    page = Page(client.get("/accounts").text)
    shapes = {}
    for at, (tag, found, _) in enumerate(page.elements):
        if tag == "svg" and found.get("class", "").startswith("shape "):
            shapes[found["class"].split()[1]] = (page.elements[at + 1][0], page.elements[at + 1][1].get("d"))
    assert set(shapes) == {"healthy", "at_risk", "critical"}
    assert len(set(shapes.values())) == 3
    assert {label for found, label in page.all("span") if found.get("class", "").startswith("band ")} == {
        "Healthy", "At risk", "Critical",
    }  # fmt: skip


def test_docs_show_every_operation_and_shape(client: TestClient) -> None:
    text = client.get("/docs").text
    for path in ("GET /v1/accounts", "GET /v1/accounts/{account_id}", "GET /healthz", "GET /readyz", "AccountRow"):
        assert path in text
    page = Page(text)
    targets = {found["id"] for _, found, _ in page.elements if "id" in found}
    assert {found["href"][1:] for found, _ in page.all("a") if found["href"].startswith("#")} <= targets


def _colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", css))


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(digit * 2 for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_contrast_is_enough_to_read(theme: str) -> None:
    css = (Path(STATIC) / "pages.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    colours = _colours(light if theme == "light" else dark)
    pairs = [(text, ground, 4.5) for text in ("text", "muted", "accent") for ground in ("ground", "card", "hover")]
    pairs += [(band, f"{band}-tint", 4.5) for band in ("healthy", "at-risk", "critical")]
    pairs += [(band, "card", 4.5) for band in ("healthy", "at-risk", "critical")] + [("on-accent", "accent", 4.5)]
    pairs += [("at-risk-fill", "card", 3.0), ("risk", "track", 3.0)]
    for text, ground, enough in pairs:
        low, high = sorted((_luminance(colours[text]), _luminance(colours[ground])))
        assert (high + 0.05) / (low + 0.05) >= enough, (text, ground)


def test_bars_share_one_scale(client: TestClient) -> None:
    account = AccountDetail.model_validate(client.get("/v1/accounts/fade").json())
    worst, best = bars(account)
    assert (worst["dimension"], best["dimension"]) == ("adoption", "support")
    assert worst["zero"] == best["zero"] == best["start"] == worst["start"] + worst["length"] == 32.5
    assert best["length"] == 11.25


@pytest.mark.parametrize(
    "written, expected",
    [
        (number(1234567.8), "1,234,568"),
        (number(None), "–"),
        (signed(-4.21), "−4.2"),
        (signed(3), "+3.0"),
        (signed(-0.01), "0.0"),
        (percent(0.1234), "12.3 %"),
        (compact(1234567), "1.23 M"),
        (compact(999_900), "1.00 M"),
        (compact(412_300), "412 k"),
        (compact(950), "950"),
        (compact(0), "0"),
        (compact(12_345_678_901), "12.3 bn"),
        (day(datetime(2027, 1, 3)), "3 Jan 2027"),
        (moment(datetime(2027, 1, 3, 4, 5)), "3 Jan 2027, 04:05 UTC"),
        (until(datetime(2026, 11, 2), datetime(2026, 11, 1, 23)), "in 1 day"),
        (until(datetime(2026, 11, 1), datetime(2026, 11, 1, 23)), "today"),
        (until(datetime(2026, 10, 30), datetime(2026, 11, 1)), "2 days ago"),
    ],
)
def test_how_numbers_are_written(written: str, expected: str) -> None:
    assert written == expected
