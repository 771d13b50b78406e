"""Shadow: what the challenger says of the same accounts, stored apart and never shown as the score.

It is made from the signals stored with a batch, so it needs no source and can be made up for later.
"""

from dataclasses import dataclass

from sqlalchemy import case, func, insert, select

from serving.schema import scores, shadow_scores
from serving.scores import Batch
from serving.store import ScoreStore
from serving.stored_matrix import stored_accounts, stored_matrix
from training.model import HORIZONS, HealthModel


@dataclass(frozen=True)
class Shadow:
    """Scores of a challenger: of how many accounts, and how many of them have another band than the one shown."""

    version: str
    accounts: int
    band_changes: int


def shadow(store: ScoreStore, batch: Batch, challenger: HealthModel, version: str) -> Shadow:
    """Score a batch's accounts with the challenger too and store that in one transaction, unless it is there already.

    A challenger that is the batch's own version has nothing to add: it is counted, not stored.
    """
    if version != batch.model_version and not _counted(store, batch, version)[0]:
        _write(store, batch, challenger, version)
    accounts, changes = _counted(store, batch, version)
    return Shadow(version, accounts, changes)


def _write(store: ScoreStore, batch: Batch, challenger: HealthModel, version: str) -> None:
    matrix = stored_matrix(list(stored_accounts(store, batch)), batch, challenger.card.signals)
    scored = challenger.score(matrix).select("account_id", "health", "band", *(f"risk_{days}d" for days in HORIZONS))
    same = {"batch_id": batch.batch_id, "model_version": version}
    with store.writing(exclusively=True) as connection:
        connection.execute(insert(shadow_scores), [same | row for row in scored.iter_rows(named=True)])


def _counted(store: ScoreStore, batch: Batch, version: str) -> tuple[int, int]:
    both = (scores.c.batch_id == shadow_scores.c.batch_id) & (scores.c.account_id == shadow_scores.c.account_id)
    changed = case((scores.c.band != shadow_scores.c.band, 1), else_=0)
    query = (
        select(func.count(), func.coalesce(func.sum(changed), 0))
        .join_from(shadow_scores, scores, both)
        .where(shadow_scores.c.batch_id == batch.batch_id, shadow_scores.c.model_version == version)
    )
    with store.reading() as connection:
        accounts, changes = connection.execute(query).one()
    return int(accounts), int(changes)
