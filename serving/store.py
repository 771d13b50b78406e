"""The score store: every batch ever published, each visible whole or not at all.

History only grows: nothing is edited or removed. Readers take the current batch, the one with the latest
`(as_of, known_at)`, and read it by its id, so a batch published meanwhile can't mix with theirs.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Any, Self

from pydantic_core import from_json, to_json
from sqlalchemy import URL, Connection, Engine, Select, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, InterfaceError, OperationalError, TimeoutError

from features.errors import SettingsError
from serving.errors import NothingPublished, RefusedBatch, StoreUnavailable
from serving.schema import batches, score_details, scores, upgrade
from serving.scores import AccountScore, Batch

_CHUNK = 2_000  # rows sent at a time
_BUSY_MS = 30_000  # how long SQLite waits for another writer


class ScoreStore:
    """Batches of scores on SQLite (one machine) or PostgreSQL (several writers or machines)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the store at an SQLAlchemy URL and bring its tables up to date.

        `sqlite:///scores.db` or `postgresql://user:password@host/database`. Raises SettingsError for another kind
        of URL, StoreUnavailable if the database doesn't answer, StoreTooNew if a later program has changed it.
        """
        store = cls(_engine(_database(url)))
        try:
            with store._answering():
                upgrade(store._engine)
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(self, batch: Batch, scores_of_batch: Iterable[AccountScore]) -> None:
        """Write a batch in one transaction: readers see all of it once this returns, and nothing of it before.

        The scores may come from a generator; if it raises, nothing is written. Raises RefusedBatch if there are
        not `batch.accounts` scores, an account comes twice, a value is out of its range, or history already holds a
        batch of that `(as_of, known_at)`; StoreUnavailable if the database doesn't answer.
        """
        written = 0
        remaining = iter(scores_of_batch)
        with self._answering(), self._engine.connect().execution_options(writes=True) as connection:
            try:
                with connection.begin():
                    connection.execute(insert(batches), asdict(batch))
                    while chunk := list(islice(remaining, _CHUNK)):
                        connection.execute(insert(scores), [_listed(batch.batch_id, score) for score in chunk])
                        connection.execute(insert(score_details), [_detailed(batch.batch_id, score) for score in chunk])
                        written += len(chunk)
                    if written != batch.accounts:
                        raise RefusedBatch(f"a batch of {batch.accounts} accounts brings {written} scores")
            except (IntegrityError, DataError) as error:
                raise RefusedBatch(f"the batch of {batch.as_of:%Y-%m-%d %H:%M} is refused: {error.orig}") from error

    def current(self) -> Batch:
        """The batch with the latest `(as_of, known_at)`. Raises NothingPublished if there is none."""
        batch = self._batch(select(batches).order_by(batches.c.as_of.desc(), batches.c.known_at.desc()).limit(1))
        if batch is None:
            raise NothingPublished("no scores have been published yet: run `healthscore score`")
        return batch

    def batch(self, batch_id: str) -> Batch | None:
        """The batch of that id, or None."""
        return self._batch(select(batches).where(batches.c.batch_id == batch_id))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with. Raises StoreUnavailable if the database doesn't answer."""
        with self._answering(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection in one transaction that writes, committed at the end or not at all. Raises StoreUnavailable."""
        with (
            self._answering(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            yield connection

    def _batch(self, query: Select[Any]) -> Batch | None:
        with self.reading() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Batch(**row._mapping)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, TimeoutError) as error:
            cause = getattr(error, "orig", None) or error
            where = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnavailable(f"the score store at {where} doesn't answer: {cause}") from error


def fold(words: str) -> str:
    """The form texts are sorted and searched by: no case, no accents (`Élan` → `elan`)."""
    parts = unicodedata.normalize("NFKD", words.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _listed(batch_id: str, score: AccountScore) -> dict[str, object]:
    row: dict[str, object] = {column: getattr(score, column) for column in _LISTED}
    return row | {"batch_id": batch_id, "folded": f"{fold(score.name)}\n{fold(score.account_id)}"}


def _detailed(batch_id: str, score: AccountScore) -> dict[str, object]:
    row: dict[str, object] = {column: getattr(score, column) for column in _DETAILED}
    return row | {"batch_id": batch_id}


_LISTED: Sequence[str] = [name for name in scores.c.keys() if name not in {"batch_id", "folded"}]  # noqa: SIM118
_DETAILED: Sequence[str] = [name for name in score_details.c.keys() if name != "batch_id"]  # noqa: SIM118


def _database(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise SettingsError("the store's URL can't be read; write sqlite:///scores.db or postgresql://…") from error
    if parsed.drivername in {"postgresql", "postgres", "postgresql+psycopg"}:
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in {"sqlite", "sqlite+pysqlite"} and parsed.database not in {None, "", ":memory:"}:
        return parsed
    raise SettingsError(
        f"the store can't be at {parsed.render_as_string(hide_password=True)}: "
        "write sqlite:///scores.db (a file) or postgresql://user:password@host/database"
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return create_engine(
            url, json_serializer=_json, json_deserializer=from_json, pool_pre_ping=True,
            connect_args={"connect_timeout": 5},
        )  # fmt: skip
    engine = create_engine(url, json_serializer=_json, json_deserializer=from_json)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, for tables too, not where the driver likes
        for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _json(value: object) -> str:
    return to_json(value, inf_nan_mode="null").decode()
