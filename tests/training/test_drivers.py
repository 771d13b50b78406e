"""Drivers: the signals that matter, beside peers, in words."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from features.catalogue import CATALOGUE
from features.tables import TABLES
from training.model import explained
from training.model.drivers import LEAST, MOST, sentence
from training.model.line import Line
from training.model.peers import peers


@pytest.fixture(scope="module")
def newest(company) -> pl.DataFrame:
    return company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())


@pytest.fixture(scope="module")
def scored(company, newest) -> pl.DataFrame:
    return company.model.score(newest)


@pytest.fixture(scope="module")
def drivers(company, newest, scored) -> list[list[dict]]:
    return explained(company.model, newest, scored).to_list()


def test_they_are_the_largest_points_of_either_sign(company, newest, scored, drivers) -> None:
    names = company.model.card.signals
    rows = zip(newest.iter_rows(named=True), scored.iter_rows(named=True), drivers, strict=True)
    for known, score, found in rows:
        told = {driver["signal"]: driver["points"] for driver in found if driver["signal"] in CATALOGUE}
        lacking = {table for table in TABLES if all(known[n] is None for n in names if CATALOGUE[n].tables == (table,))}
        points = {name: score[f"points__{name}"] for name in names if not lacking & set(CATALOGUE[name].tables)}
        helps = sorted((p for p in points.values() if p >= LEAST), reverse=True)[:MOST]
        hurts = sorted(p for p in points.values() if p <= -LEAST)[:MOST]
        assert sorted(told.values()) == sorted(helps + hurts)
        assert all(points[name] == at for name, at in told.items())
        assert list(told.values()) == sorted(told.values(), key=abs, reverse=True)
        assert {driver["signal"] for driver in found} - set(told) <= lacking


def test_each_has_its_value_unit_dimension_and_the_median_of_its_peers(newest, drivers) -> None:
    rows = newest.to_dicts()
    for row, found in list(zip(rows, drivers, strict=True))[::20]:
        for driver in (driver for driver in found if driver["signal"] in CATALOGUE):
            signal = CATALOGUE[driver["signal"]]
            assert (driver["unit"], driver["dimension"]) == (signal.unit, signal.dimension)
            assert driver["value"] == row[signal.name]
            like = [other for other in rows if other["segment"] == row["segment"]]
            alike = [other for other in like if _band(other["tenure_days"]) == _band(row["tenure_days"])]
            values = ([v for v in (o[signal.name] for o in group) if v is not None] for group in (alike, like, rows))
            chosen = next(of_group for of_group in (*values, []) if len(of_group) >= 10)
            assert driver["peer_median"] == pytest.approx(np.median(chosen))
            assert driver["peers"].startswith(f"{len(chosen):,} ")


def _band(tenure: float) -> int:
    return int(tenure >= 365) + int(tenure >= 3 * 365)


def test_peers_widen_where_they_are_fewer_than_ten() -> None:
    """12 small accounts, 9 of them in their first year, of which 2 don't say; 4 large ones; one of no segment."""
    matrix = pl.DataFrame(
        {
            "as_of": ["2025"] * 17,
            "segment": ["small"] * 12 + ["large"] * 4 + [None],
            "tenure_days": [100.0] * 9 + [400.0] * 3 + [100.0] * 5,
            "said": [1.0] * 7 + [None] * 2 + [5.0] * 3 + [9.0] * 5,
            "rare": [3.0] + [None] * 16,
            "never": pl.Series([None] * 17, dtype=pl.Float64),
        }
    )
    rows = np.array([0, 12, 16, 0, 0])
    medians, who = peers(matrix, ["said", "rare", "never"]).of(rows, np.array([0, 0, 0, 1, 2]))
    assert medians[:4].tolist() == [1.0, 5.0, 5.0, 3.0]
    assert np.isnan(medians[4])
    assert who[:4] == ["10 small accounts", "15 accounts", "15 accounts", "1 accounts"]


def test_peers_are_of_the_same_snapshot() -> None:
    matrix = pl.DataFrame(
        {"as_of": [1] * 10 + [2] * 10, "segment": "small", "tenure_days": 1.0, "x": [1.0] * 10 + [2.0] * 10}
    )
    medians, who = peers(matrix, ["x"]).of(np.array([0, 19]), np.array([0, 0]))
    assert medians.tolist() == [1.0, 2.0]
    assert who == ["10 small accounts in their first year"] * 2


