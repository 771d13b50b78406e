"""What a publish does with each chunk of scores, in its transaction: settle bands, write rows, tell the news."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from serving.bands import Seen, settle
from serving.events import Outbox
from serving.loading import load
from serving.schema import scores
from serving.scores import AccountScore, Batch


class Publishing:
    """One batch on its way into the store. `before` is the batch it follows; `news` says that it becomes current."""

    def __init__(self, connection: Connection, batch: Batch, before: Batch | None, *, news: bool) -> None:
        self.written = 0
        self._connection = connection
        self._batch = batch
        self._later = before is not None and before.as_of < batch.as_of
        self._outbox = Outbox(connection) if news else None
        self._before = before

    def write(self, chunk: Sequence[AccountScore]) -> None:
        """Write these scores, and the events they are."""
        before = self._seen([score.account_id for score in chunk])
        settled = {
            score.account_id: settle(score.health, score.band, before.get(score.account_id), later=self._later)
            for score in chunk
        }
        load(self._connection, self._batch.batch_id, chunk, settled)
        self.written += len(chunk)
        if self._outbox is not None:
            for score in chunk:
                if (seen := before.get(score.account_id)) is not None:
                    self._tell(self._outbox, score, seen, settled[score.account_id])

    def _seen(self, accounts: Sequence[str]) -> dict[str, Seen]:
        """What the batch before said of these accounts."""
        if self._before is None:
            return {}
        shown = select(scores.c.account_id, scores.c.band, scores.c.settled_band, scores.c.notice_given).where(
            scores.c.batch_id == self._before.batch_id, scores.c.account_id.in_(accounts)
        )
        return {account_id: Seen(*seen) for account_id, *seen in self._connection.execute(shown)}

    def _tell(self, outbox: Outbox, score: AccountScore, seen: Seen, settled_band: str) -> None:
        about = {
            "account_id": score.account_id,
            "name": score.name,
            "owner": score.owner,
            "as_of": f"{self._batch.as_of.isoformat()}Z",
            "batch_id": self._batch.batch_id,
            "health": score.health,
            "arr": score.arr,
        }
        at = self._batch.known_at
        if seen.settled_band is not None and settled_band != seen.settled_band:
            told = about | {"from": seen.settled_band, "to": settled_band}
            outbox.put("band_change", at, told, score.account_id)
        if score.notice_given and not seen.notice_given:
            outbox.put("notice", at, about, score.account_id)
