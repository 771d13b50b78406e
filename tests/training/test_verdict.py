"""What a receipt says in words."""

from dataclasses import replace
from datetime import datetime

import pytest

from training.backtest import MODEL, Fold
from training.evaluation import FIGURES
from training.intervals import Estimate
from training.receipt import Comparison, Entry, Missed, Receipt, Warned
from training.verdict import verdict

DAY = datetime(2025, 1, 1)
NOTHING = Estimate(float("nan"))
FIGURED = dict.fromkeys(FIGURES, NOTHING) | {
    "auc": Estimate(0.78, 0.752, 0.81),
    "expected_to_actual": Estimate(1.03, 0.95, 1.12),
    "expected_to_actual_arr": Estimate(0.9, 0.7, 1.2),
    "arr_caught": Estimate(0.4, 0.3, 0.5),
}


def compared(anchor: str, days: int, low: float, high: float) -> Comparison:
    middle = (low + high) / 2
    return Comparison(anchor, days, 1000, 0.2, 0.2 + middle, Estimate(middle, low, high))


def receipt(*comparisons: Comparison, churns: int = 100, folds: int = 3) -> Receipt:
    return Receipt(
        until=DAY,
        observed_until=DAY,
        resamples=200,
        folds=tuple(Fold(DAY, DAY, "learned", 100) for _ in range(folds)),
        verdict=(),
        entries=tuple(Entry(MODEL, days, None, 1000, 300, churns, FIGURED) for days in (30, 90)),
        comparisons=comparisons,
        base_rate=NOTHING,
        bands=(),
        green=Estimate(0.6, 0.55, 0.65),
        flips=Estimate(0.015, 0.01, 0.02),
        settled_flips=Estimate(0.005, 0.001, 0.009),
        warned=(Warned(60, 90, 80, Estimate(0.7, 0.6, 0.8)), Warned(150, 180, 50, Estimate(0.5, 0.4, 0.6))),
        calibration=(),
        caught=(),
        missed=Missed(0, 0.0, 0, 0.0, ()),
    )


BETTER, LEVEL, AHEAD, WORSE = (0.01, 0.03), (-0.01, 0.02), (-0.03, 0.01), (-0.03, -0.01)


@pytest.mark.parametrize(
    "at_30, at_90, sentences",
    [
        (BETTER, BETTER, ["The model foretells better than every anchor at every horizon (log-loss)."]),
        (
            BETTER,
            LEVEL,
            [
                "No anchor beats the model beyond chance at any horizon, and at 30 days it beats them all (log-loss).",
                "Too close to call: at 90 days with logistic regression.",
            ],
        ),
        (
            BETTER,
            WORSE,
            [
                "At 90 days an anchor beats the model (log-loss). It beats them all at 30 days.",
                "At 90 days logistic regression beats the model: log-loss 0.1800 against 0.2000, a difference of "
                "0.0200 (0.0100 to 0.0300).",
            ],
        ),
        (
            LEVEL,
            AHEAD,
            [
                "No anchor beats the model beyond chance at any horizon (log-loss).",
                "Ahead of it, though within chance: logistic regression at 90 days, by 0.0100.",
                "Too close to call: at 30 days with logistic regression; at 90 days with logistic regression.",
            ],
        ),
        (WORSE, LEVEL, ["At 30 days an anchor beats the model (log-loss)."]),
    ],
)
def test_against_the_anchors(at_30: tuple[float, float], at_90: tuple[float, float], sentences: list[str]) -> None:
    said = verdict(receipt(compared("logistic regression", 30, *at_30), compared("logistic regression", 90, *at_90)))
    assert list(said[: len(sentences)]) == sentences


def test_the_other_sentences() -> None:
    assert [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in verdict(receipt())] == [
        "Of an account that left within 90 days and one that stayed, the leaver had the higher risk 78 times in 100 "
        "(75 to 81).",
        "The tenth of the book with the highest risks held 40 % (30 to 50 %) of the ARR lost.",
        "For every 100 accounts that left within 90 days it expected 103 (95 to 112), and for every 100 of ARR lost 90 "
        "(70 to 120).",
        "50 % (40 to 60 %) of those who left were no longer green 150 to 180 days before; 60 % (55 to 65 %) of the "
        "whole book was green.",
        "70 % (60 to 80 %) were no longer green 60 to 90 days before.",
        "Bands turned and turned back in 1.5 % (1.0 to 2.0 %) of account-months; the settled bands, whose changes "
        "people are told of, in 0.5 % (0.1 to 0.9 %).",
    ]


def test_little_evidence_is_said_to_be_little() -> None:
    said = " ".join(verdict(receipt(churns=12, folds=1)))
    assert "Only 12 accounts left" in said
    assert "one fold only" in said


def test_nobody_having_left_is_said() -> None:
    nobody = replace(receipt(churns=0), warned=(), flips=NOTHING)
    assert verdict(nobody) == (
        "Nobody was seen to leave within 90 days: how well leavers are told apart can't be said.",
    )
