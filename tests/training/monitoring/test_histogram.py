"""Histograms and how far two lie apart, by figures a reader can check."""

import numpy as np
import pytest
from scipy.stats import ks_2samp

from training.monitoring.histogram import MOVED, Histogram, chance, psi

NAN = np.nan


@pytest.mark.parametrize(
    "values, edges, counts",
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], (1, 2, 3, 4, 5, 6, 7, 8, 9), (0, *[1] * 10)),
        ([0] * 19 + [1], (0,), (0, 19, 1)),
        ([1] * 19 + [0], (0,), (0, 1, 19)),
        ([0, 0, 5, NAN], (0,), (1, 2, 1)),
        ([3, 3, 3], (), (0, 3)),
        ([NAN, NAN], (), (2, 0)),
    ],
)
def test_edges_are_tenths_each_once_and_what_is_missing_is_counted(values, edges, counts) -> None:
    assert Histogram.of(np.array(values, dtype=float)) == Histogram(edges, counts)


def test_later_values_are_counted_between_the_same_edges() -> None:
    before = Histogram.of(np.arange(1.0, 11.0))
    assert before.again(np.array([0.0, 100.0, NAN])).counts == (1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1)


def test_psi_is_the_sum_over_bins() -> None:
    """Of 200 and 200, in three bins of which the one for missing is empty: by hand, half a row added to each."""
    p, q = np.array([0.5, 100.5, 100.5]) / 201.5, np.array([0.5, 50.5, 150.5]) / 201.5
    by_hand = float(((p - q) * np.log(p / q)).sum())
    assert psi(Histogram((0.0,), (0, 100, 100)), Histogram((0.0,), (0, 50, 150))) == pytest.approx(by_hand)


@pytest.mark.parametrize(
    "now, moved",
    [
        (lambda x: x, False),
        (lambda x: x + 0.05, False),  # certain with so many, and too small to matter
        (lambda x: 0.0 * x, True),
        (lambda x: 100.0 * x, True),
        (lambda x: np.where(np.arange(len(x)) % 2, x, NAN), True),
    ],
)
def test_what_counts_is_the_size_of_the_effect_not_how_certain_it_is(now, moved: bool) -> None:
    before, after = np.random.default_rng(3).normal(5.0, 1.0, (2, 40_000))
    usual = Histogram.of(before)
    assert (psi(usual, usual.again(now(after))) >= MOVED) == moved


def test_the_test_supports_it_as_scipys_on_the_rows_does() -> None:
    before, after = np.random.default_rng(3).normal(0.0, 1.0, (2, 40_000))
    usual = Histogram.of(before)
    for shift, certain in ((0.0, False), (0.05, True)):
        assert (chance(usual, usual.again(after + shift)) < 0.01) == certain
        assert (ks_2samp(before, after + shift).pvalue < 0.01) == certain
    assert chance(usual, Histogram(usual.edges, (0.0,) * len(usual.counts))) == 1.0, "of nothing nothing can be said"
