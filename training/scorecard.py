"""The expert scorecard: a readable prior, turned into log-odds.

`training/scorecard.toml` is the default. A signal's grade runs from 0 (poor) over 0.5 (average, or missing) to 1
(good); the log-odds of renewing are the base's plus one term per signal, so the prior is explained as exactly as the
booster that is learned on top of it.
"""

import tomllib
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from scipy.special import logit

from features.catalogue import CATALOGUE
from features.errors import SettingsError
from features.periods import PERIOD_DAYS
from features.signal import DIMENSIONS

DEFAULT = Path(__file__).with_name("scorecard.toml")
YEAR_DAYS = 365.0

Floats = NDArray[np.float64]
Cause = Literal["churn", "contraction"]
CAUSES: tuple[Cause, Cause] = ("churn", "contraction")


@dataclass(frozen=True)
class Threshold:
    """Where a signal counts as poor and as good, its part of the dimension, and the log-odds that being poor costs."""

    poor: float
    good: float
    weight: float = 1.0
    alarm: float = 0.0


@dataclass(frozen=True)
class Scorecard:
    """Weights per dimension and thresholds per signal; rates are per year.

    `reach` is the log-odds of renewing between an average account and one that is good in everything.
    """

    renewal_rate: float
    leaves_early: float
    contraction_rate: float
    reach: float
    dimensions: dict[str, float]
    signals: dict[str, Threshold]

    def grades(self, values: NDArray[Any], names: list[str]) -> Floats:
        """Rows by `names`: 0 poor, 1 good, NaN where the signal is missing or the scorecard doesn't weigh it."""
        at, poor, span, _, _ = self._told(names)
        grades: Floats = np.full(values.shape, np.nan)
        grades[:, at] = np.clip((values[:, at].astype(np.float64) - poor) / span, 0.0, 1.0)
        return grades

    def terms(self, values: NDArray[Any], names: list[str]) -> Floats:
        """Rows by `names`: what each signal adds to the log-odds of renewing; 0 where it is missing."""
        _, _, _, shares, alarms = self._told(names)
        grades = self.grades(values, names)
        terms: Floats = self.reach * shares * (2.0 * grades - 1.0) - alarms * (1.0 - grades)
        return np.nan_to_num(terms, nan=0.0)

    def _told(self, names: list[str]) -> tuple[Any, ...]:
        """Of signals that are weighed the places in `names`, `poor` and `good − poor`; of all, shares and alarms."""
        if (told := self._kept.get(key := tuple(names))) is None:
            weighed = [(place, self.signals[name]) for place, name in enumerate(names) if name in self.signals]
            told = self._kept[key] = (
                np.array([place for place, _ in weighed], dtype=np.intp),
                np.array([threshold.poor for _, threshold in weighed]),
                np.array([threshold.good - threshold.poor for _, threshold in weighed]),
                np.array([self.share(name) for name in names]),
                np.array([self.signals[name].alarm if name in self.signals else 0.0 for name in names]),
            )
        return told

    @cached_property
    def _kept(self) -> dict[tuple[str, ...], tuple[Any, ...]]:
        """What `_told` says of signals asked about before: an account is scored in less time than it takes to say."""
        return {}

    def standing(self, values: NDArray[Any], names: list[str]) -> Floats:
        """How each row stands: what its signals add to the log-odds of renewing, all together."""
        return np.asarray(self.terms(values, names).sum(axis=1))

    def share(self, name: str) -> float:
        """The signal's share of all weight; 0 where the scorecard doesn't weigh it."""
        if name not in self.signals:
            return 0.0
        dimension = CATALOGUE[name].dimension
        return (
            self.dimensions[dimension]
            / sum(self.dimensions.values())
            * self.signals[name].weight
            / sum(t.weight for other, t in self.signals.items() if CATALOGUE[other].dimension == dimension)
        )

    def base(self, cause: Cause, renews: NDArray[Any], term: Floats) -> Floats:
        """Log-odds of `cause` in one period for an average account.

        `renews`: whether a term ends in it; `term`: its days, NaN where open-ended. A term of a year or more is
        decided at its end; a shorter one loses at each end what makes up the same loss in a year, and an open-ended
        contract the same in every period. Elsewhere little is lost.
        """
        lost, early = {
            "churn": (1.0 - self.renewal_rate, self.leaves_early),
            "contraction": (self.contraction_rate, self.contraction_rate / 4.0),
        }[cause]
        period = PERIOD_DAYS / YEAR_DAYS
        years = np.where(term > 0, np.minimum(term, YEAR_DAYS) / YEAR_DAYS, period)
        at_the_end = logit(1.0 - (1.0 - lost) ** years)
        within = logit(1.0 - (1.0 - early) ** period)
        return np.asarray(np.where(np.isnan(term) | (renews > 0), at_the_end, within))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and texts, as `from_json` takes them."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Scorecard":
        """What `to_json` gave."""
        return cls(**{**given, "signals": {name: Threshold(**t) for name, t in given["signals"].items()}})


@cache
def read(path: Path = DEFAULT) -> Scorecard:
    """The scorecard in a TOML file; SettingsError says which line of thought doesn't hold."""
    try:
        given = _File.model_validate(tomllib.loads(path.read_text()))
    except OSError as error:
        raise SettingsError(f"the scorecard {path} can't be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"the scorecard {path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"scorecard {path}, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    made = given.made()
    for problem in _problems(made):
        raise SettingsError(f"scorecard {path}: {problem}")
    return made


def _problems(card: Scorecard) -> list[str]:
    found = [
        f"there is no dimension {name}: write one of {', '.join(DIMENSIONS)}"
        for name in card.dimensions
        if name not in DIMENSIONS
    ]
    if not sum(card.dimensions.values()) > 0:
        found.append("no dimension has a weight above 0")
    for name, threshold in card.signals.items():
        signal = CATALOGUE.get(name)
        if signal is None or not signal.in_model:
            found.append(f"there is no signal {name} to weigh: see `healthscore signals list`")
        elif threshold.good == threshold.poor:
            found.append(f"signal {name}: good and poor are both {threshold.good:g}")
        elif signal.direction is None:
            found.append(f"signal {name} has no direction, neither much nor little of it is good: leave it out")
        elif (threshold.good > threshold.poor) != (signal.direction > 0):
            better = "more" if signal.direction > 0 else "less"
            found.append(f"signal {name}: {better} is better, so good can't be {threshold.good:g}")
        elif signal.dimension not in card.dimensions:
            found.append(f"signal {name} is of dimension {signal.dimension}, which has no weight")
    return found


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class _Threshold(_Strict):
    poor: float
    good: float
    weight: float = Field(1.0, gt=0)
    alarm: float = Field(0.0, ge=0)


class _File(_Strict):
    renewal_rate: float = Field(gt=0, lt=1)
    leaves_early: float = Field(gt=0, lt=1)
    contraction_rate: float = Field(gt=0, lt=1)
    reach: float = Field(gt=0)
    dimensions: dict[str, float] = Field(min_length=1)
    signals: dict[str, _Threshold] = Field(min_length=1)

    def made(self) -> Scorecard:
        signals = {name: Threshold(**t.model_dump()) for name, t in self.signals.items()}
        return Scorecard(**{**self.model_dump(), "signals": signals})
