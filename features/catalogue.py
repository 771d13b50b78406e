"""The catalogue: every signal, in one order, with a digest that changes when any declaration does."""

import hashlib
from collections.abc import Mapping, Sequence

from features.signal import Signal
from features.signals import (
    adoption,
    availability,
    community,
    engagement,
    onboarding,
    relationship,
    success,
    support,
)
from features.tables import TABLES

SIGNALS: tuple[Signal, ...] = (
    *onboarding.SIGNALS,
    *adoption.SIGNALS,
    *success.SIGNALS,
    *engagement.SIGNALS,
    *support.SIGNALS,
    *availability.SIGNALS,
    *community.SIGNALS,
    *relationship.SIGNALS,
)
"""Every signal, grouped by dimension."""

CATALOGUE: Mapping[str, Signal] = {signal.name: signal for signal in SIGNALS}
"""Every signal by name."""


def digest(signals: Sequence[Signal] = SIGNALS) -> str:
    """Sixteen hex digits over all but the words: a model and the matrix it is given must agree on the signals."""
    lines = []
    for signal in signals:
        measures = [
            (
                m.column,
                m.measure.stream,
                m.measure.how,
                m.measure.scale,
                repr(m.measure.value),
                TABLES[m.measure.table].silent_after,
            )
            for m in signal.measures
        ]
        declared = (signal.name, signal.unit, signal.direction, signal.lower, signal.upper, signal.in_model)
        lines.append(f"{declared}|{signal.expression!r}|{measures}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def markdown(signals: Sequence[Signal] = SIGNALS) -> str:
    """The catalogue as a Markdown table, for `features/README.md`."""
    better = {1: "more is better", -1: "less is better", None: "–"}
    rows = [
        f"| `{s.name}` | {s.dimension} | {s.unit} | {better[s.direction]} | {s.meaning} | {', '.join(s.tables)} |"
        for s in signals
    ]
    head = "| signal | dimension | unit | direction | meaning | made of |\n| --- | --- | --- | --- | --- | --- |"
    return "\n".join([head, *rows])
