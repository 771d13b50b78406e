"""What a signal is: a named expression with unit, bounds, direction, dimension and meaning, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import narwhals as nw

from features.measures import Windowed

Dimension = Literal[
    "onboarding", "adoption", "success", "engagement", "support", "availability", "community", "relationship"
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


@dataclass(frozen=True)
class Signal:
    """One column of the matrix.

    `of` are the windowed measures, and the names of contract facts, its value is made of; `value` takes one expression
    for each of them and gives the signal's. `direction` is +1 where more is better, −1 where more is worse and None
    where neither too little nor too much is good. Bounds are inclusive and hold by construction.
    """

    name: str
    dimension: Dimension
    unit: str
    meaning: str
    of: tuple[Windowed | str, ...]
    value: Callable[..., nw.Expr]
    direction: Literal[1, -1] | None = None
    lower: float | None = 0.0
    upper: float | None = None

    @property
    def expression(self) -> nw.Expr:
        """Its value, over the columns of the panel."""
        columns = [nw.col(part if isinstance(part, str) else part.column) for part in self.of]
        return self.value(*columns).cast(nw.Float64).alias(self.name)

    @property
    def measures(self) -> tuple[Windowed, ...]:
        """The windowed measures it needs."""
        return tuple(part for part in self.of if not isinstance(part, str))

    @property
    def tables(self) -> tuple[str, ...]:
        """The canonical tables it needs; without one of them it is missing."""
        return tuple(dict.fromkeys([m.measure.table for m in self.measures])) or ("contracts",)


def itself(value: nw.Expr) -> nw.Expr:
    """The measure as it is."""
    return value


def share(part: nw.Expr, whole: nw.Expr) -> nw.Expr:
    """`part ÷ whole`, missing where there is no whole."""
    return nw.when(whole > 0).then(part / whole)


def if_any(value: nw.Expr, evidence: nw.Expr) -> nw.Expr:
    """`value` where there is evidence at all; an account the feed has never named isn't known to be zero."""
    return nw.when(evidence > 0).then(value)


def days_since(day: nw.Expr, as_of_day: nw.Expr) -> nw.Expr:
    """Days from the last time to `as_of`; missing where there was none."""
    return as_of_day - day


def yes(count: nw.Expr) -> nw.Expr:
    """1 where there was at least one, else 0."""
    return nw.when(count > 0).then(nw.lit(1.0)).otherwise(nw.lit(0.0))
