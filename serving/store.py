"""The score store: every batch ever published, each visible whole or not at all.

History is bi-temporal and only grows: a batch is of a moment (`as_of`) and was made at one (`known_at`); nothing is
edited. What is removed is removed on purpose, by `serving.erasure` and `serving.retention`. Readers take the batch with
the latest `(as_of, known_at)` and read it by its id, so a batch published meanwhile can't mix with theirs.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Self

import psycopg
from pydantic_core import from_json
from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Select,
    create_engine,
    event,
    insert,
    make_url,
    select,
    text,
    tuple_,
)
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, InterfaceError, OperationalError, TimeoutError

from features.errors import SettingsError
from serving.errors import NothingPublished, RefusedBatch, StoreUnavailable
from serving.loading import as_json
from serving.publishing import Publishing
from serving.schema import batches, books, data_reports, upgrade
from serving.scores import AccountScore, Batch
from serving.timelines import Timeline, replace_timelines

_CHUNK = 2_000  # rows sent at a time
_BUSY_MS = 30_000  # how long SQLite waits for another writer
_WAL_EVERY_S = 0.05
_LOOK_S = 0.02  # how often, at most, SQLite is asked whether anybody has written
_LOCK = 7_305_812  # any number, the same in every process that publishes


class ScoreStore:
    """Batches of scores on SQLite (one machine) or PostgreSQL (several writers or machines)."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._watching: sqlite3.Connection | None = None
        self._marker, self._looked_at = 0, 0.0

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

    @property
    def file(self) -> Path | None:
        """Where the store is on SQLite, None on PostgreSQL."""
        return Path(str(self._engine.url.database)) if self._engine.dialect.name == "sqlite" else None

    def close(self) -> None:
        """Close every connection."""
        if self._watching is not None:
            self._watching.close()
            self._watching = None
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def publish(
        self,
        batch: Batch,
        scores_of_batch: Iterable[AccountScore],
        book: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        timelines: Iterable[Timeline] = (),
    ) -> None:
        """Write a batch in one transaction: readers see all of it once this returns, and nothing of it before.

        The scores may come from a generator; if it raises, nothing is written. `book` holds what the book looks like
        by each grouping, as `serving.book` makes it, `data` what came in, as `serving.data_reporting` does; `timelines`
        are those of the accounts. Raises RefusedBatch if there are not `batch.accounts` scores, an account comes twice,
        a value is out of its range, or history already holds a batch of that `(as_of, known_at)`; StoreUnavailable if
        the database doesn't answer.
        """
        remaining = iter(scores_of_batch)
        try:
            with self.writing(exclusively=True) as connection:
                before = _batch(connection, _latest().where(_moment < (batch.as_of, batch.known_at)))
                current = _batch(connection, _latest())
                connection.execute(insert(batches), asdict(batch))
                publishing = Publishing(connection, batch, before, news=before == current)
                while chunk := list(islice(remaining, _CHUNK)):
                    publishing.write(chunk)
                if publishing.written != batch.accounts:
                    raise RefusedBatch(f"a batch of {batch.accounts} accounts brings {publishing.written} scores")
                for grouping, parts in (book or {}).items():
                    connection.execute(
                        insert(books), {"batch_id": batch.batch_id, "grouping": grouping, "parts": parts}
                    )
                if data is not None:
                    connection.execute(insert(data_reports), {"batch_id": batch.batch_id, "report": data})
                if before == current:
                    replace_timelines(connection, batch, iter(timelines))
        except (IntegrityError, DataError) as error:
            raise RefusedBatch(f"the batch of {batch.as_of:%Y-%m-%d %H:%M} is refused: {error.orig}") from error
        except (psycopg.IntegrityError, psycopg.DataError) as error:  # from COPY
            raise RefusedBatch(f"the batch of {batch.as_of:%Y-%m-%d %H:%M} is refused: {error}") from error

    def current(self) -> Batch:
        """The batch with the latest `(as_of, known_at)`. Raises NothingPublished if there is none."""
        batch = self.at()
        if batch is None:
            raise NothingPublished("no scores have been published yet: run `healthscore score`")
        return batch

    def at(self, as_of: date | None = None, known_at: date | None = None) -> Batch | None:
        """The batch that was current: the latest of those as of the end of a day, and known by the end of a day."""
        query = _latest()
        if as_of is not None:
            query = query.where(batches.c.as_of < day_after(as_of))
        if known_at is not None:
            query = query.where(batches.c.known_at < day_after(known_at))
        return self._batch(query)

    def batch(self, batch_id: str) -> Batch | None:
        """The batch of that id, or None."""
        return self._batch(select(batches).where(batches.c.batch_id == batch_id))

    def made_of(self, as_of: datetime, model_name: str, model_version: str, data_digest: str) -> Batch | None:
        """The latest batch of exactly that moment, model version and data, or None."""
        same = (batches.c.as_of == as_of, batches.c.model_name == model_name, batches.c.model_version == model_version)
        return self._batch(_latest().where(*same, batches.c.data_digest == data_digest))

    def marker(self) -> int | None:
        """A number that changes when anybody has written, read without waiting; None where only a query tells.

        What this process wrote shows at once, what others wrote within `_LOOK_S`.
        """
        if self._engine.dialect.name != "sqlite":
            return None
        if monotonic() - self._looked_at >= _LOOK_S:
            with self._answering():
                if self._watching is None:
                    self._watching = sqlite3.connect(str(self._engine.url.database), check_same_thread=False)
                self._looked_at = monotonic()
                self._marker = int(self._watching.execute("PRAGMA data_version").fetchone()[0])
        return self._marker

    def glance(self, query: str) -> tuple[Any, ...] | None:
        """The first row that SQL finds, as the database gives it; on SQLite without waiting for a connection."""
        if self._watching is None:
            with self.reading() as connection:
                row = connection.execute(text(query)).first()
        else:
            with self._answering():
                row = self._watching.execute(query).fetchone()
        return None if row is None else tuple(row)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read with. Raises StoreUnavailable if the database doesn't answer."""
        with self._answering(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, exclusively: bool = False) -> Iterator[Connection]:
        """A transaction to write in, committed at the end or undone by an error; `exclusively`: one at a time.

        Raises StoreUnavailable if the database doesn't answer.
        """
        with (
            self._answering(),
            self._engine.connect().execution_options(writes=True) as connection,
            connection.begin(),
        ):
            if exclusively and connection.dialect.name == "postgresql":  # SQLite has one writer anyway
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
        self._looked_at = 0.0

    def compact(self) -> None:
        """Take what has been deleted off the disk too: from SQLite's write-ahead file, out of PostgreSQL's pages."""
        sqlite = self._engine.dialect.name == "sqlite"
        with self._answering(), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)" if sqlite else "VACUUM")

    def _batch(self, query: Select[Any]) -> Batch | None:
        with self.reading() as connection:
            return _batch(connection, query)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (
            OperationalError,
            InterfaceError,
            TimeoutError,
            psycopg.OperationalError,
            sqlite3.OperationalError,
        ) as error:
            cause = getattr(error, "orig", None) or error
            where = self._engine.url.render_as_string(hide_password=True)
            raise StoreUnavailable(f"the score store at {where} doesn't answer: {cause}") from error


def day_after(day: date) -> datetime:
    """The midnight a day ends with; of the last day there is, its last moment."""
    return datetime.combine(day, time.max) if day == date.max else datetime.combine(day, time()) + timedelta(days=1)


_moment = tuple_(batches.c.as_of, batches.c.known_at)


def _latest() -> Select[Any]:
    return select(batches).order_by(batches.c.as_of.desc(), batches.c.known_at.desc()).limit(1)


def _batch(connection: Connection, query: Select[Any]) -> Batch | None:
    row = connection.execute(query).one_or_none()
    return None if row is None else Batch(**row._mapping)


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
            url, json_serializer=as_json, json_deserializer=from_json, pool_pre_ping=True,
            connect_args={"connect_timeout": 5, "client_encoding": "utf8"}, hide_parameters=True,
        )  # fmt: skip
    engine = create_engine(url, json_serializer=as_json, json_deserializer=from_json, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # transactions begin below, for tables too, not where the driver likes
        for pragma in (f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}").close()
        _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Put the file in write-ahead mode; SQLite doesn't wait for another process that is just doing that."""
    waited = 0.0
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if (waited := waited + _WAL_EVERY_S) > _BUSY_MS / 1000:
                raise
            sleep(_WAL_EVERY_S)
        else:
            return
