"""Effects against a planted truth: intervals hold it as often as they say, and too few outcomes are unknown."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from training.effects import FEWEST, FEWEST_LOST, Effect, effects
from training.outcomes import Outcomes

AS_OF = datetime(2026, 1, 1)
RENEWAL = AS_OF + timedelta(days=60)
LATER = datetime(2026, 7, 1)
TRIALS = 200


def outcomes_of(accounts: list[str], lost: NDArray[np.bool_], until: datetime = LATER) -> Outcomes:
    """Accounts of which some left at their renewal."""
    ended = [RENEWAL if gone else None for gone in lost]
    lives = pl.DataFrame(
        {"account_id": accounts, "started_at": datetime(2020, 1, 1), "ended_at": ended, "completed": False},
        schema_overrides={"ended_at": pl.Datetime("us"), "started_at": pl.Datetime("us")},
    )
    nothing = pl.DataFrame(schema={"account_id": pl.String, "renewed_at": pl.Datetime("us")})
    return Outcomes(lives, pl.DataFrame(), nothing, until)


def trial(
    accounts: int, effect: float, *, share: float = 0.2, seed: int = 0, **columns: object
) -> tuple[pl.DataFrame, Outcomes, dict[str, float]]:
    """Drawn accounts, what became of them, and the truth: working on one takes a share `effect` off its true risk."""
    random = np.random.default_rng(seed)
    true_risk, arr = random.beta(1.5, 6.0, accounts), random.lognormal(10.0, 0.8, accounts)
    held_out = random.random(accounts) < share
    lost = random.random(accounts) < true_risk * np.where(held_out, 1.0, 1.0 - effect)
    names = [f"a{number}" for number in range(accounts)]
    drawn = pl.DataFrame(
        {
            "account_id": names, "as_of": AS_OF, "renewal_at": RENEWAL, "held_out": held_out, "share": share,
            "play": "call", "renewal_risk": np.clip(true_risk * random.lognormal(0.0, 0.3, accounts), 0.0, 1.0),
            "arr": arr, "acted_on": ~held_out,
        }
    ).with_columns(pl.col("as_of", "renewal_at").cast(pl.Datetime("us")), **columns)  # fmt: skip
    saved = true_risk * effect
    return drawn, outcomes_of(names, lost), {"accounts": saved.mean(), "arr": saved @ arr / arr.sum()}


def whole(drawn: pl.DataFrame, known: Outcomes, tried: dict[str, int] | None = None) -> Effect:
    return effects(drawn, known, tried)[0]


@pytest.mark.parametrize("effect", [0.0, 0.4])
@pytest.mark.parametrize("accounts, share", [(400, 0.2), (1500, 0.1)])
def test_the_truth_is_in_its_interval_about_95_times_of_100(effect: float, accounts: int, share: float) -> None:
    held = {"accounts": 0, "arr": 0}
    told = dict(held)
    for seed in range(TRIALS):
        drawn, known, truth = trial(accounts, effect, share=share, seed=seed, play=pl.lit(None, pl.String))
        found = whole(drawn, known)
        for name, value in truth.items():
            estimate = getattr(found, name).kept
            if estimate is not None:
                told[name] += 1
                held[name] += estimate.low <= value <= estimate.high
    assert told["accounts"] == TRIALS
    assert told["arr"] > TRIALS / 2
    assert 0.91 <= held["accounts"] / told["accounts"] <= 0.99
    assert 0.90 <= held["arr"] / told["arr"] <= 0.99


def test_a_large_effect_is_told_and_none_is_not_made_up() -> None:
    helped = whole(*trial(4000, 0.6)[:2])
    assert helped.accounts.kept is not None
    assert helped.accounts.kept.low > 0
    assert helped.accounts.needed == 0
    made_worse = whole(*trial(4000, -0.6)[:2])
    assert made_worse.accounts.kept is not None
    assert made_worse.accounts.kept.high < 0


def test_knowing_the_risk_makes_it_more_precise() -> None:
    drawn, known, _ = trial(3000, 0.3)
    with_risk, without = (
        whole(rows, known).accounts.kept for rows in (drawn, drawn.with_columns(renewal_risk=pl.lit(0.2)))
    )
    assert with_risk is not None
    assert without is not None
    assert with_risk.high - with_risk.low < 0.99 * (without.high - without.low)


def test_a_share_that_changed_with_the_times_is_no_effect() -> None:
    """Few held out while few left, many held out when many did: pooled, working would seem to help by 20 points."""
    calm, _, _ = trial(2000, 0.0, share=0.1, seed=1)
    rough, _, _ = trial(2000, 0.0, share=0.5, seed=2)
    both = pl.concat([calm, rough.with_columns(pl.col("account_id") + "r")]).with_columns(renewal_risk=pl.lit(0.2))
    random = np.random.default_rng(3)
    lost = random.random(4000) < np.where(np.arange(4000) < 2000, 0.05, 0.5)
    found = whole(both, outcomes_of(both["account_id"].to_list(), lost)).accounts.kept
    assert found is not None
    assert found.low < 0 < found.high
    assert abs(found.value) < 0.04


@pytest.mark.parametrize(
    "accounts, says",
    [
        (0, "no account was held out at random"),
        (60, f"it takes {FEWEST} of each and {FEWEST_LOST} lost"),
    ],
)
def test_too_few_are_unknown_with_how_many_are_needed(accounts: int, says: str) -> None:
    drawn, known, _ = trial(60, 0.5)
    found = whole(drawn.head(accounts), known)
    assert found.accounts.kept is None
    assert found.arr.kept is None
    assert says in str(found.accounts.unknown)
    if accounts:
        enough, known, _ = trial(accounts + found.accounts.needed, 0.5, seed=5)
        told = whole(enough, known).accounts.kept
        assert told is not None
        assert told.high - told.low == pytest.approx(0.1, rel=0.25)


def test_money_that_hangs_on_one_account_is_unknown() -> None:
    drawn, known, _ = trial(1000, 0.3)
    drawn = drawn.with_columns(arr=pl.when(pl.int_range(pl.len()) < 2).then(1e9).otherwise(1e3))
    found = whole(drawn, known)
    assert found.accounts.kept is not None
    assert found.arr.kept is None
    assert "equal ARR" in str(found.arr.unknown)


def test_what_somebody_chose_is_no_effect() -> None:
    drawn, known, _ = trial(10, 0.0)
    found = effects(drawn.clear(), known, {"call": 700})
    assert [effect.play for effect in found] == [None, "call"]
    for effect in found:
        assert effect.accounts.kept is None
        assert "the 700 actions recorded were with accounts that somebody chose" in str(effect.accounts.unknown)
        assert effect.worked.accounts == effect.held_out.accounts == 0


def test_an_outcome_waits_for_the_renewal_and_the_days_of_grace() -> None:
    drawn, _, _ = trial(100, 0.0)
    lost = np.arange(100) < 50
    for until, waiting in ((RENEWAL + timedelta(days=29), 100), (RENEWAL + timedelta(days=30), 0)):
        found = whole(drawn, outcomes_of(drawn["account_id"].to_list(), lost, until))
        assert found.waiting == waiting
        assert found.worked.lost + found.held_out.lost == (0 if waiting else 50)


def test_each_play_has_its_own() -> None:
    drawn, known, _ = trial(2000, 0.5, play=pl.when(pl.int_range(pl.len()) < 1900).then(pl.lit("call")))
    whole_of_it, call = effects(drawn, known)
    assert (whole_of_it.play, call.play) == (None, "call")
    assert whole_of_it.worked.accounts + whole_of_it.held_out.accounts == 2000
    assert call.worked.accounts + call.held_out.accounts == 1900
    assert (whole_of_it.held_out.acted_on, whole_of_it.worked.acted_on) == (0, whole_of_it.worked.accounts)
