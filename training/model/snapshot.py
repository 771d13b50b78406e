"""A snapshot: what was known of one account at one moment, all that a score rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from features.catalogue import CATALOGUE
from training.model.health import Accounts


@dataclass(frozen=True)
class Snapshot:
    """`signals` by name, also those a model doesn't use, None where missing; no `renewal_at` where open-ended."""

    as_of: datetime
    signals: Mapping[str, float | None]
    renewal_at: datetime | None
    term_days: float | None
    segment: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Snapshot":
        """From a row of `features.matrix.build`'s matrix, by column."""
        signals = {name: row[name] for name in CATALOGUE if name in row}
        return cls(row["as_of"], signals, row["renewal_at"], row["term_days"], row["segment"])

    def accounts(self, names: Sequence[str]) -> Accounts:
        """The one row a model takes whose signals are `names`."""
        return Accounts(
            np.array([[number(self.signals.get(name)) for name in names]], dtype=np.float32),
            np.array([days_between(self.as_of, self.renewal_at)]),
            np.array([number(self.term_days)]),
            np.array([self.segment], dtype=object),
        )


def number(value: float | None) -> float:
    """The value, NaN where it is missing."""
    return np.nan if value is None else float(value)


def days_between(start: datetime, end: datetime | None) -> float:
    """Days from `start` to `end`, NaN without an end."""
    return np.nan if end is None else (end - start) / timedelta(days=1)
