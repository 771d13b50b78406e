"""What the store holds of an account's scores, as the model takes it: the rows that what-if and changes start from."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, select

from serving.errors import UnknownAccount
from serving.latest import latest_score
from serving.loading import signals_of
from serving.reach import Reach
from serving.schema import batches, score_details, scores
from serving.scores import Batch
from serving.store import ScoreStore
from training.model import Snapshot


@dataclass(frozen=True)
class StoredScore:
    """A score of an account: the batch it is in, and what was known of the account then."""

    batch_id: str
    as_of: datetime
    known_at: datetime
    model_name: str
    model_version: str
    known: Snapshot


_OF_BATCH = tuple(batches.c[name] for name in ("batch_id", "as_of", "known_at", "model_name", "model_version"))

_ALL = (
    select(batches.c.batch_id, batches.c.as_of, batches.c.known_at)
    .join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    .where(scores.c.account_id == bindparam("account_id"))
    .order_by(batches.c.as_of, batches.c.known_at)
)
_ONE = (
    select(*_OF_BATCH, scores.c.segment, scores.c.renewal_at, score_details.c.signals, score_details.c.term_days)
    .join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    .join(
        score_details,
        (scores.c.batch_id == score_details.c.batch_id) & (scores.c.account_id == score_details.c.account_id),
    )
    .where(scores.c.batch_id == bindparam("batch_id"), scores.c.account_id == bindparam("account_id"))
)


def stored_scores(store: ScoreStore, account_id: str, *, reach: Reach) -> list[tuple[str, datetime, datetime]]:
    """`batch_id`, `as_of` and `known_at` of every score of an account, the earliest first. Raises UnknownAccount."""
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
        return [tuple(row) for row in connection.execute(_ALL, {"account_id": account_id})]


def stored_score(store: ScoreStore, account_id: str, batch_id: str) -> StoredScore:
    """The score of an account in a batch. Raises UnknownAccount where there is none."""
    with store.reading() as connection:
        row = connection.execute(_ONE, {"batch_id": batch_id, "account_id": account_id}).one_or_none()
    if row is None:
        raise UnknownAccount(f"there is no score of {account_id!r} in the batch {batch_id}")
    return _stored(row._mapping)


def current_score(store: ScoreStore, batch: Batch, account_id: str, *, reach: Reach) -> StoredScore:
    """The score of an account in the batch that is shown. Raises UnknownAccount."""
    with store.reading() as connection:
        latest_score(connection, account_id, reach)
    return stored_score(store, account_id, batch.batch_id)


def _stored(given: RowMapping) -> StoredScore:
    signals = {name: _number(value) for name, (value, _) in signals_of(given["signals"]).items()}
    known = Snapshot(given["as_of"], signals, given["renewal_at"], given["term_days"], given["segment"])
    return StoredScore(**{column.name: given[column.name] for column in _OF_BATCH}, known=known)


def _number(value: float | str | None) -> float | None:
    return None if isinstance(value, str) else value
