"""What a look at a model in use found, as plain values that go to JSON and back. Nothing of any account is in it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter

from training.intervals import Number
from training.monitoring.alarm import Alarm, stops
from training.monitoring.baseline import SCORES
from training.monitoring.drift import Drift
from training.monitoring.matured import Expected
from training.monitoring.opinions import Judged
from training.monitoring.source_changes import SourceSeen
from training.monitoring.turns import Turns
from training.receipt import Entry

Action = Literal["retrain", "recalibrate", "nothing"]
WORST = 20
"""Signals whose drift becomes metrics of their own."""


@dataclass(frozen=True)
class Advice:
    """What to do about the model, and why in sentences."""

    action: Action
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class FeedSeen:
    """A table at the moment: `silent_days` since its newest row; None where it has none, or has no event time."""

    table: str
    rows_28d: int
    silent_days: int | None
    longest_silence: int | None


@dataclass(frozen=True)
class Monitoring:
    """One look, as of a moment, at one model version.

    `published` is whether scores of the past were there to be held against outcomes; `observed_until` how far outcomes
    are known. `baseline_of` is the moment what is usual was told at.
    """

    as_of: datetime
    made_at: datetime
    model: str
    version: str
    baseline_of: datetime
    observed_until: datetime
    accounts: int
    advice: Advice
    alarms: tuple[Alarm, ...]
    feeds: tuple[FeedSeen, ...]
    drifts: tuple[Drift, ...]
    matured: tuple[Entry, ...]
    expected: tuple[Expected, ...]
    turns: Turns | None
    opinions: Judged | None
    source: SourceSeen

    @property
    def held(self) -> tuple[Alarm, ...]:
        """The alarms that hold back a publication."""
        return stops(self.alarms)

    def entry(self, days: int, segment: str | None = None) -> Entry | None:
        """Published scores within `days` against outcomes; None where nothing has matured."""
        return next((each for each in self.matured if each.days == days and each.segment == segment), None)

    def metrics(self) -> dict[str, float]:
        """Figures by name for MLflow and Prometheus; what can't be told isn't there."""
        found: dict[str, Number] = {
            "alarms_stop": len(self.held),
            "alarms_warn": len(self.alarms) - len(self.held),
            "accounts": self.accounts,
            "signals_moved": len({each.name for each in self.drifts if each.moved and each.name not in SCORES}),
        }
        whole = [each for each in self.drifts if each.segment is None]
        found |= {f"psi_{each.name}": each.psi for each in whole if each.name in SCORES}
        found |= {f"psi_{each.name}": each.psi for each in whole if each.name not in SCORES and each.moved}
        for entry in self.matured:
            for figure in ("auc", "brier", "expected_to_actual", "expected_to_actual_arr"):
                found[_named(figure, entry.days, entry.segment)] = entry.figures[figure].value
            found[_named("churned", entry.days, entry.segment)] = entry.churns
        for expected in self.expected:
            if expected.segment is None:
                found[f"auc_if_calibrated_{expected.days}d"] = expected.auc
                found[f"brier_if_calibrated_{expected.days}d"] = expected.brier
        if self.turns:
            found["bands_changed"] = self.turns.changed_settled.value
            found["bands_flipped"] = self.turns.flipped_settled.value
        if self.opinions:
            found["person_right"] = self.opinions.person.value
        return {name: float(value) for name, value in found.items() if value == value}

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; NaN becomes null."""
        found: dict[str, Any] = json.loads(_MONITORING.dump_json(self))
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Monitoring":
        """What `to_json` made."""
        return _MONITORING.validate_python(found)


_MONITORING = TypeAdapter(Monitoring)


def _named(figure: str, days: int, segment: str | None) -> str:
    part = "" if segment is None else "_" + "".join(each if each.isalnum() else "_" for each in segment)
    return f"{figure}_{days}d{part}"
