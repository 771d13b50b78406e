"""The receipt: the proof that comes with a model version, as plain values that go to JSON and back."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from training.backtest import MODEL, Fold
from training.intervals import Estimate, Number


@dataclass(frozen=True)
class Entry:
    """Figures of one predictor at one horizon, over the whole book or one segment.

    `rows` are snapshots of accounts whose outcome within `days` is known, `accounts` and `churns` how many different
    accounts those are of and how many of them left. `figures` has every name of `training.evaluation.FIGURES`.
    """

    predictor: str
    days: int
    segment: str | None
    rows: int
    accounts: int
    churns: int
    figures: dict[str, Estimate]


@dataclass(frozen=True)
class Comparison:
    """An anchor against the model at one horizon: log-loss on the `rows` that both speak of.

    `difference` is the anchor's minus the model's, so above 0 the model is better; its interval is paired.
    """

    anchor: str
    days: int
    rows: int
    model_loss: Number
    anchor_loss: Number
    difference: Estimate

    @property
    def better(self) -> Literal["model", "anchor", "neither"]:
        """Which is better; neither where the interval holds 0."""
        if self.difference.low > 0:
            return "model"
        return "anchor" if self.difference.high < 0 else "neither"


@dataclass(frozen=True)
class AgainstChampion:
    """The last champion against the model at one horizon, in one segment or all: log-loss on rows both speak of.

    `difference` is the champion's minus the model's, paired; of `rows` snapshots, which the champion hasn't seen.
    """

    days: int
    segment: str | None
    rows: int
    model_loss: Number
    champion_loss: Number
    difference: Estimate


@dataclass(frozen=True)
class BandRate:
    """How many of the snapshots in a band left within 90 days."""

    band: str
    rows: int
    churn_rate: Estimate


@dataclass(frozen=True)
class Warned:
    """Of `churns` seen `from_days` to `to_days` before they left, the share whose band was no longer healthy."""

    from_days: int
    to_days: int
    churns: int
    not_green: Estimate


@dataclass(frozen=True)
class Tenth:
    """A tenth of the snapshots by risk, the lowest first: mean risk and share that left, in accounts and in ARR."""

    days: int
    number: int
    rows: int
    expected: Number
    actual: Estimate
    expected_arr: Number
    actual_arr: Estimate


@dataclass(frozen=True)
class Caught:
    """Of those who left, and of the ARR lost, the share among the `share` of snapshots with the highest risks."""

    days: int
    share: Number
    churned: Number
    arr: Number


@dataclass(frozen=True)
class Driver:
    """A signal as the model saw it, with the points it gave to (or took from) health."""

    signal: str
    dimension: str
    meaning: str
    unit: str
    value: Number
    points: Number


@dataclass(frozen=True)
class GreenChurner:
    """An account that left though its band was healthy at `as_of`, its last snapshot at least 60 days before."""

    account_id: str
    name: str | None
    segment: str | None
    arr: Number
    as_of: datetime
    churned_at: datetime
    health: Number
    risk_90d: Number
    drivers: tuple[Driver, ...]


@dataclass(frozen=True)
class Missed:
    """Accounts that left while green: `green` of `churns`, `green_arr` of `arr`; `named` are the largest of them."""

    churns: int
    arr: Number
    green: int
    green_arr: Number
    named: tuple[GreenChurner, ...]


@dataclass(frozen=True)
class Receipt:
    """What a model version, trained the same way at moments of the past, said, against what happened.

    `until` is the moment the outcomes were told at, `observed_until` the last moment at which they are certain.
    `green` is the share of snapshots in the healthy band, `flips` the share of account-months whose band differs from
    the same band before and after, `settled_flips` the same of the settled band (`training.model.bands`).
    """

    until: datetime
    observed_until: datetime
    resamples: int
    folds: tuple[Fold, ...]
    verdict: tuple[str, ...]
    entries: tuple[Entry, ...]
    comparisons: tuple[Comparison, ...]
    base_rate: Estimate
    bands: tuple[BandRate, ...]
    green: Estimate
    flips: Estimate
    settled_flips: Estimate
    warned: tuple[Warned, ...]
    calibration: tuple[Tenth, ...]
    caught: tuple[Caught, ...]
    missed: Missed
    against_champion: tuple[AgainstChampion, ...] = ()

    @property
    def horizons(self) -> tuple[int, ...]:
        """Days of the horizons, rising."""
        return tuple(sorted({entry.days for entry in self.entries}))

    @property
    def predictors(self) -> tuple[str, ...]:
        """The model and its anchors."""
        return tuple(dict.fromkeys(entry.predictor for entry in self.entries))

    @property
    def segments(self) -> tuple[str, ...]:
        """The segments that have figures of their own."""
        return tuple(dict.fromkeys(entry.segment for entry in self.entries if entry.segment is not None))

    def entry(self, days: int, predictor: str = MODEL, segment: str | None = None) -> Entry | None:
        """The figures at a horizon, where there are any."""
        wanted = (predictor, days, segment)
        return next((entry for entry in self.entries if (entry.predictor, entry.days, entry.segment) == wanted), None)

    def warned_at(self, from_days: int) -> Warned | None:
        """The share no longer green in the 30 days that begin `from_days` before leaving."""
        return next((warned for warned in self.warned if warned.from_days == from_days), None)

    def metrics(self) -> dict[str, float]:
        """Figures by flat names, as MLflow logs them; those that can't be told are left out.

        `auc_90d`, `auc_90d_low`, `auc_90d_high` and so on for the model, `segments/<segment>/auc_90d` for a part of the
        book, `anchors/<anchor>/auc_90d` for the others.
        """
        found: dict[str, float] = {}
        for entry in self.entries:
            if entry.predictor != MODEL and entry.segment is not None:
                continue
            where = f"segments/{_slug(entry.segment)}/" if entry.segment is not None else ""
            where = where if entry.predictor == MODEL else f"anchors/{_slug(entry.predictor)}/"
            found |= {f"{where}rows_{entry.days}d": entry.rows, f"{where}churns_{entry.days}d": entry.churns}
            for name, estimate in entry.figures.items():
                found |= _flat(f"{where}{name}_{entry.days}d", estimate, ends=not where)
        for comparison in self.comparisons:
            name = f"anchors/{_slug(comparison.anchor)}/log_loss_above_model_{comparison.days}d"
            found |= _flat(name, comparison.difference)
        for band in self.bands:
            found |= _flat(f"churn_rate_{band.band}_90d", band.churn_rate)
        for warned in self.warned:
            found |= _flat(f"not_green_{warned.from_days}_{warned.to_days}d", warned.not_green)
        found |= _flat("green", self.green) | _flat("band_flips", self.flips)
        found |= _flat("settled_band_flips", self.settled_flips)
        found |= {"green_churners": self.missed.green, "green_churners_arr": self.missed.green_arr}
        return {name: float(value) for name, value in found.items() if value == value}

    def to_json(self) -> dict[str, Any]:
        """JSON's own types; what can't be told is None."""
        made: dict[str, Any] = json.loads(_adapter().dump_json(self))
        return made

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Receipt":
        """What `to_json` made."""
        return _adapter().validate_python(given)


@cache
def _adapter() -> TypeAdapter[Receipt]:
    return TypeAdapter(Receipt)


def _flat(name: str, estimate: Estimate, *, ends: bool = True) -> dict[str, float]:
    flat = {name: estimate.value}
    return flat | {f"{name}_low": estimate.low, f"{name}_high": estimate.high} if ends else flat


def _slug(text: str) -> str:
    """`text` in the letters that MLflow allows in a metric's name."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "unnamed"
