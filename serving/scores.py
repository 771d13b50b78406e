"""The scores of one moment, as a scoring job hands them to the store.

Times are UTC without a zone. Risks are probabilities of churn, 0–1, higher is worse; health is 0–100, higher is
better. Money is in the company's one currency, ARR per year.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import uuid4

from training.model import BAND_NAMES as BANDS
from training.model import Band

Status = Literal["fresh", "stale", "missing"]


__all__ = ["BANDS", "AccountScore", "Band", "Batch", "Driver", "Freshness", "Signal", "Status"]


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal's value for an account (None: missing) and the points it adds to health."""

    name: str
    value: float | str | None
    points: float


@dataclass(frozen=True, slots=True)
class Freshness:
    """The latest row known of a table for an account (None: it has none), and whether the table is still being fed."""

    latest_at: datetime | None
    status: Status


@dataclass(frozen=True, slots=True)
class Driver:
    """A signal with its points as it is shown to a person, beside its peers' median where there are peers."""

    signal: str
    dimension: str
    value: float | str | None
    unit: str
    peer_median: float | None
    peers: str | None
    points: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountScore:
    """One account in one batch.

    `arr_at_risk` is `arr × risk_365d`. `coverage` is the share of the model's weight on signals that are present.
    `renewal_risk` is None where no renewal is known. `base_points` plus the sum of `points` (per dimension) is health
    before it is clipped to 0–100; the points of `signals` add up to those of their dimensions. `health_low` to
    `health_high` is an 80 % interval; `contraction_risk` the chance to stay but pay less within 365 days;
    `expected_arr` the ARR expected a year from `as_of`. `days_to_renewal` and `term_days` are what the model's clock
    was given, None where open-ended. What a model version doesn't give is None.
    """

    account_id: str
    name: str
    segment: str | None = None
    region: str | None = None
    owner: str | None = None
    arr: float
    renewal_at: datetime | None = None
    health: float
    band: Band
    risk_30d: float
    risk_90d: float
    risk_180d: float
    risk_365d: float
    renewal_risk: float | None = None
    arr_at_risk: float
    coverage: float
    base_points: float
    points: Mapping[str, float]
    signals: Sequence[Signal] = ()
    freshness: Mapping[str, Freshness] = field(default_factory=dict)
    health_low: float | None = None
    health_high: float | None = None
    contraction_risk: float | None = None
    expected_arr: float | None = None
    drivers: Sequence[Driver] | None = None
    notice_given: bool | None = None
    days_to_renewal: float | None = None
    term_days: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All accounts scored at one moment by one model version.

    `as_of` is the moment the world was frozen, `known_at` when the scores were made: scoring an old `as_of` again
    with data that came late makes another batch of the same `as_of`. `mode` says what the model rests on, in the
    model's own word. `catalogue_digest` identifies the signals' definitions, `data_digest` the tables scored,
    `code_version` the program and `configuration` what people have set of the model. `accounts` is the number of scores
    published, `erased` how many of them have been erased since.
    """

    as_of: datetime
    known_at: datetime
    model_name: str
    model_version: str
    mode: str
    catalogue_digest: str
    accounts: int
    code_version: str | None = None
    data_digest: str | None = None
    erased: int = 0
    configuration: str | None = None
    batch_id: str = field(default_factory=lambda: uuid4().hex)
