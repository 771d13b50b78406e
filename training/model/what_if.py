"""What-if: what the model would say of an account if some of its signals, or its contract's clock, were other.

The answer is an association seen among accounts, not a promise: the model says how accounts with such values have
fared, not what becomes of this one when a value is changed. Nothing else about the account moves with the change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from math import isfinite
from typing import Any

import numpy as np

from features.catalogue import CATALOGUE
from features.signal import DIMENSIONS
from training.errors import WhatIfRefused
from training.model.health import HealthModel
from training.model.risks import HORIZONS
from training.model.snapshot import Snapshot, days_between

LABEL = "Association, not a promise: how accounts with these values have fared, all else as it is."
FIGURES = ("health", *(f"risk_{days}d" for days in HORIZONS), "renewal_risk", "contraction_risk_365d")


@dataclass(frozen=True)
class Answer:
    """What the model says: `figures` (None where there is no renewal), `band`, and points per dimension."""

    figures: dict[str, float | None]
    band: str
    points: dict[str, float]


@dataclass(frozen=True)
class WhatIf:
    """`difference` is after less before: positive health is better, positive risk is worse."""

    before: Answer
    after: Answer
    difference: dict[str, float | None]
    points_difference: dict[str, float]
    label: str = LABEL


def what_if(
    model: HealthModel,
    snapshot: Snapshot,
    changes: Mapping[str, float],
    renewal_at: datetime | None = None,
    term_days: float | None = None,
) -> WhatIf:
    """The answers for an account as it is and with `changes` (signal to value), `renewal_at` and `term_days`.

    Where a table says nothing of the account, both are for the typical values it was scored with. Raises WhatIfRefused
    for what the model can't know: signals it doesn't use, values outside those it was trained on, a renewal gone by.
    """
    problems = dict([*_problems(model, changes), *_clock_problems(snapshot, renewal_at, term_days)])
    if problems:
        raise WhatIfRefused(problems)
    names = list(model.card.signals)
    moved = replace(snapshot, renewal_at=renewal_at or snapshot.renewal_at, term_days=term_days or snapshot.term_days)
    known, clock = model.known(snapshot.accounts(names)), moved.accounts(())
    values = np.repeat(known.values, 2, axis=0)
    for name, value in changes.items():
        values[1, names.index(name)] = value
    both = replace(
        known,
        values=values,
        renewal=np.concatenate([known.renewal, clock.renewal]),
        term=np.concatenate([known.term, clock.term]),
        segments=np.repeat(known.segments, 2),
    )
    scores = model.scores(both)
    before, after = (_answer(scores, row) for row in range(2))
    return WhatIf(
        before,
        after,
        {name: _less(after.figures[name], before.figures[name]) for name in FIGURES},
        {dimension: after.points[dimension] - before.points[dimension] for dimension in DIMENSIONS},
    )


def _answer(scores: Mapping[str, Any], row: int) -> Answer:
    figures = {name: float(scores[name][row]) for name in FIGURES}
    return Answer(
        {name: None if np.isnan(value) else value for name, value in figures.items()},
        scores["band"][row],
        {dimension: float(scores[f"points_{dimension}"][row]) for dimension in DIMENSIONS},
    )


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _problems(model: HealthModel, changes: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """What is wrong with each change, and what would be right."""
    for name, value in changes.items():
        signal, seen = CATALOGUE.get(name), model.card.seen.get(name)
        if signal is None:
            near = get_close_matches(name, model.card.signals, 1)
            yield name, f"there is no signal {name}" + (f": did you mean {near[0]}?" if near else "")
        elif name not in model.card.signals or seen is None:
            yield name, f"the model doesn't use {name}: changing it would change nothing"
        elif not isfinite(value):
            yield name, f"{name} is {value}: give a number"
        elif signal.unit == "yes/no" and value not in {0, 1}:
            yield name, f"{name} is {value:g}: give 1 for yes or 0 for no"
        elif not _within(value, (signal.lower, signal.upper)):
            yield name, f"{name} is {value:g}: its values lie {_range(signal.lower, signal.upper)}"
        elif not _within(value, seen):
            yield name, f"{name} is {value:g}: the model has only seen values {_range(*seen)}"


def _clock_problems(
    snapshot: Snapshot, renewal_at: datetime | None, term_days: float | None
) -> Iterator[tuple[str, str]]:
    if renewal_at is not None and days_between(snapshot.as_of, renewal_at) <= 0:
        yield (
            "renewal_at",
            f"the renewal on {renewal_at:%Y-%m-%d} isn't after {snapshot.as_of:%Y-%m-%d}: give a later day",
        )
    if term_days is not None and not (isfinite(term_days) and term_days > 0):
        yield "term_days", f"the term of {term_days:g} days isn't one: give days above 0"


def _within(value: float, bounds: tuple[float | None, float | None]) -> bool:
    """Whether it lies between the bounds as the model holds numbers, in 32 bits."""
    low, high = bounds
    held = np.float32(value)
    return not ((low is not None and held < np.float32(low)) or (high is not None and held > np.float32(high)))


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"from {low:g}" if low is not None else "anywhere"
    return f"from {low:g} to {high:g}" if low is not None else f"up to {high:g}"
