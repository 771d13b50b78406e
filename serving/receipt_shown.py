"""A receipt as it is shown: the JSON that stands in the registry beside a version, read back into shapes.

What a receipt lacks, because another version of the program wrote it, is missing here and not shown. A figure that
can't be told is None.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

from serving.reach import Reach
from serving.read_models import Shown
from serving.snapshot import snapshot_of
from serving.store import ScoreStore

MODEL = "the model"

Number = float | None


class Estimate(Shown):
    """A figure with the interval that holds the true one 95 times of 100."""

    value: Number = None
    low: Number = None
    high: Number = None

    @property
    def level(self) -> Literal["right", "too high", "too low", "not known"]:
        """What an expected ÷ actual says; right where its interval holds 1."""
        if self.value is None:
            return "not known"
        low, high = (self.value if end is None else end for end in (self.low, self.high))
        return "too high" if low > 1 else "too low" if high < 1 else "right"


class Entry(Shown):
    """Figures of one predictor at one horizon, over the whole book or one segment."""

    predictor: str
    days: int
    segment: str | None
    rows: int
    accounts: int
    churns: int
    figures: dict[str, Estimate]

    def figure(self, name: str) -> Estimate:
        """One of them; unknown where the receipt hasn't got it."""
        return self.figures.get(name, Estimate())


class Comparison(Shown):
    """An anchor's log-loss against the model's on the same rows; a `difference` above 0: the model is better."""

    anchor: str
    days: int
    rows: int
    model_loss: Number
    anchor_loss: Number
    difference: Estimate

    @property
    def better(self) -> Literal["model", "anchor", "neither"]:
        """Which is better; neither where the interval holds 0."""
        if self.difference.low is not None and self.difference.low > 0:
            return "model"
        return "anchor" if self.difference.high is not None and self.difference.high < 0 else "neither"


class Fold(Shown):
    """A moment of the past at which a model was trained, to be held against what came."""

    as_of: datetime
    until: datetime
    mode: str
    churns: int


class BandRate(Shown):
    """How many of the snapshots in a band left within 90 days."""

    band: str
    rows: int
    churn_rate: Estimate


class Warned(Shown):
    """Of `churns` seen so long before they left, the share whose band was no longer healthy."""

    from_days: int
    to_days: int
    churns: int
    not_green: Estimate


class Tenth(Shown):
    """A tenth of the snapshots by risk, the lowest first: what was expected of it, and what happened."""

    days: int
    number: int
    rows: int
    expected: Number
    actual: Estimate
    expected_arr: Number
    actual_arr: Estimate


class Caught(Shown):
    """Of those who left, and of the ARR lost, the share among the `share` of snapshots with the highest risks."""

    days: int
    share: Number
    churned: Number
    arr: Number


class SeenDriver(Shown):
    """A signal as the model saw it then, and the points it gave."""

    meaning: str
    unit: str
    value: Number
    points: float


class GreenChurner(Shown):
    """An account that left though its band was healthy when it was seen last."""

    account_id: str
    name: str | None
    segment: str | None
    arr: Number
    as_of: datetime
    churned_at: datetime
    health: Number
    risk_90d: Number
    drivers: list[SeenDriver]
    owner: str | None = None


class Missed(Shown):
    """Accounts that left while green, and their share of what left; `named`: the largest, by name."""

    churns: int = 0
    arr: Number = None
    green: int = 0
    green_arr: Number = None
    named: tuple[GreenChurner, ...] = ()


class ReceiptShown(Shown):
    """What models of the past, trained the same way, said, against what happened."""

    observed_until: datetime | None = None
    folds: tuple[Fold, ...] = ()
    verdict: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    base_rate: Estimate = Estimate()
    bands: tuple[BandRate, ...] = ()
    green: Estimate = Estimate()
    settled_flips: Estimate = Estimate()
    warned: tuple[Warned, ...] = ()
    calibration: tuple[Tenth, ...] = ()
    caught: tuple[Caught, ...] = ()
    missed: Missed = Missed()

    def entry(self, days: int, predictor: str = MODEL) -> Entry | None:
        """The figures of a predictor over the whole book at a horizon."""
        wanted = (predictor, days, None)
        return next((entry for entry in self.entries if (entry.predictor, entry.days, entry.segment) == wanted), None)

    def warned_at(self, from_days: int) -> Warned | None:
        """The share no longer green in the 30 days that begin `from_days` before leaving, where anybody left."""
        return next((warned for warned in self.warned if warned.from_days == from_days and warned.churns), None)


def sight(store: ScoreStore, reach: Reach) -> Callable[[str, str | None], bool]:
    """Whether a reader may see an account that a receipt names, by its id and the owner it had then.

    Whose an account is, the current scores say; of one that has left for good, the receipt.
    """
    if reach.owner is None:
        return lambda account_id, owner: True
    batch = store.at()
    owners = {} if batch is None else snapshot_of(store, batch).owners
    return lambda account_id, owner: owners.get(account_id, owner) == reach.owner


def within_reach(receipt: dict[str, Any], store: ScoreStore, reach: Reach) -> dict[str, Any]:
    """The receipt, naming only accounts that its reader may see."""
    if (missed := receipt.get("missed")) is None:
        return receipt
    seen = sight(store, reach)
    named = [one for one in missed["named"] if seen(one["account_id"], one.get("owner"))]
    return {**receipt, "missed": {**missed, "named": named}}