def test_a_table_that_is_missing_is_told_once_and_its_signals_are_not(company, newest) -> None:
    used = [name for name in company.model.card.signals if "usage_daily" in CATALOGUE[name].tables]
    without = newest.with_columns(pl.lit(None, pl.Float64).alias(name) for name in used)
    scored = company.model.score(without)
    for row, found in zip(
        scored.iter_rows(named=True), explained(company.model, without, scored).to_list(), strict=True
    ):
        told = [driver for driver in found if driver["signal"] == "usage_daily"]
        assert len(told) == 1
        assert told[0]["words"].startswith("No usage data: taken as typical. ")
        first = [name for name in used if CATALOGUE[name].tables[0] == "usage_daily"]
        assert told[0]["points"] == pytest.approx(sum(row[f"points__{name}"] for name in first))
        assert told[0]["value"] is told[0]["peers"] is None
        assert not {driver["signal"] for driver in found} & set(used)


def test_a_constant_model_yields_none(company, newest) -> None:
    model = company.model
    flat = replace(
        model,
        churn=replace(model.churn, booster=None, standing_weight=0.0, line=Line.flat(len(model.card.signals))),
        card=replace(model.card, typical_points={}, feeds=replace(model.card.feeds, covariance=_none(model))),
    )
    assert explained(flat, newest, flat.score(newest)).to_list() == [[]] * newest.height


def _none(model) -> list[list[float]]:
    tables = len(model.card.feeds.typical)
    return np.zeros((tables, tables)).tolist()


def test_what_everybody_has_explains_nobody(company, newest) -> None:
    """Of the typical account's points, each signal's median is 0."""
    points = company.model.points(company.model.known(company.model.accounts(newest)))[2]
    assert np.abs(np.median(points, axis=0)).max() < 1e-9


def test_they_are_plain_values_and_none_of_nobody(company, newest, drivers) -> None:
    assert json.loads(json.dumps(drivers)) == drivers
    nobody = newest.head(0)
    assert explained(company.model, nobody, company.model.score(nobody)).to_list() == []


@pytest.mark.parametrize(
    "name, value, median, points, words",
    [
        (
            "licences_adopted_28d", 0.34, 0.68, -6.2,
            "Share of the seats bought that were in use on the busiest day of the last four weeks: 34 %; "
            "accounts like this one: 68 %. Costs 6.2 points.",
        ),
        (
            "notice_given", 1.0, 0.0, -38.09,
            "Notice of leaving has been given on the main contract: yes; most accounts like this one: no. "
            "Costs 38.1 points.",
        ),
        (
            "auto_renew", 0.0, 0.5, -1.0,
            "The main contract renews by itself unless notice is given: no; half of the accounts like this one: yes. "
            "Costs 1.0 point.",
        ),
        (
            "nps_364d", np.nan, 8.25, -0.5,
            "Average answer of the last year to whether the customer would recommend us: no survey answer; "
            "accounts like this one: 8.25. Costs 0.5 points.",
        ),
        (
            "csat_364d", np.nan, np.nan, 0.7,
            "Average satisfaction with the support requests closed in the last year: "
            "nothing in the support data to tell it from. Adds 0.7 points.",
        ),
        (
            "days_since_last_use", 1.0, 2.5, 2.0,
            "Days since anyone used the product: 1 day; accounts like this one: 2.5 days. Adds 2.0 points.",
        ),
        (
            "defect_cost_364d", 12400.6, 870.0, -2.0,
            "What handling the defects closed in the last year cost us: 12,401; accounts like this one: 870. "
            "Costs 2.0 points.",
        ),
        ("open_tickets", 3.0, 1.0, -0.6, "Support requests that are still open: 3; accounts like this one: 1. "
         "Costs 0.6 points."),
        (
            "arr_change_364d", -0.2, 0.045, -1.5,
            "Change of the annual recurring revenue over a year, as a share of what it was: −20 %; "
            "accounts like this one: +4.5 %. Costs 1.5 points.",
        ),
        (
            "value_realized", 1.294, 0.8, 0.9,
            "Value realized by the objectives achieved, against the value expected of them: 1.29; "
            "accounts like this one: 0.8. Adds 0.9 points.",
        ),
        (
            "advanced_use_change_28d", -0.05, 0.0, -0.8,
            "Share of advanced users in the last four weeks minus that in the eight before: −5 percentage points; "
            "accounts like this one: 0 percentage points. Costs 0.8 points.",
        ),
        (
            "availability_364d", 0.9978, 1.0, -0.5,
            "Share of the last year in which the product was up, by the outages that ended in it: 99.78 %; "
            "accounts like this one: 100 %. Costs 0.5 points.",
        ),
    ],
)  # fmt: skip
def test_sentences(name: str, value: float, median: float, points: float, words: str) -> None:
    assert sentence(name, value, median, points) == words


def test_every_signal_can_be_told_whatever_its_value() -> None:
    for name, signal in CATALOGUE.items():
        for value in (signal.lower, signal.upper, 0.5, 1.0, np.nan):
            told = sentence(name, np.nan if value is None else value, 0.5, 1.0)
            assert told[0].isupper(), told
            assert " nan" not in told, told
