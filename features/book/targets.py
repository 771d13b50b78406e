"""Targets: what the company wants its measures to be, and how a value stands to its target and to the one before."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import polars as pl

from features.book.catalogue import BOOK
from features.errors import SettingsError

_SAME = 1e-9


@dataclass(frozen=True)
class Targets:
    """A target per measure name, in the measure's unit: shares are 0.9, not 90.

    SettingsError for a measure there isn't, one without direction (nothing can meet it), or what is no finite number.
    """

    values: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, target in self.values.items():
            _check(name, target)


NO_TARGETS = Targets()


def read_targets(file: Path) -> Targets:
    """The section `[targets]` of a TOML file, lines like `nrr = 1.05`; none where the section is missing.

    SettingsError if the file can't be read or a target is wrong.
    """
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} can't be read: {error}") from error
    section = content.get("targets", {})
    if not isinstance(section, dict):
        raise SettingsError(f"{file}: targets is {section!r}: make it a section [targets] with lines like nrr = 1.05")
    try:
        return Targets(section)
    except SettingsError as error:
        raise SettingsError(f"{file}: {error}") from error


def status(value: pl.Expr, target: pl.Expr, direction: pl.Expr) -> pl.Expr:
    """`met` where the value is on the right side of the target or on it, else `missed`; missing without a value."""
    met = (value - target) * direction >= -_SAME * target.abs()
    reached = pl.when(met).then(pl.lit("met")).otherwise(pl.lit("missed"))
    return pl.when(target.is_null()).then(pl.lit("no target")).when(value.is_not_null()).then(reached)


def trend(value: pl.Expr, previous: pl.Expr, direction: pl.Expr) -> pl.Expr:
    """`same`, `better` or `worse` than the previous value; missing without both, or for a change without direction."""
    change = value - previous
    same = change.abs() <= _SAME * pl.max_horizontal(value.abs(), previous.abs())
    way = pl.when(change * direction > 0).then(pl.lit("better")).when(change * direction < 0).then(pl.lit("worse"))
    return pl.when(same).then(pl.lit("same")).otherwise(way)


def _check(name: str, target: object) -> None:
    measure = BOOK.get(name)
    if measure is None:
        near = get_close_matches(name, BOOK, 1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(BOOK)}"
        raise SettingsError(f"there is a target for {name!r}, which is no measure of the book: {hint}")
    if measure.direction is None:
        raise SettingsError(f"{name} can't have a target: neither more nor less of it is better")
    if isinstance(target, bool) or not isinstance(target, int | float) or not math.isfinite(target):
        raise SettingsError(f"the target of {name} is {target!r}: give a number in its unit, {measure.unit}")
