"""Drift alarms where the book has moved and scores with it, and stays quiet in ordinary months."""

from dataclasses import replace

import polars as pl
import pytest

from features.catalogue import CATALOGUE
from training.monitoring.baseline import BOOK, Baseline
from training.monitoring.drift import Drift, drift, drift_alarms, drifted_weight


def heaviest_of_use(company) -> str:
    """The signal of how the product is used that weighs most."""
    weights = company.model.card.weights
    return max((name for name in weights if CATALOGUE[name].dimension == "adoption"), key=lambda name: weights[name])


def test_ordinary_months_raise_no_alarm(company, usual) -> None:
    """Of the four months in which nothing stops."""
    months = company.matrix.filter(pl.col("as_of") > usual.as_of)
    quiet = months["as_of"].unique().sort().head(4)
    for as_of in quiet:
        found = drift(months.filter(pl.col("as_of") == as_of), company.model, usual)
        assert list(drift_alarms(found)) == []
        assert drifted_weight(found) == 0


def test_a_book_that_moved_is_told_by_name(company, usual, now) -> None:
    heaviest = heaviest_of_use(company)
    low, high = company.model.card.seen[heaviest]
    worst = now.with_columns(pl.lit(low).alias(heaviest)), now.with_columns(pl.lit(high).alias(heaviest))
    for moved in worst:
        found = {each.name: each for each in drift(moved, company.model, usual) if each.segment is None}
        assert found[heaviest].moved
    assert any(alarm.about == heaviest for moved in worst for alarm in drift_alarms(drift(moved, company.model, usual)))


def test_a_segment_that_moved_alone_is_told_of_as_such(company, usual, now) -> None:
    segment = next(part for part in usual.parts if part != BOOK)
    heaviest = heaviest_of_use(company)
    low, high = company.model.card.seen[heaviest]
    for value in (low, high):
        here = pl.when(pl.col("segment") == segment).then(pl.lit(value)).otherwise(heaviest).alias(heaviest)
        found = drift(now.with_columns(here), company.model, usual)
        assert next(each for each in found if (each.name, each.segment) == (heaviest, segment)).moved


@pytest.mark.parametrize(
    "changes, moved, matters",
    [
        ({}, True, True),
        ({"psi": 0.2}, False, False),
        ({"usual": 0.4}, False, False),  # as far as a month of the year before
        ({"chance": 0.2}, False, False),  # a handful of accounts
        ({"points": 0.3}, True, False),  # nobody's score is the worse for it
        ({"name": "health", "points": 0.0}, True, True),
    ],
)
def test_when_something_has_moved_and_when_it_matters(changes, moved: bool, matters: bool) -> None:
    each = replace(Drift("logins", None, 300, 0.5, 0.1, 0.0001, 0.0, 0.0, -2.0, 0.05), **changes)
    assert (each.moved, each.matters) == (moved, matters)


def test_a_baseline_is_small_and_comes_back_from_json(usual) -> None:
    text = usual.to_json()
    again = Baseline.from_json(text)
    assert len(text) < 200_000
    assert again.to_json() == text
    assert again.longest_silence == usual.longest_silence
    assert "A-" not in text, "nothing of any account"
