"""The pages: the API's rows, for people; without scripts and without another host."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from jinja2.meta import find_undeclared_variables
from jinja2.nodes import Assign, Extends, FromImport, Macro, Name, Node

from serving.api import create_app
from serving.pages import STATIC
from serving.pages.accounts import SORTS
from serving.pages.page import Page as ShownPage
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from serving.templating import environment

MakeScore = Callable[..., AccountScore]
MakeBatch = Callable[..., Batch]

TEMPLATES = Path(STATIC).parent / "templates"
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
                if cell == "Trend":  # which the API has in each account's history
                    continue
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
PAGES += ["/renewals", "/renewals?within=365d&capacity=1", "/renewals?region=zzz", "/book"]
PAGES += ["/model", "/data"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_sound_and_need_nobody_else(client: TestClient, path: str) -> None:
    text = client.get(path).text
    page = Page(text)
    assert text.startswith('<!doctype html>\n<html lang="en">')
    assert len(page.all("h1")) == len(page.all("main", id="main")) == text.count("</title>\n") == 1
    assert page.all("a", **{"class": "skip", "href": "#main"})
    assert not page.all("script")
    assert not page.all("style")
    assert not [
        found for _, found, _ in page.elements if "style" in found or any(key.startswith("on") for key in found)
    ]
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", text)
    assert len(page.all("label")) == len(
        [found for found, _ in page.all("input") if found.get("type") != "hidden"]
    ) + len(page.all("select")) + len(page.all("textarea"))
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


def _pages() -> list[type[ShownPage]]:
    return sorted(ShownPage.__subclasses__(), key=lambda page: page.__name__)


def _made(template: Node) -> set[str]:
    """What a template makes or imports for itself."""
    made = {macro.name for macro in template.find_all(Macro)}
    made |= {assign.target.name for assign in template.find_all(Assign) if isinstance(assign.target, Name)}
    imported = [name for each in template.find_all(FromImport) for name in each.names]
    return made | {name if isinstance(name, str) else name[1] for name in imported}


@pytest.mark.parametrize("page", _pages(), ids=lambda page: page.__name__)
def test_a_template_uses_its_page_and_the_frame_only(page: type[ShownPage]) -> None:
    given = {field.name for field in fields(page)} | {"frame"}
    used: set[str] = set()
    names: list[str] = [page.template]
    while names:
        source = (TEMPLATES / names.pop()).read_text()
        parsed = environment.parse(source)
        used |= find_undeclared_variables(parsed) - _made(parsed)
        names += [node.template.value for node in parsed.find_all(Extends)]
    assert used <= given
    assert given - used <= {"frame"}, "a field that no template shows"


def sent(client: TestClient, path: str, **given: str) -> Response:
    """The answer to a form of Fade's page."""
    (token, *_) = Page(client.get("/accounts/fade").text).all("input", name="form_token")
    return client.post(f"/accounts/fade/{path}", data={"form_token": token[0]["value"], **given})


def test_a_play_is_started_done_and_has_an_outcome(client: TestClient) -> None:
    for given in ({"step": "started"}, {"step": "done"}, {"step": "outcome", "outcome": "helped"}):
        answer = sent(client, "actions", play="skills_assessment", **given)
        assert (answer.status_code, answer.url.fragment) == (200, "plays")
    taken = client.get("/v1/accounts/fade/actions").json()["actions"]
    assert {(step["play"], step["step"], step["outcome"]) for step in taken} == {
        ("skills_assessment", "started", None),
        ("skills_assessment", "done", None),
        ("skills_assessment", "outcome", "helped"),
    }
    assert "What was done (3)" in answer.text


def test_an_opinion_is_shown_beside_the_score(client: TestClient) -> None:
    answer = sent(client, "opinions", rating="healthy", reason="They <renewed> early")
    assert answer.status_code == 200
    assert "They &lt;renewed&gt; early" in answer.text
    assert "They &lt;renewed&gt; early" in client.get("/").text
    assert client.get("/v1/accounts/fade").json()["health"] == 12.25


@pytest.mark.parametrize(
    "path, given",
    [
        ("opinions", {"rating": "fine", "reason": "x"}),
        ("opinions", {"rating": "healthy"}),
        ("actions", {"play": "x", "step": "outcome"}),
        ("actions", {"play": "x", "step": "started", "more": "y"}),
    ],
)
def test_a_wrong_form_is_told_and_keeps_nothing(client: TestClient, path: str, given: dict[str, str]) -> None:
    answer = sent(client, path, **given)
    assert answer.status_code == 422
    assert "<h1>" in answer.text
    assert client.get(f"/v1/accounts/fade/{path}").json()[path] == []


@pytest.mark.parametrize("path", ["opinions", "actions"])
def test_a_form_from_elsewhere_changes_nothing(client: TestClient, path: str) -> None:
    given = {"rating": "healthy", "reason": "x"} if path == "opinions" else {"play": "x", "step": "started"}
    assert sent(client, path, **given, form_token="0" * 64).status_code == 403
    assert client.get(f"/v1/accounts/fade/{path}").json()[path] == []


@pytest.mark.parametrize("query, status", [("", 200), ("days_late_364d=3", 422), ("nonsense=1", 422)])
def test_what_if_asks_about_known_signals_only(client: TestClient, query: str, status: int) -> None:
    assert client.get(f"/accounts/fade/what-if?{query}").status_code == status


def test_the_export_is_the_api_s_rows(client: TestClient) -> None:
    answer = client.get("/accounts.csv?sort=name&owner=Ada+Byron&limit=1")
    assert answer.headers["content-disposition"] == 'attachment; filename="accounts-2026-11-01.csv"'
    assert answer.text == client.get("/v1/accounts?sort=name&owner=Ada+Byron", headers={"Accept": "text/csv"}).text


def test_today_says_who_comes_first_and_what_moved(
    client: TestClient, sqlite: ScoreStore, make_batch: MakeBatch, make_score: MakeScore, cast: list[AccountScore]
) -> None:
    assert "These are the first scores" in client.get("/").text
    later = [replace(each, health=30.0, band="critical") if each.account_id == "thrive" else each for each in cast]
    sqlite.publish(make_batch(len(later), day=7), later)
    page = Page(client.get("/").text)
    worst = client.get("/v1/renewals?within=90d").json()["renewals"]
    calls = [found["value"] for found, _ in page.all("data") if "class" not in found]
    assert calls[: len(worst)] == [str(each["expected_loss"]) for each in worst]
    assert "1 account in a worse band, 0 in a better one." in client.get("/").text
    assert "−61.5" in client.get("/").text
    assert "No account" not in client.get("/?owner=Ken+Osei").text
    assert "Fade" not in client.get("/?owner=Ken+Osei").text
