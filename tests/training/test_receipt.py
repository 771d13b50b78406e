"""Receipts of predictors whose worth is known, on a book small enough to count."""

import json
import math
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from training.backtest import MODEL, Backtest, Fold
from training.evaluation import FIGURES
from training.model import HORIZONS
from training.outcomes import Outcomes
from training.proof import prove, receipt
from training.receipt import Receipt

START, END = datetime(2024, 1, 1), datetime(2025, 1, 1)
ACCOUNTS, MONTHS = 60, 8
LEFT = {number: START + timedelta(days=100 + 10 * number) for number in range(12)}
"""Twelve of sixty leave, 100 to 210 days after the first of eight monthly snapshots."""


def book() -> pl.DataFrame:
    """Whoever leaves turns from healthy to critical 70 days before."""
    rows = []
    for number in range(ACCOUNTS):
        for month in range(MONTHS):
            as_of = START + timedelta(days=28 * month)
            before = LEFT.get(number, datetime(9999, 1, 1)) - as_of
            if before > timedelta(0):
                band = "critical" if before < timedelta(days=70) else "healthy"
                rows.append({"number": number, "as_of": as_of, "before": before.days, "band": band})
    return pl.DataFrame(rows).select(
        "as_of",
        "band",
        "before",
        account_id=pl.format("A{}", pl.col("number")),
        name=pl.format("Company {}", pl.col("number")),
        segment=pl.when(pl.col("number") % 2 == 0).then(pl.lit("small")).otherwise(pl.lit("large")),
        arr_in_force=100.0 + pl.col("number"),
        fold=pl.lit(0),
        health=pl.lit(50.0),
        risk_90d=pl.lit(0.5),
        points__nps_364d=pl.lit(3.0),
    )


def truth() -> Outcomes:
    lives = pl.DataFrame(
        {
            "account_id": [f"A{number}" for number in range(ACCOUNTS)],
            "started_at": [START - timedelta(days=400)] * ACCOUNTS,
            "ended_at": pl.Series([LEFT.get(number) for number in range(ACCOUNTS)], dtype=pl.Datetime("us")),
            "completed": [False] * ACCOUNTS,
        }
    )
    nothing = {"account_id": pl.String, "at": pl.Datetime("us"), "low": pl.Float64, "high": pl.Float64}
    return Outcomes(
        lives,
        steps=pl.DataFrame(schema=nothing),
        renewals=pl.DataFrame(schema={"account_id": pl.String, "renewed_at": pl.Datetime("us")}),
        observed_until=datetime(2024, 12, 2),
    )


def said(rows: pl.DataFrame, leaver: float, stayer: float) -> np.ndarray:
    """Risks of one value for who leaves within the horizon and another for who doesn't."""
    within = np.column_stack([(rows["before"] <= days).to_numpy() for days in HORIZONS])
    return np.where(within, leaver, stayer)


@pytest.fixture(scope="module")
def found() -> Receipt:
    rows = book()
    unsure = said(rows, 0.6, 0.05)
    late = np.where((rows["as_of"] >= START + timedelta(days=84)).to_numpy()[:, None], said(rows, 0.9, 0.01), np.nan)
    risks = {
        MODEL: unsure,
        "zero for everyone": np.zeros_like(unsure),
        "a constant": np.full_like(unsure, 0.1),
        "the truth": said(rows, 1.0, 0.0),
        "the model again": unsure.copy(),
        "late comer": late,
    }
    backtest = Backtest((Fold(START, END, "learned", 99),), rows.drop("before"), risks)
    values = rows.select("account_id", "as_of", owner=pl.lit("Ada Byron"), nps_364d=pl.lit(9.0))
    return receipt(backtest, truth(), until=END, values=values, resamples=100)


@pytest.mark.parametrize(
    "predictor, figures",
    [
        (MODEL, {"auc": 1.0, "pr_auc": 1.0}),
        ("zero for everyone", {"auc": 0.5, "lift": 1.0, "expected_to_actual": 0.0, "expected_to_actual_arr": 0.0}),
        ("a constant", {"auc": 0.5, "lift": 1.0}),
        ("the truth", {"auc": 1.0, "brier": 0.0, "expected_to_actual": 1.0, "expected_to_actual_arr": 1.0}),
    ],
)
def test_figures_of_known_predictors(found: Receipt, predictor: str, figures: dict[str, float]) -> None:
    entry = found.entry(90, predictor)
    assert {name: entry.figures[name].value for name in figures} == pytest.approx(figures)
    assert set(entry.figures) == set(FIGURES)


