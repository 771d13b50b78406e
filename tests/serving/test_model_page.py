"""The model's page: the receipt as the API gives it, who may see whom in it, and what stands there without one."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import pytest
from fastapi.testclient import TestClient

from features.settings import Settings
from serving.access.keys import Keys
from serving.api import create_app
from serving.pages.model import heaviest, learned_from
from serving.pages.proof_charts import bars, forest, lead_time, lift, reliability
from serving.receipt_shown import Caught, Comparison, Entry, Estimate, Tenth, Warned
from serving.scores import AccountScore, Batch
from serving.store import ScoreStore
from tests.serving.receipts import DAY, PROOF, with_versions
from tests.serving.test_pages import Page
from training.backtest import MODEL
from training.tracking import CHAMPION, Registry

Serve = Callable[..., TestClient]
NAMED = {"gone-ada", "gone-ken", "gone-nobody", "thrive", "fade"}


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Registry:
    """The shared registry's versions 1 to 3, and: 4 proven and promoted; 5, that at another level; 6 with half a
    receipt; 7 with one of another kind."""
    promoted = {
        "decision": "promoted", "decision_reason": "every <floor> is met", "promoted_by": "ada",
        "promoted_at": "2026-10-30T07:00:00+00:00", "promotion_reason": "better at 90 days", "mode": "learned",
    }  # fmt: skip
    more = (
        (PROOF.to_json(), promoted),
        (None, {"recalibrated_from": "4", "promoted_at": "yesterday"}),
        ({"verdict": ["Half of it."], "entries": []}, {}),
        ({"entries": [{"predictor": 1}]}, {}),
    )
    return with_versions(registry, tmp_path_factory.mktemp("versions") / "mlflow.db", more)


@pytest.fixture
def serve(
    tmp_path: Path, versions: Registry, sqlite: ScoreStore, make_batch: Callable[..., Batch], cast: list[AccountScore]
) -> Iterator[Serve]:
    """Opens a service on the cast, with one of the versions as champion."""
    sqlite.publish(make_batch(len(cast)), cast)
    with ExitStack() as clients:

        def opened(champion: str, **settings: object) -> TestClient:
            file = tmp_path / f"{champion}.db"
            shutil.copy(versions.uri.removeprefix("sqlite:///"), file)
            own = replace(versions, uri=f"sqlite:///{file}")
            own.client.set_registered_model_alias(own.name, CHAMPION, champion)
            app = create_app(sqlite, Settings.model_validate(settings), registry=own)
            client = clients.enter_context(TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False))
            for _ in range(600):  # a busy machine may not have looked at the registry yet
                if f"version {champion} is loaded" in client.get("/readyz").text:
                    break
                sleep(0.1)
            return client

        yield opened


@pytest.fixture
def as_ada(sqlite: ScoreStore) -> dict[str, str]:
    """The header of a csm: Ada Byron."""
    key = Keys(sqlite).create("Ada", "csm", now=DAY, owner="Ada Byron")[1]
    return {"Authorization": f"Bearer {key}"}


def page_of(client: TestClient, path: str = "/model", **headers: str) -> Page:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


def text_of(page: Page) -> str:
    ((_, text),) = page.all("main")
    return text


def values(page: Page) -> set[float]:
    return {float(found["value"]) for found, _ in page.all("data")}


def test_the_page_shows_the_figures_of_the_receipt(serve: Serve) -> None:
    client = serve("4")
    page, receipt = page_of(client), client.get("/v1/model/receipt").json()
    text, shown = text_of(page), values(page)
    assert page.all("h2", id="verdict")[0][1] == receipt["verdict"][0]
    assert all(" ".join(sentence.split()) in text for sentence in receipt["verdict"])
    at_90 = [one for one in receipt["entries"] if one["days"] == 90]
    for one in at_90:
        if one["segment"] is None or one["predictor"] == MODEL:
            names = ("auc", "expected_to_actual", "expected_to_actual_arr", "lift", "arr_caught")
            assert {one["figures"][name]["value"] for name in names} <= shown, one["predictor"]
    assert {one["not_green"]["value"] for one in receipt["warned"]} <= shown
    assert {receipt["base_rate"]["value"], receipt["bands"][0]["churn_rate"]["value"]} <= shown
    assert {tenth["actual"]["value"] for tenth in receipt["calibration"] if tenth["days"] == 90} <= shown
    assert {one["arr"] for one in receipt["missed"]["named"]} <= shown
    assert len(page.all("h1")) == 1
    assert not page.all("script")
    assert all("scope" in found for found, _ in page.all("th"))
    identifiers = [found["id"] for _, found, _ in page.elements if "id" in found]
    assert len(identifiers) == len(set(identifiers))


def test_an_anchor_that_wins_is_said_to_win(serve: Serve) -> None:
    client = serve("4")
    text = text_of(page_of(client))
    assert "logistic regression foretells better than the model." in text
    assert "Too close to call: Cox <proportional> hazards." in text
    assert "Ahead by lost ARR caught: Cox <proportional> hazards, 60 % (55 to 70) against the model’s 40 %" in text
    assert "The model is better than all 1 of them." in text_of(page_of(client, "/model?days=365"))


@pytest.mark.parametrize("days, said", [(30, "Too few expected"), (90, "As expected"), (365, "Too many expected")])
def test_the_horizon_is_in_the_address(serve: Serve, days: int, said: str) -> None:
    page = page_of(serve("4"), f"/model?days={days}")
    assert said in text_of(page)
    assert [found["href"] for found, _ in page.all("a", **{"aria-current": "true"})] == [f"/model?days={days}"]


@pytest.mark.parametrize("query", ["days=45", "days=", "day=90"])
def test_a_wrong_horizon_is_told(serve: Serve, query: str) -> None:
    assert serve("4").get(f"/model?{query}").status_code == 422


def test_a_csm_is_told_the_names_of_their_own_accounts(serve: Serve, as_ada: dict[str, str]) -> None:
    client = serve("4")

    def seen(text: str) -> set[str]:
        return {account_id for account_id in NAMED if account_id in text}

    ada = client.get("/model", headers=as_ada).text
    assert seen(ada) == {"gone-ada", "fade"}
    assert "those of your own book" in ada
    assert "20 of 90 accounts" in ada
    for accept in ("application/json", "text/html"):
        answer = client.get("/v1/model/receipt", headers=as_ada | {"Accept": accept})
        assert answer.headers["content-type"] == "application/json"
        assert seen(answer.text) == {"gone-ada", "fade"}


def test_whoever_sees_all_accounts_is_told_all_names(serve: Serve) -> None:
    client = serve("4")
    for path in ("/model", "/v1/model/receipt"):
        assert {account_id for account_id in NAMED if account_id in client.get(path).text} == NAMED


def test_a_recalibrated_version_shows_the_receipt_it_stands_on(serve: Serve) -> None:
    client = serve("5")
    assert client.get("/v1/model/receipt").status_code == 404
    text = text_of(page_of(client))
    assert "Version 5 is version 4 at the level of newer outcomes." in text
    assert PROOF.verdict[0] in text


@pytest.mark.parametrize(
    "champion, said",
    [
        ("2", "It was registered without a receipt."),
        ("7", "The receipt of version 7 was written by a healthscore that this one can't read."),
    ],
)
def test_without_a_receipt_it_says_why_and_what_to_do(serve: Serve, champion: str, said: str) -> None:
    text = text_of(page_of(serve(champion)))
    assert "No receipt" in text
    assert said in text
    assert "healthscore train" in text
    assert "What it rests on" in text


def test_half_a_receipt_shows_what_it_has(serve: Serve) -> None:
    text = text_of(page_of(serve("6")))
    assert "Half of it." in text
    assert "how early it warns can’t be told" in text


@pytest.mark.parametrize("path", ["/model", "/model?days=30"])
def test_without_a_model_it_says_how_to_get_one(sqlite: ScoreStore, path: str) -> None:
    with TestClient(create_app(sqlite), base_url="http://127.0.0.1") as client:
        text = text_of(page_of(client, path))
    assert "No model yet" in text
    assert "healthscore train --promote" in text


def test_versions_say_who_decided_what(serve: Serve) -> None:
    client = serve("4")
    listed: dict[str, Any] = {one["version"]: one for one in client.get("/v1/model/versions").json()["versions"]}
    assert list(listed) == ["7", "6", "5", "4", "3", "2", "1"]
    four, five = listed["4"], listed["5"]
    assert four["aliases"] == ["champion"]
    assert (four["until"], four["accounts"], four["auc_90d"]) == ("2026-01-01T00:00:00Z", 300, 0.81)
    assert (four["promoted_by"], four["promoted_at"]) == ("ada", "2026-10-30T07:00:00Z")
    assert (five["recalibrated_from"], five["promoted_at"], five["decision"]) == ("4", None, None)
    text = text_of(page_of(client))
    assert "Promoted. every <floor> is met" in text
    assert "Promoted by ada on 30 Oct 2026: better at 90 days" in text
    assert "Version 4 at the level of newer outcomes." in text


def test_a_run_is_a_link_where_mlflow_is_known(serve: Serve) -> None:
    address = "https://mlflow.example.com/ui"
    page = page_of(serve("4", mlflow_url=address))
    ((link, _),) = [found for found in page.all("a") if found[0]["href"].startswith(address)]
    ((run, _),) = [found for found in page.all("code") if len(found[1]) == 32]
    assert link["href"].startswith(f"{address}/#/runs/")
    plain = text_of(page_of(serve("2")))
    assert "mlflow ui --backend-store-uri" in plain
    assert run == {}


@pytest.mark.parametrize("address", ["ftp://mlflow", "javascript:alert(1)", "https://user:secret@mlflow", "mlflow"])
def test_an_address_that_is_no_web_page_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="mlflow_url"):
        Settings(mlflow_url=address)


def test_listed_versions_outlive_their_registry_and_are_read_once(versions: Registry, tmp_path: Path) -> None:
    from serving.loaded_models import LoadedModels

    file = tmp_path / "mlflow.db"
    shutil.copy(versions.uri.removeprefix("sqlite:///"), file)
    models = LoadedModels(replace(versions, uri=f"sqlite:///{file}"))
    assert models.versions() == ()
    models.look()
    before = models.versions()
    assert [listed.facts.version.number for listed in before] == ["7", "6", "5", "4", "3", "2", "1"]
    models.look()
    assert all(old.run is new.run for old, new in zip(before, models.versions(), strict=True))
    file.unlink()
    models.look()
    assert len(models.versions()) == 7


def tenth(number: int, expected: float | None, actual: float | None) -> Tenth:
    said = Estimate(value=actual, low=None if actual is None else actual / 2, high=actual)
    return Tenth(days=90, number=number, rows=10, expected=expected, actual=said, expected_arr=None, actual_arr=said)


def test_expected_and_actual_share_one_scale() -> None:
    plot = reliability([tenth(1, 0.0, 0.0), tenth(2, 0.1, 0.2), tenth(3, None, 0.1), tenth(4, 0.1, None)], arr=False)
    assert plot is not None
    assert [tick.label for tick in plot.along] == ["0 %", "5 %", "10 %", "15 %", "20 %"]
    assert [(point.x, point.y) for point in plot.whiskers] == [(56, 252), (340, 12)]
    assert plot.whiskers[1].label == "Tenth 2: expected 10.0 %, 20.0 % (10.0 to 20.0 %)"
    assert plot.lines["chance"] == "56,252 624,12"
    assert reliability([tenth(1, 0.1, 0.1)], arr=True) is None
    assert reliability([], arr=False) is None


@pytest.mark.parametrize(
    "highest, labels",
    [
        (0.0004, ["0 %", "0.01 %", "0.02 %", "0.03 %", "0.04 %"]),
        (0.009, ["0 %", "0.25 %", "0.5 %", "0.75 %", "1 %"]),
        (0.03, ["0 %", "1 %", "2 %", "3 %"]),
        (0.31, ["0 %", "10 %", "20 %", "30 %", "40 %"]),
        (1.0, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
    ],
)
def test_scales_have_round_steps(highest: float, labels: list[str]) -> None:
    plot = reliability([tenth(1, highest, highest)], arr=False)
    assert plot is not None
    assert [tick.label for tick in plot.across] == labels


def test_what_was_caught_is_drawn_beside_chance() -> None:
    points = [Caught(days=90, share=share, churned=churned, arr=None) for share, churned in ((0, 0), (0.5, 1), (1, 1))]
    plot = lift(points)
    assert plot is not None
    assert plot.lines["accounts"] == "56,252 340,12 624,12"
    assert plot.lines["arr"] == ""
    assert lift([]) is None


def test_lead_time_runs_towards_leaving() -> None:
    def warned(from_days: int, churns: int, share: float | None) -> Warned:
        return Warned(from_days=from_days, to_days=from_days + 30, churns=churns, not_green=Estimate(value=share))

    plot = lead_time([warned(0, 10, 1.0), warned(30, 10, 0.5), warned(60, 0, None)], Estimate(value=0.75))
    assert plot is not None
    assert [point.x for point in plot.whiskers] == [482, 198], "the nearest to leaving is the furthest right"
    assert [tick.label for tick in plot.along] == ["60", "0"]
    assert plot.mark is not None
    assert plot.mark.at == 192
    assert lead_time([warned(0, 0, None)], Estimate()) is None


def test_bars_end_at_the_highest_interval() -> None:
    assert [(bar.length, bar.low, bar.high) for bar in bars([Estimate(value=0.1, low=0.05, high=0.2), Estimate()])] == [
        (50.0, 25.0, 100.0),
        (0.0, 0.0, 0.0),
    ]


def test_the_forest_has_the_model_first_and_the_closest_anchor_next() -> None:
    def of(predictor: str, auc: float) -> Entry:
        figures = {"auc": Estimate(value=auc, low=auc - 0.01, high=auc + 0.01)}
        return Entry(predictor=predictor, days=90, segment=None, rows=1, accounts=1, churns=1, figures=figures)

    def against(anchor: str, low: float, value: float, high: float) -> Comparison:
        difference = Estimate(value=value, low=low, high=high)
        return Comparison(anchor=anchor, days=90, rows=1, model_loss=0.1, anchor_loss=0.2, difference=difference)

    entries = [of(MODEL, 0.7), of("far", 0.8), of("near", 0.6), of("better", 0.705)]
    compared = [against("far", 0.1, 0.2, 0.3), against("near", -0.1, 0.0, 0.1), against("better", -0.1, -0.05, -0.01)]
    found = forest(entries, compared)
    assert [rival.entry.predictor for rival in found.rivals] == [MODEL, "better", "near", "far"]
    assert (found.better("model"), found.better("anchor"), found.better("neither")) == (["far"], ["better"], ["near"])
    assert found.zero == 49
    assert [(each.figure, each.anchor, each.apart) for each in found.ahead] == [("auc", "far", True)]
    assert forest(entries, []).better("model") == []


def test_facts_and_weights_are_told_in_words() -> None:
    assert learned_from(
        {"accounts": 1500, "first_as_of": "2023-01-05 00:00:00", "observed_until": "never", "x": 1}
    ) == [
        ("Accounts", "1,500"),
        ("From", "5 Jan 2023"),
        ("Outcomes certain until", "never"),
    ]
    assert heaviest({"open_tickets": 0.2, "unheard_of": 0.5, "nps_364d": 0.3}, most=2)[0] == ("unheard_of", 0.5)
