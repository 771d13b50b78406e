"""The artefact: what is read off a trained model."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from features.catalogue import CATALOGUE
from features.signal import DIMENSIONS
from training.errors import ModelError
from training.leads import renewal_clock
from training.model import Served, bands, load, risk_within, save
from training.model.bands import settled_along


@pytest.fixture(scope="module")
def newest(company) -> pl.DataFrame:
    return company.matrix.filter(pl.col("as_of") == company.matrix["as_of"].max())


def test_points_sum_to_health(company, newest) -> None:
    scored = company.model.score(newest)
    base = scored["base_points"] + scored["points_segment"]
    dimensions = base + sum(scored[f"points_{dimension}"] for dimension in DIMENSIONS)
    signals = base + sum(scored[f"points__{name}"] for name in company.model.card.signals)
    assert (dimensions.clip(0, 100) - scored["health"]).abs().max() < 1e-9
    assert (signals.clip(0, 100) - scored["health"]).abs().max() < 1e-9


def test_health_is_the_calibrated_hazard_at_a_yearly_renewal_in_the_third_period(company, newest) -> None:
    model = company.model
    accounts = model.known(model.accounts(newest))
    asked = replace(accounts, renewal=np.full(len(accounts), 56.0 + 14.0), term=np.full(len(accounts), 365.0))
    hazard = model.hazards(asked)[0][:, 2]
    renewing = np.log((1 - hazard) / hazard)
    health = 50 + 10 * np.log2(np.exp(renewing - model.card.reference))
    assert np.allclose(model.score(newest)["health"], np.clip(health, 0, 100), atol=1e-6)
    assert np.allclose(model.health(accounts), health, atol=1e-6)


def test_the_average_account_has_health_50(company, newest) -> None:
    assert company.model.score(newest)["health"].mean() == pytest.approx(50, abs=1.5)  # the clipped tails aside


def test_risk_grows_with_the_horizon_and_money_follows(company, newest) -> None:
    scored = company.model.score(newest)
    risks = scored.select("risk_30d", "risk_90d", "risk_180d", "risk_365d").to_numpy()
    assert (np.diff(risks, axis=1) >= 0).all()
    assert ((risks > 0) & (risks < 1)).all()
    arr, paying_less = newest["arr_in_force"], scored["contraction_risk_365d"]
    assert np.allclose(scored["arr_at_risk"], arr * scored["risk_365d"])
    assert ((paying_less > 0) & (paying_less + scored["risk_365d"] < 1)).all()
    left = arr - scored["arr_at_risk"] - arr * paying_less * company.model.card.contraction_depth
    assert np.allclose(scored["expected_arr"], left)


def test_health_does_not_depend_on_the_renewal_date_but_risk_does(company, newest) -> None:
    later = newest.with_columns(pl.col("renewal_at").dt.offset_by("100d"))
    before, after = company.model.score(newest), company.model.score(later)
    assert before["health"].equals(after["health"])
    assert not before["risk_90d"].equals(after["risk_90d"])


def test_more_of_what_is_better_never_raises_risk(company, newest) -> None:
    model = company.model
    accounts = model.accounts(newest)
    before = [risk_within(hazards, 365) for hazards in model.hazards(accounts)]
    for index, name in enumerate(model.card.signals):
        direction = CATALOGUE[name].direction
        if direction is not None:
            improved = accounts.values.copy()
            improved[:, index] += direction * np.float32(newest[name].std() or 1.0)
            for hazards, risk in zip(model.hazards(replace(accounts, values=improved)), before, strict=True):
                assert (risk_within(hazards, 365) <= risk + 1e-12).all(), name


def test_risk_within_is_a_product_of_survivals() -> None:
    hazards = np.full((1, 13), 0.1)
    assert risk_within(hazards, 28)[0] == pytest.approx(0.1)
    assert risk_within(hazards, 56)[0] == pytest.approx(1 - 0.9**2)
    assert risk_within(hazards, 42)[0] == pytest.approx(1 - 0.9**1.5)
    assert risk_within(hazards, 364)[0] == pytest.approx(1 - 0.9**13)
    assert risk_within(hazards, 365)[0] == pytest.approx(1 - 0.9 ** (13 + 1 / 28))


def test_bands_begin_where_they_say() -> None:
    assert bands(np.array([50.0, 49.9, 35.0, 34.9, -3.0])) == ["healthy", "at_risk", "at_risk", "critical", "critical"]


def test_renewal_risk_is_missing_without_a_renewal(company, newest) -> None:
    open_ended = newest.with_columns(renewal_at=pl.lit(None, pl.Datetime("us")), term_days=pl.lit(None, pl.Float64))
    scored = company.model.score(open_ended)
    assert scored["renewal_risk"].is_null().all()
    assert scored["risk_365d"].is_not_null().all()


def test_coverage_falls_by_the_weight_of_what_is_missing(company, newest) -> None:
    name, weight = max(company.model.card.weights.items(), key=lambda item: item[1])
    full = company.model.score(newest)["coverage"].to_numpy()
    without = company.model.score(newest.with_columns(pl.lit(None, pl.Float64).alias(name)))["coverage"].to_numpy()
    had = newest[name].is_not_null().to_numpy()
    assert np.allclose(full[had] - without[had], weight)
    assert sum(company.model.card.weights.values()) == pytest.approx(1.0)


def test_a_feed_that_stops_is_neither_good_nor_bad_and_widens_the_interval(company, newest) -> None:
    """Without tickets, no account is told apart by support; the book's mean stays; every interval widens."""
    names = [name for name in company.model.card.signals if "tickets" in CATALOGUE[name].tables]
    stopped = newest.with_columns(pl.lit(None, pl.Float64).alias(name) for name in names)
    with_feed, without = company.model.score(newest), company.model.score(stopped)
    assert without["points_support"].std() < 0.2 * with_feed["points_support"].std()
    assert without["health"].mean() == pytest.approx(with_feed["health"].mean(), abs=1.0)
    before, after = (scored["health_high"] - scored["health_low"] for scored in (with_feed, without))
    unclipped = [(scored["health_low"] > 0) & (scored["health_high"] < 100) for scored in (with_feed, without)]
    assert (after > before).filter(unclipped[0] & unclipped[1]).all()
    assert (without["coverage"] < with_feed["coverage"]).all()


