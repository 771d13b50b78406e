"""Floors, read off real receipts of predictors whose worth is known."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import numpy as np
import polars as pl
import pytest

from training.anchors import LAST_CHAMPION
from training.backtest import MODEL, Backtest, Fold
from training.floors import Floor, calibrated, failed, floors, from_json, proven, to_json
from training.intervals import Estimate
from training.model import HORIZONS
from training.outcomes import Outcomes
from training.proof import receipt
from training.receipt import Receipt

START, END = datetime(2024, 1, 1), datetime(2025, 1, 1)
ACCOUNTS, MONTHS = 240, 8


def leavers(number: int) -> dict[int, datetime]:
    """So many accounts leave, 40 to 220 days after the first of eight monthly snapshots."""
    return {account: START + timedelta(days=40 + 180 * account // number) for account in range(number)}


def book(left: dict[int, datetime]) -> pl.DataFrame:
    """Snapshots with the days until their account leaves, in two segments."""
    rows = []
    for account in range(ACCOUNTS):
        for month in range(MONTHS):
            as_of = START + timedelta(days=28 * month)
            before = (left.get(account, datetime(2999, 1, 1)) - as_of).days
            if before > 0:
                rows.append({"number": account, "as_of": as_of, "before": before})
    return pl.DataFrame(rows).select(
        "as_of",
        "before",
        account_id=pl.format("A{}", pl.col("number")),
        name=pl.format("Company {}", pl.col("number")),
        segment=pl.when(pl.col("number") % 2 == 0).then(pl.lit("small")).otherwise(pl.lit("large")),
        arr_in_force=pl.lit(100.0),
        fold=pl.lit(0),
        points__nps_364d=pl.lit(3.0),
    )


def truth(left: dict[int, datetime]) -> Outcomes:
    lives = pl.DataFrame(
        {
            "account_id": [f"A{account}" for account in range(ACCOUNTS)],
            "started_at": [START - timedelta(days=400)] * ACCOUNTS,
            "ended_at": pl.Series([left.get(account) for account in range(ACCOUNTS)], dtype=pl.Datetime("us")),
            "completed": [False] * ACCOUNTS,
        }
    )
    nothing = {"account_id": pl.String, "at": pl.Datetime("us"), "low": pl.Float64, "high": pl.Float64}
    renewals = {"account_id": pl.String, "renewed_at": pl.Datetime("us")}
    return Outcomes(lives, pl.DataFrame(schema=nothing), pl.DataFrame(schema=renewals), datetime(2024, 12, 2))


@cache
def proof(predictor: str, churns: int = 60, champion: str | None = None, only: str | None = None) -> Receipt:
    """The receipt of a predictor, beside a champion where one is named (in one segment only, if `only` says so)."""
    left = leavers(churns)
    rows = book(left)
    soon = (rows["before"] <= 100).to_numpy()
    base = float((rows["before"] <= 90).mean())

    def said(who: str) -> np.ndarray:
        near, far = {
            "good": (0.78, 0.015),
            "zero": (0.0, 0.0),
            "constant": (base, base),
            "inverted": (0.0, base * 1.2),
            "twice as many": (1.0, 0.12),
            "sees all green": (0.78, 0.015),
        }[who]
        return np.repeat(np.where(soon, near, far)[:, None], len(HORIZONS), axis=1)

    band = {
        "zero": np.full(len(rows), "healthy"),
        "sees all green": np.full(len(rows), "healthy"),
        "constant": np.full(len(rows), "at_risk"),
        "inverted": np.where(soon, "healthy", "critical"),
    }.get(predictor, np.where(soon, "critical", np.where(np.arange(len(rows)) % 3 == 0, "at_risk", "healthy")))
    risks = {MODEL: said(predictor)}
    if champion:
        risks[LAST_CHAMPION] = said(champion)
        if only:
            risks[LAST_CHAMPION][(rows["segment"] != only).to_numpy()] = risks[MODEL][
                (rows["segment"] != only).to_numpy()
            ]
    scored = rows.drop("before").with_columns(
        band=pl.Series(band), health=pl.lit(50.0), risk_90d=pl.Series(risks[MODEL][:, 1])
    )
    backtest = Backtest((Fold(START, END, "learned", 99),), scored, risks)
    values = rows.select("account_id", "as_of", owner=pl.lit("Ada Byron"), nps_364d=pl.lit(9.0))
    return receipt(backtest, truth(left), until=END, values=values, resamples=40)


PASSED = {
    "no_alarm": "passed",
    "better_than_chance": "passed",
    "red_band": "passed",
    "churners_not_green": "passed",
    "green_share": "passed",
    "expected_to_actual": "passed",
    "no_segment_worse": "cannot tell",
}


@pytest.mark.parametrize(
    "predictor, churns, differs",
    [
        ("good", 60, {}),
        (
            "zero",
            60,
            {
                "better_than_chance": "failed",
                "red_band": "failed",
                "churners_not_green": "failed",
                "green_share": "failed",
                "expected_to_actual": "failed",
            },
        ),
        ("constant", 60, {"better_than_chance": "failed", "red_band": "failed"}),
        (
            "inverted",
            60,
            {
                "better_than_chance": "failed",
                "red_band": "failed",
                "churners_not_green": "failed",
            },
        ),
        ("twice as many", 60, {"expected_to_actual": "failed"}),
        ("sees all green", 60, {"red_band": "failed", "churners_not_green": "failed", "green_share": "failed"}),
        ("good", 6, {"better_than_chance": "cannot tell"}),
        ("constant", 6, {"better_than_chance": "cannot tell"}),
        ("inverted", 6, {"better_than_chance": "failed", "churners_not_green": "failed"}),
    ],
)
def test_floors_of_known_predictors(predictor: str, churns: int, differs: dict[str, str]) -> None:
    found = {floor.name: floor.outcome for floor in floors(proof(predictor, churns))}
    wanted = PASSED | differs
    if churns == 6:  # what 6 leavers may or may not show besides is no matter of principle
        found, wanted = ({name: outcomes[name] for name in ("no_alarm", *differs)} for outcomes in (found, wanted))
    assert found == wanted


@pytest.mark.parametrize(
    "champion, only, outcome, says",
    [
        ("good", None, "passed", "no segment"),
        ("constant", None, "passed", "no segment"),
        ("twice as many", None, "passed", "no segment"),
    ],
)
def test_a_version_at_least_as_good_as_the_champion(champion: str, only: str | None, outcome: str, says: str) -> None:
    floor = floors(proof("good", champion=champion, only=only))[-1]
    assert (floor.name, floor.outcome) == ("no_segment_worse", outcome)
    assert says in floor.sentence


def test_a_version_worse_than_the_champion_in_one_segment() -> None:
    floor = floors(proof("constant", champion="good", only="small"))[-1]
    assert (floor.name, floor.outcome) == ("no_segment_worse", "failed")
    assert "in segment small" in floor.sentence or "in all" in floor.sentence
    told = {
        found.segment: found.difference
        for found in proof("constant", champion="good", only="small").against_champion
        if found.days == 90
    }
    assert told["small"].high < 0
    assert told["large"].value == 0


@pytest.mark.parametrize(
    "figure, churns, outcome",
    [
        (Estimate(1.0, 0.9, 1.1), 100, "passed"),
        (Estimate(0.85, 0.4, 1.3), 100, "passed"),
        (Estimate(0.7, 0.5, 0.9), 100, "cannot tell"),
        (Estimate(1.4, 1.1, 1.9), 100, "cannot tell"),
        (Estimate(0.7, 0.6, 0.8), 100, "failed"),
        (Estimate(1.4, 1.2, 1.9), 100, "failed"),
        (Estimate(0.0, 0.0, 0.0), 100, "failed"),
        (Estimate(0.7), 100, "failed"),
        (Estimate(float("nan")), 0, "cannot tell"),
    ],
)
def test_calibration_fails_only_where_the_interval_excludes_the_range(
    figure: Estimate, churns: int, outcome: str
) -> None:
    assert calibrated(figure, churns).outcome == outcome


def test_without_a_receipt_nothing_is_proven_and_only_alarms_fail() -> None:
    assert not failed(floors(None))
    assert not proven(floors(None))
    (floor,) = failed(floors(None, ["nps_364d knows too much"]))
    assert "nps_364d" in floor.sentence


def test_floors_go_into_a_tag_and_back() -> None:
    found = floors(proof("zero"))
    assert from_json(to_json(found)) == found
    assert "NaN" not in to_json(found)
    assert all(isinstance(floor, Floor) and floor.sentence.endswith(".") for floor in found)


def test_a_receipt_from_before_there_were_comparisons_by_segment_can_be_read() -> None:
    old = proof("good").to_json()
    del old["against_champion"]
    assert floors(Receipt.from_json(old))[-1] == replace(floors(proof("good"))[-1])
