"""Replay: a stored batch computed again from its stored signals and its model version, compared bit for bit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from serving.errors import CannotReplay
from serving.scores import AccountScore, Batch
from serving.scoring import account_scores, scored_by
from serving.store import ScoreStore
from serving.stored_matrix import stored_accounts, stored_matrix
from training.model import HealthModel

_COMPARED = (
    "health", "band", "health_low", "health_high", "risk_30d", "risk_90d", "risk_180d", "risk_365d", "renewal_risk",
    "contraction_risk", "arr_at_risk", "expected_arr", "coverage", "base_points", "points",
)  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """A stored value that came out otherwise."""

    account_id: str
    what: str
    stored: object
    replayed: object


@dataclass(frozen=True)
class Replayed:
    """What a replay found; `erased` accounts of the batch are gone and weren't compared."""

    accounts: int
    values: int
    erased: int
    differences: Sequence[Difference]


def replay(store: ScoreStore, batch: Batch, model: HealthModel) -> Replayed:
    """Compute a batch again and compare every number of it.

    Raises CannotReplay if the model reads other definitions of the signals, or the batch was stored before the length
    of terms was.
    """
    if model.card.catalogue_digest != batch.catalogue_digest:
        raise CannotReplay(f"batch {batch.batch_id} was scored with other definitions of the signals than this model's")
    if batch.code_version is None:
        raise CannotReplay(f"batch {batch.batch_id} was stored before the length of terms was: it can't be replayed")
    stored = list(stored_accounts(store, batch))
    matrix = stored_matrix(stored, batch, model.card.signals)
    values = 0
    differences: list[Difference] = []
    for row, score in zip(stored, account_scores(scored_by(model, matrix), model.card.signals, ()), strict=True):
        for what, kept, made in _pairs(row, score):
            values += 1
            if repr(kept) != repr(made):  # repr of a float is exact, and tells −0 from 0
                differences.append(Difference(score.account_id, what, kept, made))
    return Replayed(len(stored), values, batch.accounts - len(stored), differences)


def _pairs(row: dict[str, Any], score: AccountScore) -> Iterator[tuple[str, object, object]]:
    for name in _COMPARED:
        yield name, row[name], getattr(score, name)
    for signal in score.signals:
        yield f"points of {signal.name}", row["signals"][signal.name][1], signal.points
