"""The scorecard: grades and log-odds by hand, and files that don't hold."""

from pathlib import Path

import numpy as np
import pytest

from features.errors import SettingsError
from features.periods import PERIOD_DAYS
from training.scorecard import DEFAULT, Scorecard, read

SMALL = """
renewal_rate = 0.8
leaves_early = 0.01
contraction_rate = 0.05
reach = 2.0
[dimensions]
adoption = 3
relationship = 1
[signals]
active_days_28d = { poor = 0, good = 20 }
days_since_last_use = { poor = 30, good = 0, weight = 2 }
notice_given = { poor = 1, good = 0, alarm = 4 }
"""
NAMES = ["active_days_28d", "days_since_last_use", "notice_given", "tickets_84d"]


@pytest.fixture
def small(tmp_path: Path) -> Scorecard:
    path = tmp_path / "scorecard.toml"
    path.write_text(SMALL)
    return read(path)


@pytest.mark.parametrize(
    "name, row, grades, terms",
    [
        ("good in everything", [20, 0, 0, 5], [1, 1, 1], [0.5, 1.0, 0.5]),
        ("poor in everything", [0, 30, 1, 5], [0, 0, 0], [-0.5, -1.0, -4.5]),
        ("half way is average", [10, 15, 0, 5], [0.5, 0.5, 1], [0.0, 0.0, 0.5]),
        ("beyond good is good", [28, -3, 0, 5], [1, 1, 1], [0.5, 1.0, 0.5]),
        ("missing is average", [np.nan] * 4, [np.nan] * 3, [0.0, 0.0, 0.0]),
    ],
)
def test_grades_and_terms(small, name: str, row: list[float], grades: list[float], terms: list[float]) -> None:
    """Adoption has 3 of 4 parts of the reach of 2, its signals 1 and 2 of 3 of that."""
    values = np.array([row])
    assert np.allclose(small.grades(values, NAMES), [[*grades, np.nan]], equal_nan=True)
    assert np.allclose(small.terms(values, NAMES), [[*terms, 0.0]])


@pytest.mark.parametrize("term", [28.0, 91.0, 365.0, np.nan])
def test_whatever_the_term_an_average_account_is_lost_at_the_same_rate_a_year(small, term: float) -> None:
    hazard = 1 / (1 + np.exp(-small.base("churn", np.array([True]), np.array([term]))[0]))
    decisions_a_year = 365.0 / (PERIOD_DAYS if np.isnan(term) else term)
    assert (1 - hazard) ** decisions_a_year == pytest.approx(0.8)


def test_a_term_of_three_years_is_decided_once(small) -> None:
    yearly, long = small.base("churn", np.array([True, True]), np.array([365.0, 1096.0]))
    assert yearly == long


def test_within_a_term_little_is_lost(small) -> None:
    for cause, a_year in (("churn", 0.01), ("contraction", 0.05 / 4)):
        hazard = 1 / (1 + np.exp(-small.base(cause, np.array([False]), np.array([365.0]))[0]))
        assert (1 - hazard) ** (365 / PERIOD_DAYS) == pytest.approx(1 - a_year)


def test_the_default_is_read_and_survives_json() -> None:
    card = read()
    assert sum(card.share(name) for name in card.signals) == pytest.approx(1)
    assert Scorecard.from_json(card.to_json()) == card
    assert card.renewal_rate == 0.824


@pytest.mark.parametrize(
    "wrong, right, message",
    [
        ("reach = 2.0", "reach = 0", "reach: Input should be greater than 0"),
        ("reach = 2.0", "reach = 2.0\nspan = 3", "span: Extra inputs are not permitted"),
        ("reach = 2.0", "reach = ", "is not TOML"),
        ("adoption = 3", "adoptoin = 3", "there is no dimension adoptoin"),
        ("adoption = 3", "success = 3", "active_days_28d is of dimension adoption, which has no weight"),
        ("poor = 0, good = 20", "poor = 20, good = 0", "more is better, so good can't be 0"),
        ("poor = 0, good = 20", "poor = 5, good = 5", "good and poor are both 5"),
        ("active_days_28d", "active_dyas", "no signal active_dyas to weigh"),
        ("active_days_28d", "days_to_renewal", "no signal days_to_renewal to weigh"),
        ("active_days_28d", "tickets_84d", "tickets_84d has no direction"),
    ],
)
def test_a_file_that_does_not_hold_is_refused_saying_why(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    path = tmp_path / "scorecard.toml"
    path.write_text(SMALL.replace(wrong, right, 1))
    with pytest.raises(SettingsError, match=message) as refused:
        read(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read: No such file"):
        read(tmp_path / "nowhere.toml")


def test_every_term_of_the_default_is_bounded_by_its_weight() -> None:
    card = read(DEFAULT)
    names = list(card.signals)
    good = np.array([[card.signals[name].good for name in names]])
    assert card.terms(good, names).sum() == pytest.approx(card.reach)
