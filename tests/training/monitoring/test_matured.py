"""Published scores, bands and opinions against outcomes, on frames a reader can count."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from training.evaluation import figures
from training.monitoring.matured import expected, expected_auc, first_said, matured
from training.monitoring.opinions import judged
from training.monitoring.turns import turns
from training.outcomes import Outcomes

UNTIL = datetime(2025, 12, 1)
AT = datetime(2025, 9, 1)
BEGAN = datetime(2020, 1, 1)


def outcomes(**left: datetime | None) -> Outcomes:
    """Accounts with when they left, None where they stayed."""
    lives = pl.DataFrame(
        {
            "account_id": list(left),
            "started_at": [BEGAN] * len(left),
            "ended_at": pl.Series(list(left.values()), dtype=pl.Datetime("us")),
            "completed": [False] * len(left),
        }
    )
    steps = pl.DataFrame(
        schema={"account_id": pl.String, "at": pl.Datetime("us"), "low": pl.Float64, "high": pl.Float64}
    )
    renewals = pl.DataFrame(schema={"account_id": pl.String, "renewed_at": pl.Datetime("us")})
    return Outcomes(lives, steps, renewals, UNTIL)


def said(*rows: dict[str, object]) -> pl.DataFrame:
    usual = {
        "as_of": AT, "known_at": AT, "model_version": "1", "segment": "small", "arr": 100.0, "health": 60.0,
        "band": "healthy", "settled_band": "healthy", "risk_30d": 0.1, "risk_90d": 0.2, "risk_180d": 0.3,
        "risk_365d": 0.4,
    }  # fmt: skip
    return pl.DataFrame([usual | row for row in rows]).with_columns(pl.col("as_of", "known_at").cast(pl.Datetime("us")))


def test_what_was_said_first_counts() -> None:
    rows = said(
        {"account_id": "a", "known_at": AT + timedelta(days=40), "risk_30d": 0.9},
        {"account_id": "a", "known_at": AT + timedelta(hours=4), "risk_30d": 0.2},
    )
    assert first_said(rows)["risk_30d"].to_list() == [0.2]


def test_expected_and_actual_in_accounts_and_in_money() -> None:
    rows = said(
        {"account_id": "a", "risk_90d": 0.5, "arr": 300.0},
        {"account_id": "b", "risk_90d": 0.3, "arr": 100.0},
        {"account_id": "c", "risk_90d": 0.2, "arr": 100.0, "segment": "large"},
        {"account_id": "d", "risk_90d": 0.2, "arr": 100.0, "as_of": datetime(2024, 1, 1)},  # long ago
        {"account_id": "e", "risk_90d": 0.2, "arr": 100.0, "as_of": datetime(2025, 11, 1)},  # not known yet
    )
    known = outcomes(a=AT + timedelta(days=20), b=None, c=None, d=None, e=None)
    entries = {(entry.days, entry.segment): entry for entry in matured(rows, known)}
    whole = entries[90, None]
    assert (whole.rows, whole.churns) == (3, 1)
    assert whole.figures["expected_to_actual"].value == pytest.approx(1.0)
    assert whole.figures["expected_to_actual_arr"].value == pytest.approx((150 + 30 + 20) / 300)
    assert whole.figures["auc"].value == 1.0
    assert entries[90, "small"].figures["expected_to_actual"].value == pytest.approx(0.8)
    assert entries[90, "large"].churns == 0
    assert (180, None) not in entries, "half a year isn't over for anyone"


def test_the_auc_of_calibrated_risks_is_what_drawing_outcomes_from_them_gives() -> None:
    random = np.random.default_rng(5)
    risk = random.beta(1.0, 6.0, 20_000)
    drawn = figures(risk, random.random(len(risk)) < risk, np.ones(len(risk)))
    assert expected_auc(risk) == pytest.approx(drawn.auc, abs=0.01)
    frame = said(*({"account_id": str(i), "risk_90d": float(each)} for i, each in enumerate(risk[:2_000])))
    told = next(each for each in expected(frame) if each.days == 90)
    assert told.brier == pytest.approx(float((risk[:2_000] * (1 - risk[:2_000])).mean()))
    assert told.churns == pytest.approx(risk[:2_000].sum())


def test_where_everyone_has_the_same_risk_nobody_is_told_apart() -> None:
    assert expected_auc(np.full(50, 0.2)) == pytest.approx(0.5)
    assert np.isnan(expected_auc(np.empty(0)))


def test_bands_that_turned_and_turned_back() -> None:
    months = [AT, AT + timedelta(days=30), AT + timedelta(days=61)]  # calendar months lie unevenly
    shown = {"stays": "hhh", "turns": "hhc", "flaps": "hch"}
    bands = {"h": "healthy", "c": "critical"}
    rows = said(
        *(
            {"account_id": account, "as_of": as_of, "band": bands[letter], "settled_band": "healthy"}
            for account, letters in shown.items()
            for as_of, letter in zip(months, letters, strict=True)
        )
    )
    found = turns(rows)
    assert found.moments == 3
    assert found.changed.value == pytest.approx(2 / 3)
    assert found.flipped.value == pytest.approx(1 / 3)
    assert (found.changed_settled.value, found.flipped_settled.value) == (0, 0)


def test_one_moment_has_nothing_to_turn_from() -> None:
    found = turns(said({"account_id": "a"}))
    assert np.isnan([found.changed.value, found.flipped.value]).all()


@pytest.mark.parametrize(
    "rating, band, left, right",
    [
        ("critical", "healthy", True, "person"),
        ("critical", "healthy", False, "score"),
        ("healthy", "at_risk", False, "person"),
        ("healthy", "at_risk", True, "score"),
        ("at_risk", "at_risk", True, None),
    ],
)
def test_the_one_who_saw_it_blacker_is_right_where_the_account_left(rating, band, left: bool, right) -> None:
    stated = datetime(2025, 3, 1, 15, 30)
    given = pl.DataFrame(
        {"account_id": ["a", "a"], "author": ["ada", "ken"], "stated_at": [stated, datetime(2025, 11, 1)],
         "rating": [rating, "critical"], "band": [band, "healthy"]}
    )  # fmt: skip
    found = judged(given, outcomes(a=stated + timedelta(days=100) if left else None))
    assert found.opinions == 1, "the second half year isn't over"
    assert (found.person_right, found.score_right) == (int(right == "person"), int(right == "score"))
    assert found.agreed == int(right is None)
    if right:
        assert found.person.low < found.person.value < found.person.high or found.person.value in (0, 1)
