"""Intervals: how far a figure could be off because another set of accounts might have been the customers.

A cluster bootstrap: whole accounts are drawn again with replacement, since the snapshots of one account repeat each
other (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13). Every figure of a receipt is told
on the same draws, so that differences between predictors are paired.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

RESAMPLES = 200
COVERAGE = 0.95

Number = Annotated[float, BeforeValidator(lambda given: np.nan if given is None else given)]
"""A figure that is NaN where it can't be told; JSON has no NaN and writes null."""


@dataclass(frozen=True)
class Estimate:
    """A figure with the interval that holds the true one 95 times of 100; NaN where it can't be told."""

    value: Number
    low: Number = np.nan
    high: Number = np.nan


@dataclass(frozen=True)
class Resamples:
    """How often each account was drawn: resamples by accounts."""

    drawn: Floats

    @classmethod
    def of(cls, accounts: int, *, count: int = RESAMPLES, seed: int = 7) -> "Resamples":
        """As many draws of `accounts` out of `accounts`, the same for a seed."""
        if accounts == 0:
            return cls(np.zeros((count, 0)))
        draws = np.random.default_rng(seed).multinomial(accounts, np.full(accounts, 1 / accounts), size=count)
        return cls(draws.astype(np.float64))

    def around(
        self,
        value: Sequence[float] | Floats,
        of_weights: Callable[[Floats], Sequence[float] | Floats],
        account: Integers,
    ) -> list[Estimate]:
        """Intervals around several figures of the same rows; `account` says whose each row is.

        `of_weights` gives the figures, in the order of `value`, for weights of the rows.
        """
        again = np.array([of_weights(drawn[account]) for drawn in self.drawn], dtype=np.float64)
        return [Estimate(float(v), *_quantiles(again[:, i])) for i, v in enumerate(value)]

    def mean(self, values: NDArray[Any], account: Integers) -> Estimate:
        """The mean of `values`, whose interval knows that the rows of an account belong together."""
        return self.ratio(values, np.ones(len(values)), account)

    def ratio(self, part: NDArray[Any], whole: NDArray[Any], account: Integers) -> Estimate:
        """The sum of `part` over the sum of `whole`; NaN where there is no whole."""
        accounts = self.drawn.shape[1]
        parts, wholes = (np.bincount(account, each.astype(np.float64), accounts) for each in (part, whole))
        with np.errstate(invalid="ignore", divide="ignore"):
            again = np.where(self.drawn @ wholes > 0, self.drawn @ parts / (self.drawn @ wholes), np.nan)
        total = float(wholes.sum())
        return Estimate(float(parts.sum()) / total if total > 0 else np.nan, *_quantiles(again))


def _quantiles(again: Floats) -> tuple[float, float]:
    """The interval's ends over those resamples in which the figure could be told."""
    told = again[~np.isnan(again)]
    if len(told) == 0:
        return np.nan, np.nan
    low, high = np.quantile(told, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
