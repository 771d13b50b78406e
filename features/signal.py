"""What a signal is: a named expression with unit, bounds, direction, dimension and meaning, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import narwhals as nw

from features.measures import Windowed
from features.periods import divided

Dimension = Literal[
    "onboarding", "adoption", "success", "engagement", "support", "availability", "community", "relationship"
]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)


@dataclass(frozen=True)
class Signal:
    """One column of the matrix.

    `of` are the windowed measures, and the names of contract facts, its value is made of; `value` takes one expression
    for each of them and gives the signal's. `direction` is +1 where more is better, −1 where more is worse and None
    where neither too little nor too much is good. Bounds are inclusive and hold by construction. `peers` names the
    contract or account fact whose equals an account is compared with, over all customers of the snapshot. A signal that
    only says how near the renewal is has `in_model` False: people see it, the model has a clock of its own.
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
    peers: str | None = None
    in_model: bool = True

    @property
    def expression(self) -> nw.Expr:
        """Its value, over the columns of the panel."""
        columns = [nw.col(part if isinstance(part, str) else part.column) for part in self.of]
        return self.value(*columns).cast(nw.Float64).alias(self.name)

    @property
    def measures(self) -> tuple[Windowed, ...]:
        """The windowed measures it needs."""
        return tuple(part for part in self.of if not isinstance(part, str))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """The canonical tables it needs; without one of them it is missing."""
        return tuple(dict.fromkeys([m.measure.table for m in self.measures])) or ("contracts",)


def itself(value: nw.Expr) -> nw.Expr:
    """The measure as it is."""
    return value


def share(part: nw.Expr, whole: nw.Expr) -> nw.Expr:
    """`part ÷ whole`, missing where there is no whole."""
    return nw.when(whole > 0).then(part / whole)


def capped_share(part: nw.Expr, whole: nw.Expr) -> nw.Expr:
    """`part ÷ whole`, at most 1, where the part can outgrow the whole; missing where there is no whole."""
    return share(part, whole).clip(0.0, 1.0)


def less(whole: nw.Expr, part: nw.Expr) -> nw.Expr:
    """What of the whole is left without the part."""
    return whole - part


def if_any(value: nw.Expr, evidence: nw.Expr) -> nw.Expr:
    """`value` where there is evidence at all; an account the feed has never named isn't known to be zero."""
    return nw.when(evidence > 0).then(value)


def if_known(value: nw.Expr, known: nw.Expr, rows: nw.Expr) -> nw.Expr:
    """`value` unless there are rows and not one of them says; no rows at all is a true zero."""
    return nw.when((known > 0) | (rows == 0)).then(value)


def yes(count: nw.Expr) -> nw.Expr:
    """1 where there was at least one, 0 where there was none, missing where it isn't known."""
    return nw.when(count > 0).then(nw.lit(1.0)).otherwise(nw.when(count <= 0).then(nw.lit(0.0)))


def days_since(day: nw.Expr, as_of_day: nw.Expr) -> nw.Expr:
    """Days from the last time to `as_of`; missing where there was none."""
    return as_of_day - day


def growth(now: nw.Expr, then: nw.Expr) -> nw.Expr:
    """`now ÷ then − 1`; missing where there was nothing then."""
    return nw.when(then > 0).then(now / then - 1.0)


def trend(weight: float) -> Callable[[nw.Expr, nw.Expr], nw.Expr]:
    """The volume of a short window against the rest of a longer one, from −1 (stopped) over 0 (steady) to 1 (new).

    `weight` is the short window's length over the rest's. Missing where there was nothing in either.
    """

    def value(recent: nw.Expr, longer: nw.Expr) -> nw.Expr:
        before = (longer - recent) * weight
        return nw.when(longer > 0).then((recent - before) / (recent + before))

    return value


def change(part: nw.Expr, whole: nw.Expr, longer_part: nw.Expr, longer_whole: nw.Expr) -> nw.Expr:
    """A share or mean in a short window minus the same in the rest of a longer one; missing where either is."""
    recent = share(part, whole)
    before = share(longer_part - part, longer_whole - whole)
    return recent - before


def of_peers(value: nw.Expr, peers: str) -> nw.Expr:
    """The sum of `value` over the customers of the snapshot with the same `peers`, the account itself among them.

    Values count to the hundredth, so that the sum is the same in any order.
    """
    hundredths = (value * 100.0 + 0.5).floor()
    return divided(nw.when(~nw.col("arr").is_null()).then(hundredths).sum().over("as_of", peers), 100.0)