def test_rows_accounts_and_churns_are_counted_as_different_things(found: Receipt) -> None:
    entry = found.entry(90)
    # leavers 0 to 11 have a snapshot on each of the days 0, 28, … 196 before they leave
    snapshots = [1 + min(7, (100 + 10 * number - 1) // 28) for number in LEFT]
    assert (entry.rows, entry.accounts, entry.churns) == (48 * MONTHS + sum(snapshots), 60, 12)
    small, large = (found.entry(90, segment=segment) for segment in ("small", "large"))
    assert (small.rows + large.rows, small.churns, large.churns) == (entry.rows, 6, 6)


@pytest.mark.parametrize("days", [30, 90, 180])
@pytest.mark.parametrize(
    "anchor, better",
    [
        ("zero for everyone", "model"),
        ("a constant", "model"),
        ("the truth", "anchor"),
        ("the model again", "neither"),
        ("late comer", "anchor"),
    ],
)
def test_who_is_better_by_log_loss(found: Receipt, anchor: str, better: str, days: int) -> None:
    (comparison,) = (c for c in found.comparisons if (c.anchor, c.days) == (anchor, days))
    assert comparison.better == better
    assert comparison.difference.value == pytest.approx(comparison.anchor_loss - comparison.model_loss)


def test_an_anchor_is_compared_on_the_rows_it_speaks_of(found: Receipt) -> None:
    (comparison,) = (c for c in found.comparisons if (c.anchor, c.days) == ("late comer", 90))
    late = book().filter(pl.col("as_of") >= START + timedelta(days=84))
    assert comparison.rows == found.entry(90, "late comer").rows == len(late)
    right = np.where((late["before"] <= 90).to_numpy(), 0.6, 0.95)
    assert comparison.model_loss == pytest.approx(-np.log(right).mean())


def test_bands_warnings_and_green_churners_of_the_book(found: Receipt) -> None:
    assert {band.band: band.churn_rate.value for band in found.bands}["critical"] == 1.0
    assert found.flips.value == 0
    assert found.warned_at(30).not_green.value == 1.0
    assert found.warned_at(90).not_green.value == 0.0
    latest = {n: min(d for d in ((100 + 10 * n) - 28 * m for m in range(MONTHS)) if d >= 60) for n in LEFT}
    assert found.missed.churns == len(latest)
    green = [number for number, days in latest.items() if days >= 70]
    assert sorted(churner.account_id for churner in found.missed.named) == sorted(f"A{number}" for number in green)
    assert found.missed.named[0].drivers[0].value == 9.0


def test_tenths_of_risk_add_up_to_the_book(found: Receipt) -> None:
    tenths = [tenth for tenth in found.calibration if tenth.days == 90]
    entry = found.entry(90)
    assert [tenth.number for tenth in tenths] == list(range(1, 11))
    assert sum(tenth.rows for tenth in tenths) == entry.rows
    left = sum(tenth.rows * tenth.actual.value for tenth in tenths)
    expected = sum(tenth.rows * tenth.expected for tenth in tenths)
    assert expected / left == pytest.approx(entry.figures["expected_to_actual"].value)
    leaving = book().filter(pl.col("before") <= 90)  # fewer than a tenth: all of them are in the last
    assert tenths[-1].actual.value == pytest.approx(len(leaving) / tenths[-1].rows)
    assert tenths[-1].expected == pytest.approx(0.05 + 0.55 * len(leaving) / tenths[-1].rows)
    assert [tenth.actual_arr.value for tenth in tenths[:-1]] == [0.0] * 9


def test_the_verdict_says_plainly_that_an_anchor_is_better(found: Receipt) -> None:
    assert found.verdict[0].startswith("At 30, 90 and 180 days an anchor beats the model (log-loss)")
    assert any(
        sentence.startswith("At 90 days the truth beats the model: log-loss 0.0000") for sentence in found.verdict
    )
    assert any("the model again" in sentence for sentence in found.verdict if sentence.startswith("Too close to call"))


def test_to_json_and_back(found: Receipt) -> None:
    text = json.dumps(found.to_json(), allow_nan=False)
    again = Receipt.from_json(json.loads(text))
    assert again.to_json() == found.to_json()
    assert again.folds == found.folds
    assert again.entry(90) == found.entry(90)
    untold = [warned for warned in again.warned if not warned.churns]
    assert untold
    assert all(math.isnan(warned.not_green.value) for warned in untold)
    assert '"value": null' in text


def test_metrics_have_names_that_mlflow_takes_and_no_nan(found: Receipt) -> None:
    metrics = found.metrics()
    assert metrics["auc_90d"] == 1.0
    assert metrics["auc_90d_low"] <= metrics["auc_90d"] <= metrics["auc_90d_high"]
    assert metrics["anchors/zero_for_everyone/expected_to_actual_90d"] == 0.0
    assert metrics["anchors/the_truth/log_loss_above_model_90d_high"] < 0
    assert metrics["segments/small/churns_90d"] == 6
    assert metrics["not_green_30_60d"] == 1.0
    assert all(math.isfinite(value) for value in metrics.values())
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789_/") for name in metrics)


def test_proving_a_company_beside_its_champion(company) -> None:
    """The whole way, on few accounts; the champion has seen all of the past, so nothing is said of it there."""
    few = company.matrix["account_id"].unique().sort().head(100)
    matrix = company.matrix.filter(pl.col("account_id").is_in(few.implode()))
    steps: list[str] = []
    found, _ = prove(
        matrix,
        company.tables,
        company.outcomes,
        until=company.tables.extracted_at,
        recipe=company.recipe,
        champion=company.model,
        resamples=20,
        progress=steps.append,
    )
    assert found.horizons == HORIZONS
    assert len(found.folds) == 3
    assert len([step for step in steps if step.startswith("proof: what a model of")]) == 3
    assert len(found.predictors) == 8
    assert "last champion" not in found.predictors
    assert found.segments == ("enterprise", "mid_market", "small")
    assert found.verdict
    assert found.entry(90).figures["auc"].value > 0.6
