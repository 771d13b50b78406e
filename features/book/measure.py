"""What a book measure is: one number about many accounts, declared once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from features.book.view import View

Area = Literal["retention", "services", "headline", "engagement", "community", "social", "economics"]
AREAS: tuple[Area, ...] = get_args(Area)


TOLD = pl.Struct({"numerator": pl.Float64, "denominator": pl.Float64, "value": pl.Float64})
"""What a measure tells of a group."""


@dataclass(frozen=True)
class Facts:
    """Numbers per account that add up: `of` gives a frame with account_id and one column per number.

    Several rows per account add up; an account_id that is missing is an account nobody knows.
    """

    tables: tuple[str, ...]
    of: Callable[[View], pl.LazyFrame]


@dataclass(frozen=True)
class BookMeasure:
    """One measure of the book.

    A ratio is `scale · numerator ÷ denominator`, missing where the denominator isn't above zero; a measure without
    denominator is its numerator, missing where `evidence` is given and isn't above zero. All three are expressions
    over facts added up. What doesn't add up over accounts gives `spread` instead: the rows (account_id, x) of which
    `of_rows` takes the median, or counts the different values.

    `formula` says it in words. `direction` is +1 where more is better, −1 where less is better, None where neither is.
    `tables` are those it needs: without one of them, or when one of them is no longer fed, it is missing.
    """

    name: str
    area: Area
    unit: str
    meaning: str
    formula: str
    tables: tuple[str, ...]
    direction: Literal[1, -1] | None = None
    numerator: pl.Expr | None = None
    denominator: pl.Expr | None = None
    evidence: pl.Expr | None = None
    scale: float = 1.0
    spread: Callable[[View], pl.LazyFrame] | None = None
    of_rows: Literal["median", "distinct"] = "median"

    def sums(self) -> pl.Expr:
        """`TOLD` of rows that hold facts added up."""
        whole = pl.lit(None, pl.Float64) if self.denominator is None else self.denominator.cast(pl.Float64)
        part = pl.lit(None, pl.Float64) if self.numerator is None else self.numerator.cast(pl.Float64)
        if self.evidence is not None:
            part = pl.when(self.evidence > 0).then(part)
        value = part if self.denominator is None else pl.when(whole > 0).then(self.scale * part / whole)
        return pl.struct(numerator=part, denominator=whole, value=value)

    def over(self) -> pl.Expr:
        """`TOLD` of the x of all rows together: `denominator` is their number."""
        x = pl.col("x").drop_nulls()
        value = x.median() if self.of_rows == "median" else x.n_unique()
        none = pl.lit(None, pl.Float64)
        return pl.struct(numerator=none, denominator=x.len().cast(pl.Float64), value=value.cast(pl.Float64))


def share(
    name: str,
    area: Area,
    meaning: str,
    formula: str,
    tables: tuple[str, ...],
    part: pl.Expr,
    whole: pl.Expr,
    direction: Literal[1, -1] | None = None,
) -> BookMeasure:
    """A share of a whole; 0 to 1 unless its formula says otherwise."""
    return BookMeasure(name, area, "share", meaning, formula, tables, direction, part, whole)


def amount(
    name: str,
    area: Area,
    unit: str,
    meaning: str,
    formula: str,
    tables: tuple[str, ...],
    value: pl.Expr,
    direction: Literal[1, -1] | None = None,
    evidence: pl.Expr | None = None,
) -> BookMeasure:
    """A number that adds up over accounts."""
    return BookMeasure(name, area, unit, meaning, formula, tables, direction, value, evidence=evidence)
