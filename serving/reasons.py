"""Reasons: what pulls an account's health down most, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.catalogue import CATALOGUE
from serving.loading import signals_of
from serving.read_models import Reason

MOST = 3
"""Reasons given; more are not read."""


def reasons(drivers: Sequence[Mapping[str, Any]] | None, signals: Any) -> list[Reason]:
    """The worst reasons, from the stored drivers where the model gave any, else from the stored signals' points."""
    if drivers is not None:
        found = [Reason(**{name: driver[name] for name in Reason.model_fields}) for driver in drivers]
    else:
        found = [_reason(name, points) for name, (_, points) in signals_of(signals).items()]
    return sorted((reason for reason in found if reason.points < 0), key=lambda reason: reason.points)[:MOST]


def _reason(name: str, points: float) -> Reason:
    known = CATALOGUE.get(name)
    words = name.replace("_", " ") if known is None else known.meaning
    return Reason(signal=name, dimension=None if known is None else known.dimension, points=points, words=words)
