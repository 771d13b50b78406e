"""The latest score of an account, in whichever batch it last was: what history, opinions and actions hang on."""

from typing import Any

from sqlalchemy import Connection, bindparam, select

from serving.errors import UnknownAccount
from serving.reach import Reach
from serving.schema import batches, scores

_LATEST = (
    select(*(scores.c[name] for name in ("batch_id", "name", "owner", "health", "band", "arr")), batches.c.as_of)
    .join_from(batches, scores, batches.c.batch_id == scores.c.batch_id)
    .where(scores.c.account_id == bindparam("account_id"))
    .order_by(batches.c.as_of.desc(), batches.c.known_at.desc())
    .limit(1)
)


def latest_score(connection: Connection, account_id: str, reach: Reach) -> Any:
    """A row of `batch_id`, `as_of`, `name`, `owner`, `health`, `band`, `arr` of the latest score.

    Raises UnknownAccount where there is none, or the account is out of reach: its latest owner is somebody else.
    """
    unknown = UnknownAccount(f"there is no account {account_id!r}")
    if "\x00" in account_id:  # which PostgreSQL can't hold
        raise unknown
    row = connection.execute(_LATEST, {"account_id": account_id}).one_or_none()
    if row is None or reach.owner not in {None, row.owner}:
        raise unknown
    return row
