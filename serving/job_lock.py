"""One run at a time on a store: a lock that dies with the process that holds it, however that dies.

For SQLite it is the operating system's lock on a file beside the database, for PostgreSQL an advisory lock of a session
of its own. Neither leaves anything behind that would have to be cleared away.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from serving.errors import AlreadyRunning
from serving.store import ScoreStore

_LOCK = 7_305_813  # any number, the same in every process that runs the job


@contextmanager
def only_run(store: ScoreStore) -> Iterator[None]:
    """Hold the lock of a store. Raises AlreadyRunning where another process does, StoreUnavailable."""
    path = store.file
    with _file_lock(path.with_name(f"{path.name}.lock")) if path else _advisory_lock(store):
        yield


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    with path.open("a+") as file:  # not truncated: it may hold who has the lock
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise AlreadyRunning(f"{_ANOTHER}: process {file.read().strip() or 'unknown'} holds {path}") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


@contextmanager
def _advisory_lock(store: ScoreStore) -> Iterator[None]:
    failed: BaseException | None = None
    with store.reading() as connection:
        session = connection.execution_options(isolation_level="AUTOCOMMIT")
        if not session.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            raise AlreadyRunning(f"{_ANOTHER}: a session of its database holds the advisory lock {_LOCK}")
        try:
            yield
        except BaseException as error:  # raised below: passing the store it would be told as the store's own
            failed = error
        session.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    if failed is not None:
        raise failed


_ANOTHER = "another run is at work on this score store, so this one has done nothing"
