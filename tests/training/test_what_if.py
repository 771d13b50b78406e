"""What-if: the same numbers as a score with the change, never the wrong way, and no guesses."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy.special import logit

from features.catalogue import CATALOGUE
from features.signal import DIMENSIONS
from features.simulation import simulate
from training.errors import WhatIfRefused
from training.model import Snapshot, what_if
from training.model.path import figures
from training.model.what_if import FIGURES

SHOWS = {
    "adoption": ("licences_adopted_28d", "seat_utilization_28d", "active_days_28d", "advanced_use_84d"),
    "sentiment": ("nps_364d", "csat_364d", "positive_touches_364d", "impact_364d", "negative_touches_84d"),
}
"""Signals in which the simulator lets a latent state show."""


@pytest.fixture(scope="module")
def newest(company) -> pl.DataFrame:
    return company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())


@pytest.fixture(scope="module")
def full(company, newest) -> pl.DataFrame:
    """The row whose tables say most: no feed that the model knows is missing but the one that has stopped for all."""
    rows = newest.filter(pl.col("days_since_last_use").is_not_null(), pl.col("nps_364d").is_not_null())
    return rows.filter(pl.col("renewal_at") > pl.col("as_of"), pl.col("notice_given") == 0).head(1)


def test_it_says_what_a_score_with_the_change_says(company, full) -> None:
    renewal = full["as_of"][0] + timedelta(days=40)
    changes = {"licences_adopted_28d": 0.1, "notice_given": 1.0}
    found = what_if(company.model, Snapshot.of(full.row(0, named=True)), changes, renewal, 365.0)
    changed = full.with_columns(
        *(pl.lit(value).alias(name) for name, value in changes.items()),
        renewal_at=pl.lit(renewal).cast(pl.Datetime("us")),
        term_days=pl.lit(365.0),
    )
    for answer, row in ((found.before, full), (found.after, changed)):
        scored = company.model.score(row).row(0, named=True)
        assert answer.figures == pytest.approx({name: scored[name] for name in FIGURES}, abs=1e-9)
        assert answer.band == scored["band"]
        assert answer.points == pytest.approx({d: scored[f"points_{d}"] for d in DIMENSIONS}, abs=1e-9)
    assert found.difference["health"] == pytest.approx(found.after.figures["health"] - found.before.figures["health"])
    assert found.difference["risk_90d"] > 0 > found.difference["health"]
    assert [d for d, points in found.points_difference.items() if points] == ["adoption", "relationship"]
    assert "not a promise" in found.label


def test_no_change_changes_nothing(company, full) -> None:
    snapshot = Snapshot.of(full.row(0, named=True))
    found = what_if(company.model, snapshot, {})
    assert found.before == found.after
    assert set(found.difference.values()) == {0.0}
    again = what_if(company.model, snapshot, {"open_tickets": snapshot.signals["open_tickets"]})
    assert again == found


def test_a_renewal_that_is_nearer_leaves_health_alone(company, full) -> None:
    snapshot = replace(Snapshot.of(full.row(0, named=True)), term_days=365.0)
    far = replace(snapshot, renewal_at=snapshot.as_of + timedelta(days=300))
    found = what_if(company.model, far, {}, renewal_at=snapshot.as_of + timedelta(days=20))
    assert found.difference["health"] == 0
    assert found.difference["risk_30d"] > 0


def test_an_open_ended_contract_has_no_renewal_risk_until_it_is_given_a_date(company, full) -> None:
    snapshot = replace(Snapshot.of(full.row(0, named=True)), renewal_at=None, term_days=None)
    assert what_if(company.model, snapshot, {}).before.figures["renewal_risk"] is None
    dated = what_if(company.model, snapshot, {}, snapshot.as_of + timedelta(days=50), 365.0)
    assert dated.after.figures["renewal_risk"] is not None
    assert dated.difference["renewal_risk"] is None


def test_where_a_table_is_missing_the_change_is_against_the_typical(company, full) -> None:
    """Otherwise one changed signal would bring the table back, and take the typical values of all the others away."""
    without = {n: None if "usage_daily" in CATALOGUE[n].tables else v for n, v in full.row(0, named=True).items()
               if n in CATALOGUE}  # fmt: skip
    snapshot = replace(Snapshot.of(full.row(0, named=True)), signals=without)
    typical = company.model.card.feeds.typical["usage_daily"]["active_days_28d"]
    found = what_if(company.model, snapshot, {"active_days_28d": typical})
    assert found.after.figures == found.before.figures


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"licenses_adopted_28d": 1.0}, "no signal licenses_adopted_28d: did you mean licences_adopted_28d?"),
        ({"phase_of_the_moon": 1.0}, "there is no signal phase_of_the_moon"),
        ({"days_to_renewal": 10.0}, "the model doesn't use days_to_renewal"),
        ({"nps_364d": 10.5}, "nps_364d is 10.5: its values lie from 0 to 10"),
        ({"open_tickets": -1.0}, "open_tickets is -1: its values lie from 0"),
        ({"touches_84d": 1e6}, "touches_84d is 1e+06: the model has only seen values from 0 to"),
        ({"notice_given": 0.5}, "notice_given is 0.5: give 1 for yes or 0 for no"),
        ({"nps_364d": float("nan")}, "nps_364d is nan: give a number"),
        ({"open_tickets": -1.0, "nps_364d": 11.0}, "open_tickets.*; nps_364d"),
    ],
)
def test_what_the_model_cannot_know_is_refused(company, full, changes: dict[str, float], says: str) -> None:
    with pytest.raises(WhatIfRefused, match=says.replace("?", r"\?").replace("+", r"\+")):
        what_if(company.model, Snapshot.of(full.row(0, named=True)), changes)


@pytest.mark.parametrize(
    "renewal_at, term_days, says",
    [
        (datetime(2020, 1, 1), None, "the renewal on 2020-01-01 isn't after"),
        (None, 0.0, "term of 0 days"),
        (None, float("inf"), "term of inf days"),
    ],
)
def test_so_is_a_clock_that_cannot_be(company, full, renewal_at, term_days, says: str) -> None:
    with pytest.raises(WhatIfRefused, match=says):
        what_if(company.model, Snapshot.of(full.row(0, named=True)), {}, renewal_at, term_days)


def test_what_training_saw_at_its_ends_can_be_asked(company, full) -> None:
    snapshot = Snapshot.of(full.row(0, named=True))
    for end in (0, 1):
        what_if(company.model, snapshot, {name: ends[end] for name, ends in company.model.card.seen.items()})


def test_the_good_way_never_lowers_health_or_raises_risk(company, newest) -> None:
    """All accounts, every signal with a direction: to the best value that training saw."""
    model = company.model
    known = model.known(model.accounts(newest))
    before = figures(model, known)
    wrong = {}
    for place, name in enumerate(model.card.signals):
        direction = CATALOGUE[name].direction
        if direction is not None:
            better = known.values.copy()
            there = ~np.isnan(better[:, place])
            better[there, place] = model.card.seen[name][direction > 0]
            gain = (figures(model, replace(known, values=better)) - before) * [1, -1, -1]
            wrong[name] = int((gain < -1e-9).any(axis=1).sum())
    assert len(wrong) > 40
    assert {name: count for name, count in wrong.items() if count} == {}


def test_it_points_the_way_of_the_truth(company, newest, tmp_path: Path) -> None:
    """In the simulator, adoption and sentiment lower the true hazard; what shows them must do so in the model."""
    simulate(tmp_path, accounts=600, months=30, seed=3)
    truth = pl.read_parquet(tmp_path / "truth" / "truth.parquet").rename({"period_end": "as_of"})
    rows = newest.join(truth, on=["account_id", "as_of"], how="inner")
    assert rows.height == newest.height
    design = np.column_stack([np.ones(rows.height), rows["adoption"], rows["sentiment"]])
    slopes = np.linalg.lstsq(design, logit(rows["renewal_hazard"].to_numpy()), rcond=None)[0][1:]
    assert (slopes < 0).all()
    model = company.model
    known = model.known(model.accounts(rows))
    before = figures(model, known)
    for latent, signals in SHOWS.items():
        for name in signals:
            both = rows.select(name, latent).drop_nulls()
            shows = np.sign(both.select(pl.corr(name, latent)).item())
            assert shows == CATALOGUE[name].direction, name
            place = model.card.signals.index(name)
            moved = known.values.copy()
            moved[:, place] = np.clip(moved[:, place] + shows * both[name].std(), *model.card.seen[name])
            gain = (figures(model, replace(known, values=moved)) - before) * [1, -1, -1]
            assert (gain >= -1e-9).all(), name
            assert (gain.max(axis=0) > 0).all(), name
