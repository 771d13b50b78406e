"""The whole look: what it says to do, and that it goes to JSON, to metrics and to a page that can be sent."""

from dataclasses import replace
from datetime import datetime, timedelta

import polars as pl
import pytest

from features.errors import HistoryError
from features.findings import Checked
from training.intervals import Estimate
from training.monitoring.alarm import Alarm
from training.monitoring.look import Watched, advice, look
from training.monitoring.page import page
from training.monitoring.result import Monitoring
from training.monitoring.source_changes import SourceSeen, source_alarms
from training.retraining import Standing

NOW = datetime(2025, 10, 9)


@pytest.fixture(scope="module")
def looked(company, usual) -> Monitoring:
    """A look at the model with what it would have published half a year before; `<script>` is one of its columns."""
    checked = Checked(company.tables, (), {}, {}, {}, {"accounts": {"account_id": "String", "<script>": "unused"}})
    rows = company.matrix.filter(pl.col("as_of").is_between(NOW - timedelta(days=140), NOW))
    scored = company.model.score(rows)
    said = pl.concat([rows.select("segment", arr="arr_in_force"), scored], how="horizontal").with_columns(
        known_at="as_of", model_version=pl.lit("1"), settled_band="band"
    )
    watched = Watched(company.model, "churn", "7", usual)
    opinions = pl.DataFrame(
        {"account_id": rows["account_id"].head(3), "author": ["ada"] * 3, "stated_at": [datetime(2025, 2, 1)] * 3,
         "rating": ["critical"] * 3, "band": ["healthy"] * 3}
    )  # fmt: skip
    columns = {"accounts": {"account_id": "String", "region": "String"}}
    first = look(checked, watched, as_of=NOW, made_at=NOW, said=said, opinions=opinions)
    before = replace(first, source=SourceSeen(columns, {}))
    return look(checked, watched, as_of=NOW, made_at=NOW, said=said, opinions=opinions, before=before)


def test_it_comes_back_from_json_and_names_no_account(looked: Monitoring, company) -> None:
    told = looked.to_json()
    assert Monitoring.from_json(told).to_json() == told
    text = str(told)
    assert not any(account in text for account in company.matrix["account_id"].unique())


def test_published_scores_are_held_against_outcomes_per_segment(looked: Monitoring) -> None:
    assert {entry.segment for entry in looked.matured} == {None, "small", "mid_market", "enterprise"}
    found = looked.entry(30)
    assert found.churns > 0
    assert found.figures["expected_to_actual"].low < found.figures["expected_to_actual"].high
    metrics = looked.metrics()
    assert metrics["expected_to_actual_30d"] == found.figures["expected_to_actual"].value
    assert {"psi_health", "auc_if_calibrated_90d", "bands_changed", "alarms_stop"} <= set(metrics)


def test_a_book_without_customers_is_one_clear_error(company, usual) -> None:
    checked = Checked(company.tables, (), {}, {}, {}, {})
    watched, long_ago = Watched(company.model, "churn", "7", usual), datetime(2001, 1, 1)
    with pytest.raises(HistoryError, match="no account has a contract in force at 2001-01-01"):
        look(checked, watched, as_of=long_ago, made_at=NOW)


def test_a_column_that_is_gone_and_one_that_is_new_are_warned_of(looked: Monitoring) -> None:
    found = {(alarm.kind, alarm.about) for alarm in looked.alarms}
    assert found == {("column_gone", "accounts.region"), ("column_new", "accounts.<script>")}
    assert looked.held == ()


def test_the_page_is_one_file_with_everything_escaped(looked: Monitoring) -> None:
    html = page(looked)
    assert "accounts.&lt;script&gt;" in html
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    for heading in ("Alarms", "What was published, against what happened", "Drift", "Bands", "Feeds"):
        assert f"<h2>{heading}</h2>" in html


QUIET = Standing(NOW, NOW, NOW, 200, [NOW] * 10, {None: Estimate(1.0, 0.9, 1.1)}, Estimate(0.7, 0.65, 0.75),
                 Estimate(0.7, 0.66, 0.74), 0.02)  # fmt: skip
STOP = Alarm("zeros", "stop", "usage_daily.events", "all zeros", "Look.")
WARN = Alarm("new_category", "warn", "tickets.channel", "new", "Map it.")


@pytest.mark.parametrize(
    "changes, alarms, action, said",
    [
        ({}, [], "nothing", "nothing has moved"),
        ({}, [WARN], "nothing", "nothing has moved"),
        ({"expected_to_actual": {None: Estimate(0.6, 0.5, 0.7)}}, [], "recalibrate", "calibration is out of bounds"),
        ({"expected_to_actual": {None: Estimate(0.8, 0.7, 0.95)}}, [], "recalibrate", "calibration is out of bounds"),
        ({"expected_to_actual": {None: Estimate(0.8, 0.68, 0.98)}}, [], "nothing", "nothing has moved"),
        ({"auc": Estimate(0.55, 0.5, 0.6)}, [], "retrain", "less well than was proven"),
        (
            {"auc": Estimate(0.55, 0.5, 0.6), "expected_to_actual": {None: Estimate(0.6, 0.5, 0.7)}},
            [],
            "retrain",
            "less well than was proven",
        ),
        ({"expected_to_actual": {None: Estimate(0.6, 0.5, 0.7)}}, [STOP], "nothing", "usage_daily.events"),
    ],
)
def test_what_to_do(company, usual, monkeypatch, changes, alarms, action: str, said: str) -> None:
    monkeypatch.setattr("training.retraining.standing", lambda *_: replace(QUIET, **changes))
    found = advice(company.tables, Watched(company.model, "churn", "7", usual), NOW, alarms, ())
    assert found.action == action
    assert said in found.reasons[0]


@pytest.mark.parametrize("off, action", [(-1.5, "recalibrate"), (0.0, "nothing")])
def test_a_level_that_moved_is_told_from_outcomes(company, usual, off: float, action: str) -> None:
    """A model that knew outcomes until spring, at a wrong level or the right one."""
    card, churn = company.model.card, company.model.churn
    trained = card.trained_on | {"observed_until": "2025-04-01 00:00:00", "churns": 10_000}
    calibration = replace(churn.calibration, intercept=churn.calibration.intercept + off)
    model = replace(
        company.model, card=replace(card, trained_on=trained), churn=replace(churn, calibration=calibration)
    )
    found = advice(company.tables, Watched(model, "churn", "7", usual), datetime(2025, 12, 4), [], ())
    assert found.action == action, found.reasons


@pytest.mark.parametrize(
    "columns, odd, expected",
    [
        ({"tickets": {"csat": "String", "cost": "Float64"}}, {}, set()),
        ({"tickets": {"csat": "String"}}, {}, {("column_gone", "tickets.cost")}),
        ({"tickets": {"csat": "Float64", "cost": "Float64"}}, {}, {("type_changed", "tickets.csat")}),
        ({}, {}, set()),  # a table that is gone is the feeds' alarm
        (
            {"tickets": {"csat": "String", "cost": "Float64"}},
            {"tickets.csat: unparseable": 0.4, "tickets.cost: out_of_range": 0.02},
            {("values_changed", "tickets.csat")},
        ),
    ],
)
def test_what_changed_in_the_source(columns, odd, expected) -> None:
    before = SourceSeen({"tickets": {"csat": "String", "cost": "Float64"}}, {"tickets.csat: unparseable": 0.01})
    found = list(source_alarms(before, SourceSeen(columns, odd)))
    assert {(alarm.kind, alarm.about) for alarm in found} == expected
    assert all(alarm.severity == "warn" for alarm in found)