def test_an_account_of_which_nothing_is_known_is_an_average_one(company, newest) -> None:
    nothing = newest.with_columns(pl.lit(None, pl.Float64).alias(name) for name in company.model.card.signals)
    scored = company.model.score(nothing)
    assert scored["health"].mean() == pytest.approx(50, abs=6)
    assert (scored["health_high"] - scored["health_low"]).min() > 15
    assert scored["coverage"].max() == 0


def test_saved_and_loaded_it_scores_the_same_to_the_bit(company, newest, tmp_path: Path) -> None:
    save(company.model, tmp_path / "model")
    files = sorted(path.name for path in (tmp_path / "model").iterdir())
    assert files == ["churn.txt", "contraction.txt", "model.json"]
    again = load(tmp_path / "model")
    assert again.card == company.model.card
    assert again.score(newest).equals(company.model.score(newest))


def test_another_meaning_of_a_signal_is_refused(company, tmp_path: Path) -> None:
    model = company.model
    save(replace(model, card=replace(model.card, catalogue_digest="0" * 16)), tmp_path)
    with pytest.raises(ModelError, match="other definitions"):
        load(tmp_path)
    written = json.loads((tmp_path / "model.json").read_text())
    written["card"]["signals"][0] = "phase_of_the_moon"
    (tmp_path / "model.json").write_text(json.dumps(written))
    with pytest.raises(ModelError, match="phase_of_the_moon"):
        load(tmp_path)


@pytest.mark.parametrize(
    "lacks, adds, says",
    [
        ({"growth_sd"}, {}, "growth_sd"),  # a later version's field, which the one that trained it didn't know
        (set(), {"moon": 1.0}, "moon"),  # an earlier version's, or one to come
        ({"feeds"}, {}, "feeds"),
    ],
)
def test_a_card_of_another_version_is_refused(company, tmp_path: Path, lacks, adds, says) -> None:
    save(company.model, tmp_path)
    written = json.loads((tmp_path / "model.json").read_text())
    written["card"] = {name: value for name, value in written["card"].items() if name not in lacks} | adds
    (tmp_path / "model.json").write_text(json.dumps(written))
    with pytest.raises(ModelError, match=rf"another version of healthscore .*{says}.*train again"):
        load(tmp_path)


def test_a_card_of_before_a_field_that_can_be_empty_is_taken(company, newest, tmp_path: Path) -> None:
    model = replace(company.model, card=replace(company.model.card, typical_points={}))
    save(model, tmp_path)
    written = json.loads((tmp_path / "model.json").read_text())
    del written["card"]["typical_points"]
    (tmp_path / "model.json").write_text(json.dumps(written))
    assert load(tmp_path).score(newest).equals(model.score(newest))


@pytest.mark.parametrize("file, content", [("model.json", "not JSON"), ("model.json", None), ("churn.txt", "v9")])
def test_files_of_another_format_are_refused(company, tmp_path: Path, file: str, content: str | None) -> None:
    save(company.model, tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content)
    with pytest.raises(ModelError, match=r"another version of healthscore"):
        load(tmp_path)


def test_mlflow_gets_the_same_numbers(company, newest) -> None:
    renewal, term = renewal_clock(newest)
    frame = newest.select(company.model.card.signals).to_pandas().astype("float64")
    clock = {"days_to_renewal": renewal, "term_days": term, "segment": newest["segment"].to_list()}
    served = Served(company.model).predict(frame.assign(**clock))
    assert np.array_equal(served["health"], company.model.score(newest)["health"])
    assert np.array_equal(served["risk_90d"], company.model.score(newest)["risk_90d"])


@pytest.mark.parametrize(
    "name, health, settled",
    [
        ("on the edge for a month", [60, 49, 51, 60], "healthy healthy healthy healthy"),
        ("on the edge to stay", [60, 49, 49.5, 49], "healthy healthy at_risk at_risk"),
        ("far past the edge", [60, 40, 60], "healthy at_risk healthy"),
    ],
)
def test_bands_settle(name: str, health: list[float], settled: str) -> None:
    assert settled_along(health) == settled.split()


def test_an_account_of_a_fixed_term_has_no_renewal_and_no_risk_beyond_its_end(company, newest) -> None:
    ends = newest["as_of"][0] + timedelta(days=56)
    done = newest.with_columns(fixed_term=pl.lit(1.0), renewal_at=pl.lit(ends), term_days=pl.lit(200.0))
    scored = company.model.score(done)
    assert scored["renewal_risk"].is_null().all()
    assert (scored["risk_90d"] > scored["risk_30d"]).all()
    assert np.allclose(scored["risk_365d"], scored["risk_90d"])
    renewing = company.model.score(done.with_columns(fixed_term=pl.lit(0.0)))
    assert (renewing["risk_90d"] > scored["risk_90d"]).mean() > 0.99
