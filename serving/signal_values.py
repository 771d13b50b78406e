"""Signals as a request gives them: one field per signal of the catalogue, with its meaning and bounds."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema

from features.catalogue import SIGNALS
from features.signal import Signal

LARGEST = 1e15
"""Bound of what has none of its own: beyond it a number in 32 bits says nothing of an account."""


def fields(*, only_in_model: bool, missing: bool) -> dict[str, Any]:
    """Name to type and field of each signal; with `missing`, null is allowed. None of them has to be given."""
    chosen = [signal for signal in SIGNALS if signal.in_model or not only_in_model]
    return {
        signal.name: (
            Annotated[_type(signal) | None if missing else _type(signal), Field(description=_told(signal))],
            None,
        )
        for signal in chosen
    }


def bounds(signal: Signal) -> tuple[float, float]:
    """The lowest and highest value that is taken."""
    lower = -LARGEST if signal.lower is None else float(signal.lower)
    return lower, LARGEST if signal.upper is None else float(signal.upper)


def _type(signal: Signal) -> Any:
    if signal.unit == "yes/no":
        return Annotated[
            float,
            Field(strict=True),
            AfterValidator(_yes_or_no),
            WithJsonSchema({"type": "number", "enum": [0, 1]}),
        ]
    lower, upper = bounds(signal)
    return Annotated[float, Field(strict=True, ge=lower, le=upper, allow_inf_nan=False)]


def _yes_or_no(value: float) -> float:
    if value not in {0.0, 1.0}:
        raise ValueError("give 1 for yes or 0 for no")
    return value


def _told(signal: Signal) -> str:
    return f"{signal.meaning}; {signal.unit}."
